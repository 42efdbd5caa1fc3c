import { describe, expect, it } from 'vitest'
import type { SegmentedDocument } from '../../src/data/segment.js'
import { evaluateEmissions } from '../../src/evaluation/emissions.js'

const tags = ['O', 'B-X', 'I-X']

/** One-hot emissions of the tags. */
const emit = (...path: number[]) => Float32Array.from(path.flatMap((tag) => tags.map((_, i) => (i === tag ? 9 : 0))))

describe('a gold span that two sentences share', () => {
  const document: SegmentedDocument = {
    id: 'd',
    text: 'Yahoo! Inc left',
    tokens: [
      { start: 0, end: 6 },
      { start: 7, end: 10 },
      { start: 11, end: 15 },
    ],
    sentences: [
      { start: 0, end: 1 },
      { start: 1, end: 3 },
    ],
    layers: { gold: [{ start: 0, end: 10, label: 'X' }] },
  }
  const score = (...path: number[]) =>
    evaluateEmissions([document], [emit(...path)], 'gold', { tags, scheme: 'IOB2', chain: undefined }, 1)

  it('is counted, and missed: a model reads sentence by sentence', () => {
    const { evaluation, predictions } = score(1, 2, 0)
    expect(evaluation.argmax.scores.micro).toMatchObject({ support: 1, recall: 0 })
    expect(predictions[0]!.sentences).toHaveLength(1)
    expect(predictions[0]!.sentences[0]).toMatchObject({
      range: { start: 0, end: 3 },
      gold: [{ start: 0, end: 2, label: 'X' }],
      predicted: [{ start: 0, end: 1, label: 'X' }],
    })
  })

  it('leaves what is found in either sentence where it is', () => {
    const [sentence] = score(1, 0, 1).predictions[0]!.sentences
    expect(sentence!.predicted.map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(sentence!.probabilities).toHaveLength(3)
  })
})
