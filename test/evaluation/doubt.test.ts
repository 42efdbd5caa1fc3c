import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { doubtLabels } from '../../src/evaluation/doubt.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { leastSure, uncertaintyOf } from '../../src/evaluation/uncertainty.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-doubt-'))
const texts = ['ab c abc', 'c b a', 'cab cab b', 'a a a b c', 'bb cc a']
const model = await tinyTagger()

async function labelledByModel(change: (label: string, text: number) => string): Promise<string> {
  const predictor = await loadPredictor(model)
  const found = await predictor.predict(texts)
  await predictor.close()
  const rows = texts.map((text, i) => ({
    text,
    spans: found[i]!.map(({ start, end, entity_group }) => ({ start, end, label: change(entity_group, i) })),
    offset_unit: 'utf16',
  }))
  const path = join(folder, 'labels.jsonl')
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'))
  return path
}

describe('doubting labels', () => {
  it('finds nothing where the model says the same', async () => {
    const { doubts, words } = await doubtLabels(model, await labelledByModel((label) => label))
    expect(doubts).toEqual([])
    expect(words).toBe(17)
  })

  it('finds labels that were changed, the least probable first, with what the model says', async () => {
    const { corpus, doubts } = await doubtLabels(
      model,
      await labelledByModel((label, text) => (text === 0 ? (label === 'X' ? 'Y' : 'X') : label)),
    )
    expect(doubts.length).toBeGreaterThan(0)
    expect(corpus.annotators).toEqual(['given', 'model'])
    for (const { disagreement, words, probability } of doubts) {
      expect(disagreement.document).toBe(0)
      expect(probability).toBe(Math.min(...words.map((word) => word.probability)))
      expect(probability).toBeLessThan(0.5)
    }
    const order = doubts.map(({ probability }) => probability)
    expect(order).toEqual([...order].sort((a, b) => a - b))
  })

  it('refuses the file that the model was trained on', async () => {
    const path = await labelledByModel((label) => label)
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
    const trained = await tinyTagger()
    const ner = JSON.parse(readFileSync(join(trained, 'ner.json'), 'utf8')) as object
    writeFileSync(
      join(trained, 'ner.json'),
      JSON.stringify({ ...ner, lineage: { data: { train: { file: 'gold.jsonl', sha256 } } } }),
    )
    await expect(doubtLabels(trained, path)).rejects.toThrow(/model\/in-sample/)
  })
})

describe('uncertainty', () => {
  it('is 0 where the model is sure, ln of the tags where it knows nothing', () => {
    expect(uncertaintyOf(Float64Array.of(1, 0, 0, 1), 2)).toBeCloseTo(0, 12)
    expect(uncertaintyOf(Float64Array.of(0.5, 0.5, 0.5, 0.5), 2)).toBeCloseTo(Math.log(2), 12)
    expect(uncertaintyOf(Float64Array.of(0.5, 0.5, 1, 0), 2)).toBeCloseTo(Math.log(2) / 2, 12)
  })

  it('draws sentences as documents of their own, with their labels', async () => {
    const text = 'ab c. Cab b a.'
    const document = { id: 'd', text, layers: { gold: [{ start: 6, end: 9, label: 'X' }] } }
    const drawn = await leastSure(model, [document], 5)
    expect(drawn.map(({ document: { id } }) => id).sort()).toEqual(['d#s1', 'd#s2'])
    const second = drawn.find(({ document: { id } }) => id === 'd#s2')!
    expect(second.document.text).toBe('Cab b a.')
    expect(second.document.layers['gold']).toEqual([{ start: 0, end: 3, label: 'X' }])
    expect((await leastSure(model, [document], 1)).length).toBe(1)
  })
})
