import { describe, expect, it } from 'vitest'
import { legalTransitions } from '../../../src/data/schemes.js'
import type { Example } from '../../../src/features/batch.js'
import { marginals } from '../../../src/inference/decode.js'
import { makeChain } from '../../../src/models/transitions.js'
import type { HeadKind, Tagger } from '../../../src/models/tagger.js'
import { dropUnsure, pseudoLabels, sharpen } from '../../../src/training/teachers/pseudo-labels.js'
import { roundsOf } from '../../../src/training/teachers/rounds.js'

describe('sharpening', () => {
  it('squares shares and divides them by how often their tag is given', () => {
    // Totals: 1.6 for O and 0.4 for X. Word 1: 0.81/1.6 and 0.01/0.4; word 2: 0.49/1.6 and 0.09/0.4.
    const shares = Float32Array.of(0.9, 0.1, 0.7, 0.3)
    sharpen(shares, 2)
    const [o1, x1, o2, x2] = [0.50625, 0.025, 0.30625, 0.225]
    const expected = [o1 / (o1 + x1), x1 / (o1 + x1), o2 / (o2 + x2), x2 / (o2 + x2)]
    expect([...shares].map((share) => share.toFixed(6))).toEqual(expected.map((share) => share.toFixed(6)))
  })

  it('leaves a tag alone that is never given', () => {
    const shares = Float32Array.of(1, 0, 0, 1, 0, 0)
    sharpen(shares, 3)
    expect([...shares]).toEqual([1, 0, 0, 1, 0, 0])
  })
})

describe('words that a model is not sure of', () => {
  it('lose their targets; a share at the threshold is enough', () => {
    const shares = Float32Array.of(0.5, 0.5, 0.75, 0.25, 0.25, 0.75)
    expect(dropUnsure(shares, 2, 0.75)).toBe(2)
    expect([...shares]).toEqual([0, 0, 0.75, 0.25, 0.25, 0.75])
  })
})

const tags = ['O', 'B-X', 'I-X']
const tagger = (head: HeadKind) => ({ head, tags, legal: legalTransitions(tags, 'IOB2') }) as unknown as Tagger
const sentence = (words: number) => ({
  document: 0,
  firstWord: 0,
  window: new Int32Array(words),
  piece: new Int32Array(words),
})
const checked = { ...sentence(2), tags: Int32Array.of(0, 1) }
const weak = { ...sentence(2), tags: Int32Array.of(0, 0), soft: Float32Array.of(1, 0, 0, 1, 0, 0) }
const examples: Example[] = [{ windows: [], sentences: [checked, weak] }]
const logits = { sentence: () => Float32Array.of(0, 9, 0, 2, 1, 3) }
const everything = { confidence: 0, isChecked: ({ soft }: { soft?: Float32Array }) => soft === undefined }

describe('pseudo-labels', () => {
  it('are what the chain says where there is one, and spare checked sentences', () => {
    const weights = new Map([
      ['crf.transitions', Float32Array.of(0, 1, 0, 0, 0, 2, 0, 0, 0)],
      ['crf.start', Float32Array.of(0, 0, 0)],
      ['crf.end', Float32Array.of(0, 0, 0)],
    ])
    const crf = tagger('crf')
    const found = pseudoLabels(examples, logits, { tagger: crf, weights }, everything)
    expect(found).toMatchObject({ words: 2, confident: 2 })
    const [kept, labelled] = found.examples[0]!.sentences
    expect(kept).toBe(checked)
    const chain = makeChain(
      {
        transitions: weights.get('crf.transitions')!,
        start: weights.get('crf.start')!,
        end: weights.get('crf.end')!,
      },
      crf.legal,
    )
    const expected = Float32Array.from(marginals(logits.sentence(), chain))
    sharpen(expected, 3)
    expect(labelled!.soft).toEqual(expected)
    expect(weak.soft).toEqual(Float32Array.of(1, 0, 0, 1, 0, 0))
  })

  it('are there for words whose best tag is sure enough', () => {
    const softmax = { tagger: tagger('softmax'), weights: new Map<string, Float32Array>() }
    const {
      words,
      confident,
      examples: own,
    } = pseudoLabels(examples, logits, softmax, {
      ...everything,
      confidence: 0.99,
    })
    expect({ words, confident }).toEqual({ words: 2, confident: 1 })
    const { soft } = own[0]!.sentences[1]!
    expect(soft![1]).toBeGreaterThan(0.99)
    expect([...soft!.subarray(3)]).toEqual([0, 0, 0])
  })
})

describe('the rounds of a log', () => {
  const scored = (step: number, f1: number) => ({
    step,
    epoch: step,
    eval_overall_f1: f1,
    eval_overall_precision: f1 / 2,
    eval_overall_recall: f1 / 4,
  })

  it('have the best score of each', () => {
    const start = { step: 2, epoch: 2, self_training_round: 1, confident_words: 0.75 }
    const log = [{ step: 1, epoch: 1, loss: 3 }, scored(1, 0.5), scored(2, 0.25), start, scored(3, 0.75)]
    expect(roundsOf(log)).toEqual([
      { round: 0, eval_overall_f1: 0.5, eval_overall_precision: 0.25, eval_overall_recall: 0.125 },
      {
        round: 1,
        confident_words: 0.75,
        eval_overall_f1: 0.75,
        eval_overall_precision: 0.375,
        eval_overall_recall: 0.1875,
      },
    ])
  })

  it('are none where there was only training', () => {
    expect(roundsOf([scored(1, 0.5)])).toEqual([])
  })
})
