import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { random } from '../../src/random.js'
import { spansFromTags, type Scheme, type WordSpan } from '../../src/data/schemes.js'
import {
  bootstrap,
  countSpans,
  scoreSpans,
  scoreTags,
  sumCounts,
  toMetrics,
  type Rates,
} from '../../src/data/scoring.js'

type Average = Rates & { support: number }
interface Reference {
  micro: Average
  macro: Average
  weighted: Average
  perType: Record<string, Rates & { number: number }>
  predictedSpans: [number, number, string][][]
}
interface Golden {
  name: string
  scheme: Scheme
  gold: string[]
  predicted: string[]
  accuracy: number
  strict: Reference
  conlleval: Reference
}

const goldens = JSON.parse(readFileSync(new URL('../golden/seqeval.json', import.meta.url), 'utf8')) as Golden[]

const split = (sentences: readonly string[]) => sentences.map((tags) => tags.split(' '))

const closeTo = (expected: object): object =>
  Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, expect.closeTo(value as number, 12)]))

describe.each(goldens)('seqeval, $name $scheme', ({ scheme, gold, predicted, accuracy, ...modes }) => {
  it.each(['strict', 'conlleval'] as const)('%s', (mode) => {
    const expected = modes[mode]
    const spans = split(predicted).map((tags) => spansFromTags(tags, scheme, mode))
    expect(spans.map((list) => list.map(({ start, end, label }) => [start, end, label]))).toEqual(
      expected.predictedSpans,
    )

    const scores = scoreTags(split(gold), split(predicted), scheme, mode)
    expect(scores.mode).toBe(mode)
    expect(scores.micro).toMatchObject(closeTo(expected.micro))
    expect(scores.macro).toEqual(closeTo(expected.macro))
    expect(scores.weighted).toEqual(closeTo(expected.weighted))
    expect(Object.keys(scores.perType)).toEqual(Object.keys(expected.perType))
    for (const [type, score] of Object.entries(expected.perType)) {
      expect(scores.perType[type]).toMatchObject(closeTo(score))
    }
    expect(scores.accuracy).toBeCloseTo(accuracy, 12)
  })
})

const span = (start: number, end: number, label = 'PER'): WordSpan => ({ start, end, label })

describe('countSpans', () => {
  const anySpans = fc.array(
    fc.record({ start: fc.nat(4), end: fc.integer({ min: 5, max: 7 }), label: fc.constantFrom('A', 'B', '__proto__') }),
    { maxLength: 8 },
  )

  it('equals a comparison of sets, whatever the order, overlaps and repetitions', () => {
    const key = ({ start, end, label }: WordSpan) => `${start} ${end} ${label}`
    fc.assert(
      fc.property(anySpans, anySpans, (gold, predicted) => {
        const wanted = new Set(gold.map(key))
        const found = new Set(predicted.map(key))
        const both = [...wanted].filter((k) => found.has(k)).length
        const total = { tp: 0, fp: 0, fn: 0 }
        for (const { tp, fp, fn } of countSpans(gold, predicted).values()) {
          total.tp += tp
          total.fp += fp
          total.fn += fn
        }
        expect(total).toEqual({ tp: both, fp: found.size - both, fn: wanted.size - both })
      }),
    )
  })
})

describe('scoreSpans', () => {
  it('is 0, not NaN, where there is nothing to score', () => {
    const { micro, macro, weighted, perType } = scoreSpans([[]], [[]])
    expect([micro.f1, macro.f1, weighted.f1, perType]).toEqual([0, 0, 0, {}])
  })

  it('refuses sides of different lengths', () => {
    expect(() => scoreSpans([[]], [])).toThrow(RangeError)
    expect(() => scoreTags([['O']], [['O', 'O']], 'IOB2')).toThrow(RangeError)
  })
})

it('toMetrics uses the names of Hugging Face', () => {
  const scores = scoreTags([['B-PER', 'O', 'B-LOC']], [['B-PER', 'B-PER', 'O']], 'IOB2')
  expect(toMetrics(scores)).toEqual({
    LOC: { precision: 0, recall: 0, f1: 0, number: 1 },
    PER: { precision: 0.5, recall: 1, f1: 2 / 3, number: 1 },
    overall_precision: 0.5,
    overall_recall: 0.5,
    overall_f1: 0.5,
    overall_accuracy: 1 / 3,
  })
})

describe('bootstrap', () => {
  const units = Array.from({ length: 60 }, (_, i) =>
    countSpans([span(0, 1), span(2, 3, i % 3 ? 'LOC' : 'PER')], [span(0, 1), ...(i % 4 ? [span(2, 3, 'LOC')] : [])]),
  )

  it('equals a resampling written out, draw for draw', () => {
    const next = random('bootstrap', 7)
    const f1s = Array.from({ length: 200 }, () => {
      const drawn = units.map(() => units[Math.floor(next() * units.length)]!)
      const total = { right: 0, spans: 0 }
      for (const { tp, fp, fn } of sumCounts(drawn).values()) {
        total.right += 2 * tp
        total.spans += 2 * tp + fp + fn
      }
      return total.right / total.spans
    }).sort((a, b) => a - b)
    const at = (place: number) =>
      f1s[Math.floor(place)]! + (place % 1) * (f1s[Math.ceil(place)]! - f1s[Math.floor(place)]!)
    const { micro } = bootstrap(units, { resamples: 200, seed: 7 })
    expect(micro.low).toBeCloseTo(at(0.025 * 199), 12)
    expect(micro.high).toBeCloseTo(at(0.975 * 199), 12)
  })

  it('has the width that the standard error foretells', () => {
    // 400 sentences with one gold span each, found with probability 0.8: F1 = 2r/(1 + r) for recall r.
    const next = random('sample')
    const sample = Array.from({ length: 400 }, () => countSpans([span(0, 1)], next() < 0.8 ? [span(0, 1)] : []))
    const recall = sample.filter((unit) => unit.get('PER')!.tp).length / 400
    const standardError = (Math.sqrt((recall * (1 - recall)) / 400) * 2) / (1 + recall) ** 2
    const { micro, perType } = bootstrap(sample, { seed: 1 })
    expect((micro.high - micro.low) / (2 * 1.96 * standardError)).toBeGreaterThan(0.9)
    expect((micro.high - micro.low) / (2 * 1.96 * standardError)).toBeLessThan(1.1)
    expect(perType['PER']).toEqual(micro)
  })

  it('is the same for the same seed, and a point where nothing varies', () => {
    expect(bootstrap(units, { seed: 3 })).toEqual(bootstrap(units, { seed: 3 }))
    const perfect = bootstrap(Array(5).fill(countSpans([span(0, 1)], [span(0, 1)])), { seed: 3 })
    expect(perfect.micro).toEqual({ low: 1, high: 1 })
    expect(bootstrap([], { seed: 3 })).toEqual({ micro: { low: 0, high: 0 }, perType: {} })
  })

  it('leaves resamples without a type out of its interval', () => {
    const rare = [countSpans([span(0, 1, 'RARE')], [span(0, 1, 'RARE')]), ...units]
    expect(bootstrap(rare, { seed: 3 }).perType['RARE']).toEqual({ low: 1, high: 1 })
  })
})
