import { percentiles, type Interval } from '../data/scoring.js'
import { random } from '../random.js'
import type { RequestTime } from './latency.js'

/** A measured value, and the interval that 95 % of its resamples fall into. */
export interface Estimate extends Interval {
  readonly value: number
}

/** What a model takes for requests of one kind, in milliseconds. */
export interface LatencySummary {
  readonly requests: number
  readonly p50: Estimate
  readonly p95: Estimate
  readonly p99: Estimate
  readonly wordsPerSecond: Estimate
  /** Means of a request, by stage. */
  readonly stages: { readonly tokenizing: number; readonly engine: number; readonly decoding: number }
}

/** How a model compares with another: times as long for the median request, 1 where they are alike. */
export interface Comparison {
  readonly ratio: Estimate
  readonly verdict: 'faster' | 'slower' | 'alike'
}

const resamples = 1000
const seed = 1

export function summarize(times: readonly RequestTime[]): LatencySummary {
  const totals = times.map(({ total }) => total)
  const at = (share: number) => estimate(times.length, (rows) => quantile(pick(totals, rows), share))
  const mean = (stage: 'tokenizing' | 'engine' | 'decoding') =>
    times.reduce((sum, time) => sum + time[stage], 0) / Math.max(1, times.length)
  return {
    requests: times.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    wordsPerSecond: estimate(times.length, (rows) => {
      let words = 0
      let milliseconds = 0
      for (const row of rows) {
        words += times[row]!.words
        milliseconds += times[row]!.total
      }
      return milliseconds === 0 ? 0 : (1000 * words) / milliseconds
    }),
    stages: { tokenizing: mean('tokenizing'), engine: mean('engine'), decoding: mean('decoding') },
  }
}

/** Compares the same requests, one by one: what was slow for both does not count as a difference. */
export function compareLatency(baseline: readonly RequestTime[], other: readonly RequestTime[]): Comparison {
  const logs = other.map(({ total }, i) => Math.log(total / baseline[i]!.total))
  const ratio = estimate(logs.length, (rows) => Math.exp(quantile(pick(logs, rows), 0.5)))
  return { ratio, verdict: ratio.low > 1 ? 'slower' : ratio.high < 1 ? 'faster' : 'alike' }
}

/** A statistic of rows, and of 1,000 draws of as many of them (the percentile bootstrap). */
function estimate(count: number, statistic: (rows: Uint32Array) => number): Estimate {
  const next = random('latency', seed)
  const value = statistic(Uint32Array.from({ length: count }, (_, i) => i))
  const rows = new Uint32Array(count)
  const drawn = Array.from({ length: resamples }, () => {
    for (let i = 0; i < count; i++) rows[i] = Math.floor(next() * count)
    return statistic(rows)
  })
  return { value, ...percentiles(drawn) }
}

const pick = (values: readonly number[], rows: Uint32Array) => Float64Array.from(rows, (row) => values[row]!)

/** The value below which a share of the values lies, between the two nearest where it is none of them. */
function quantile(values: Float64Array, share: number): number {
  const sorted = values.sort()
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted.length === 0 ? 0 : sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!)
}
