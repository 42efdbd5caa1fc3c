import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { legalTransitions, schemeTags } from '../../../src/data/schemes.js'
import { scoresFromCounts } from '../../../src/data/scoring.js'
import { freshConfig, architectureOf } from '../../../src/models/architectures.js'
import { modelCard } from '../../../src/training/outcome/model-card.js'

const tags = schemeTags(['LOC', 'PER'], 'IOB2')
const sizes = { hiddenSize: 8, layers: 1, heads: 2, intermediateSize: 8, maxPositions: 8, vocabSize: 9, pad: 0 }
const config = freshConfig('bert', { ...sizes, cls: undefined, sep: undefined }, 'here')
const encoder = architectureOf(config, 'here').create(config)
const scores = (tp: number) => scoresFromCounts(new Map([['PER', { tp, fp: 0, fn: 10 - tp }]]))

const card = (head: 'crf' | 'softmax', scored?: Parameters<typeof modelCard>[0]['scored']) =>
  modelCard({
    name: 'mine',
    tagger: { encoder, head, tags, legal: legalTransitions(tags, 'IOB2'), dropout: 0 },
    origin: 'Trained from scratch with seed 1',
    data: { test: { file: 'test.conll', sha256: 'ab' } },
    scored,
    hasWeights: true,
  })

describe('a model card', () => {
  it('tells the hub what the model scores by its own decoding, and people what other tools get of it', () => {
    const text = card('crf', { on: 'test', scores: scores(9), argmax: scores(5) })
    const [, header, body] = text.split('---\n') as [string, string, string]
    expect(parse(header)).toMatchObject({
      'model-index': [
        { results: [{ dataset: { name: 'test.conll' }, metrics: [{}, {}, { value: scores(9).micro.f1 }] }] },
      ],
    })
    expect(body).toContain('Finds LOC, PER. Trained from scratch with seed 1; a CRF on top decodes the tags')
    expect(body).toContain('| all | 100.00 | 90.00 | 94.74 |')
    expect(body).toMatch(/likeliest tag, get an F1 of 66\.67: decode with the CRF\./)
  })

  it('says nothing of a CRF, or of scores, where there are none', () => {
    expect(card('softmax', { on: 'test', scores: scores(9) })).not.toMatch(/CRF/)
    expect(card('crf')).not.toMatch(/Scores|model-index/)
  })

  it('shows labels and names as they are: none becomes HTML, markup or a cell', () => {
    const label = '<img src=x onerror=alert(1)>|`a`\n# b'
    const named = schemeTags([label], 'IOB2')
    const text = modelCard({
      name: '<b>mine</b>',
      tagger: { encoder, head: 'softmax', tags: named, legal: legalTransitions(named, 'IOB2'), dropout: 0 },
      origin: 'Trained from [here](javascript:x)',
      data: { test: { file: '<i>.conll', sha256: 'ab' } },
      scored: { on: 'test', scores: scoresFromCounts(new Map([[label, { tp: 1, fp: 0, fn: 1 }]])) },
      hasWeights: false,
    })
    const body = text.split('---\n').slice(2).join('---\n')
    const shown = '&lt;img src=x onerror=alert(1)>\\|\\`a\\`\\\\u000a# b'
    expect(body).not.toMatch(/<(img|b|i)\b|^# b/m)
    expect(body).toContain(`Finds ${shown}. Trained from \\[here\\](javascript:x)`)
    expect(body).toContain(`| ${shown} | 100.00 |`)
  })
})
