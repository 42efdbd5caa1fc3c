import { type Interval, percentiles } from '../data/scoring.js'
import { random } from '../random.js'
import { type Rows, sumRows } from './rows.js'

/** A measure and where 95 % of its resamples lie. Absent where the data leave it undefined: it is never NaN. */
export interface Estimate {
  readonly value?: number
  readonly interval?: Interval
}

/** Measures by name, as a function of a corpus' sums; NaN where undefined. */
export type Measure<Name extends string> = (sums: Float64Array) => Readonly<Record<Name, number>>

export interface Resampling {
  readonly resamples: number
  readonly seed: number
}

/**
 * Measures of all documents, with intervals by the percentile bootstrap (Efron & Tibshirani 1993): documents are drawn
 * with replacement, as many as there are. Resamples that leave a measure undefined are left out of its interval; from a
 * single document there is none.
 */
export function estimate<Name extends string>(
  rows: Rows,
  measure: Measure<Name>,
  { resamples, seed }: Resampling,
): Record<Name, Estimate> {
  const documents = rows.count
  const weights = new Uint32Array(documents)
  const values = Object.entries<number>(measure(sumRows(rows)))
  const resampled = new Map<string, number[]>(values.map(([name]) => [name, []]))
  const next = random('agreement', seed)
  for (let resample = 0; documents > 1 && resample < resamples; resample++) {
    // How often each document is drawn is counted first, so that the sums are then read in order.
    weights.fill(0)
    for (let draw = 0; draw < documents; draw++) weights[Math.floor(next() * documents)]!++
    for (const [name, value] of Object.entries<number>(measure(sumRows(rows, weights)))) {
      if (!Number.isNaN(value)) resampled.get(name)!.push(value)
    }
  }
  const estimateOf = (name: string, value: number): Estimate => {
    if (Number.isNaN(value)) return {}
    const drawn = resampled.get(name)!
    return drawn.length === 0 ? { value } : { value, interval: percentiles(drawn) }
  }
  return Object.fromEntries(values.map(([name, value]) => [name, estimateOf(name, value)])) as Record<Name, Estimate>
}
