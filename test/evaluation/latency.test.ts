import { describe, expect, test } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { measureLatency, type RequestTime } from '../../src/evaluation/latency.js'
import { compareLatency, summarize } from '../../src/evaluation/latency-summary.js'
import type { LoadedModel } from '../../src/inference/tag.js'
import { random } from '../../src/random.js'

const request = (total: number, words = 10): RequestTime => ({
  total,
  words,
  tokenizing: total / 4,
  engine: total / 2,
  decoding: total / 4,
})

/** Times around a centre, drawn from a seed. */
function times(centre: number, spread: number, seed: string, count = 300): RequestTime[] {
  const next = random(seed)
  return Array.from({ length: count }, () => request(centre + (next() - 0.5) * spread))
}

describe('a summary', () => {
  test('has the percentiles of the times, and the words of all of them', () => {
    const summary = summarize(Array.from({ length: 101 }, (_, i) => request(i)))
    expect([summary.p50.value, summary.p95.value, summary.p99.value]).toEqual([50, 95, 99])
    expect(summary.wordsPerSecond.value).toBeCloseTo((1000 * 1010) / 5050, 10)
    expect(summary.stages).toEqual({ tokenizing: 12.5, engine: 25, decoding: 12.5 })
    expect(summary.requests).toBe(101)
  })

  test('has intervals around its values, narrower where there is more to go by', () => {
    const width = ({ low, high }: { low: number; high: number }) => high - low
    const few = summarize(times(100, 20, 'few', 50))
    const many = summarize(times(100, 20, 'many', 2000))
    for (const { p50, p95, wordsPerSecond } of [few, many]) {
      for (const { low, value, high } of [p50, p95, wordsPerSecond]) {
        expect(low).toBeLessThanOrEqual(value)
        expect(high).toBeGreaterThanOrEqual(value)
      }
    }
    expect(width(many.p50)).toBeLessThan(width(few.p50) / 3)
  })

  test('whose intervals hold the truth in about 95 of 100 cases', () => {
    const held = { p50: 0, p95: 0, wordsPerSecond: 0 }
    for (let i = 0; i < 1000; i++) {
      const summary = summarize(times(100, 20, `sample ${i}`, 200))
      const truth = { p50: 100, p95: 109, wordsPerSecond: 100 }
      for (const key of ['p50', 'p95', 'wordsPerSecond'] as const) {
        if (summary[key].low <= truth[key] && summary[key].high >= truth[key]) held[key]++
      }
    }
    for (const cases of Object.values(held)) {
      expect(cases).toBeGreaterThan(930)
      expect(cases).toBeLessThan(985)
    }
  })

  test('of a single request knows its time, and nothing of others', () => {
    const { p50, wordsPerSecond } = summarize([request(5)])
    expect(p50).toEqual({ value: 5, low: 5, high: 5 })
    expect(wordsPerSecond).toEqual({ value: 2000, low: 0, high: Infinity })
  })
})

describe('a comparison', () => {
  const base = times(100, 60, 'base')

  test('is of request with request, so that slow ones do not hide a difference', () => {
    const other = base.map(({ total }) => request(total * 1.05))
    const { ratio, verdict } = compareLatency(base, other)
    expect(ratio.value).toBeCloseTo(1.05, 10)
    expect(verdict).toBe('slower')
    expect(compareLatency(other, base).verdict).toBe('faster')
  })

  test('of two that draw from one source is none', () => {
    expect(compareLatency(base, times(100, 60, 'other')).verdict).toBe('alike')
    expect(compareLatency(base, base).ratio).toEqual({ value: 1, low: 1, high: 1 })
  })
})

describe('measuring', () => {
  /** A model that takes down when it was asked, and how long it says that stages took. */
  function fake(name: string, log: string[]): LoadedModel {
    return {
      model: { tagger: { tags: ['O'] }, ner: { scheme: 'IOB2' } },
      tag(documents: readonly Document[]) {
        log.push(`${name}:${documents.map(({ id }) => id).join('')}`)
        return Promise.resolve({
          documents: documents.map((document) => ({
            document: { ...document, tokens: [], sentences: [] },
            emissions: new Float32Array(),
          })),
          times: { tokenizing: 1, engine: 2 },
        })
      },
      release: () => Promise.resolve(),
    } as unknown as LoadedModel
  }
  const texts = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, text: id, layers: {} }))

  test('warms every model up, then lets them take turns, the first of a round in rotation', async () => {
    const log: string[] = []
    const results = await measureLatency([fake('A', log), fake('B', log)], texts, { batch: 2, rounds: 3 })
    const rounds = ['A:ab', 'A:cd', 'B:ab', 'B:cd']
    const swapped = ['B:ab', 'B:cd', 'A:ab', 'A:cd']
    expect(log).toEqual([...rounds, ...rounds, ...swapped, ...rounds])
    expect(results.map((times) => times.length)).toEqual([6, 6])
    for (const { tokenizing, engine } of results.flat()) expect([tokenizing, engine]).toEqual([1, 2])
  })

  test('takes all there is where it does not fill a request', async () => {
    const log: string[] = []
    await measureLatency([fake('A', log)], texts, { batch: 64, rounds: 1 })
    expect(log).toEqual(['A:abcde', 'A:abcde'])
  })
})
