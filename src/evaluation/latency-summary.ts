import type { Interval } from '../data/scoring.js'
import type { RequestTime } from './latency.js'

/** A measured value, and its 95 % confidence interval. */
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

/** Standard deviations that hold 95 % of a normal distribution. */
const z = 1.96

export function summarize(times: readonly RequestTime[]): LatencySummary {
  const totals = Float64Array.from(times, ({ total }) => total).sort()
  const mean = (stage: 'tokenizing' | 'engine' | 'decoding') =>
    times.reduce((sum, time) => sum + time[stage], 0) / Math.max(1, times.length)
  return {
    requests: times.length,
    p50: quantile(totals, 0.5),
    p95: quantile(totals, 0.95),
    p99: quantile(totals, 0.99),
    wordsPerSecond: throughput(times),
    stages: { tokenizing: mean('tokenizing'), engine: mean('engine'), decoding: mean('decoding') },
  }
}

/** Compares the same requests, one by one: what was slow for both does not count as a difference. */
export function compareLatency(baseline: readonly RequestTime[], other: readonly RequestTime[]): Comparison {
  const ratio = quantile(Float64Array.from(other, ({ total }, i) => total / baseline[i]!.total).sort(), 0.5)
  return { ratio, verdict: ratio.low > 1 ? 'slower' : ratio.high < 1 ? 'faster' : 'alike' }
}

/**
 * The value below which a share of the sorted values lies, with the distribution-free interval between two order
 * statistics: of n values, those below the true quantile are binomial, n·share ± z·√(n·share·(1 − share)) (Conover,
 * Practical Nonparametric Statistics, 3.2). Where the values are too few for that, the interval ends with them.
 */
function quantile(sorted: Float64Array, share: number): Estimate {
  const last = sorted.length - 1
  const at = (place: number) => {
    const within = Math.min(Math.max(place, 0), last)
    const below = Math.floor(within)
    const [low, high] = [sorted[below]!, sorted[Math.ceil(within)]!]
    return low + (within - below) * (high - low)
  }
  if (last < 0) return { value: 0, low: 0, high: 0 }
  const spread = z * Math.sqrt(sorted.length * share * (1 - share))
  const rank = sorted.length * share
  return { value: at(share * last), low: at(Math.floor(rank - spread) - 1), high: at(Math.ceil(rank + spread)) }
}

/**
 * R = Σ words / Σ time, with the interval of a ratio of means: the standard error of R is that of the mean of
 * words − R·time, over the mean time (Cochran, Sampling Techniques, 2.11).
 */
function throughput(times: readonly RequestTime[]): Estimate {
  const count = times.length
  const seconds = times.reduce((sum, { total }) => sum + total, 0) / 1000
  if (seconds === 0) return { value: 0, low: 0, high: 0 }
  const value = times.reduce((sum, { words }) => sum + words, 0) / seconds
  const squares = times.reduce((sum, { words, total }) => sum + (words - (value * total) / 1000) ** 2, 0)
  const error = count < 2 ? Infinity : Math.sqrt(squares / (count * (count - 1))) / (seconds / count)
  return { value, low: Math.max(0, value - z * error), high: value + z * error }
}
