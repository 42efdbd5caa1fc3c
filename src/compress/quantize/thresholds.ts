/** How the largest value that is told apart is found. */
export const calibrations = ['min-max', 'percentile', 'entropy'] as const
export type Calibration = (typeof calibrations)[number]

/** Magnitudes counted in equal bins from 0 to the largest one seen. */
export interface Histogram {
  readonly largest: number
  readonly counts: Float64Array
}

export const histogramBins = 2048

/** Steps of 8 bits with a sign on one side of 0. */
const levels = 128

const share = 0.9999

/**
 * Where values are cut off: at the largest one; at the one that 99.99 % lie below; or where cutting off and rounding to
 * 128 steps changes the distribution least.
 */
export function thresholdOf(histogram: Histogram, calibration: Calibration): number {
  const binWidth = histogram.largest / histogram.counts.length
  if (calibration === 'min-max' || histogram.largest === 0) return histogram.largest
  const bins = calibration === 'percentile' ? binsOfShare(histogram.counts) : binsOfLeastDivergence(histogram.counts)
  return bins * binWidth
}

function binsOfShare(counts: Float64Array): number {
  const wanted = share * counts.reduce((sum, count) => sum + count, 0)
  let below = 0
  const bin = counts.findIndex((count) => (below += count) >= wanted)
  return bin < 0 ? counts.length : bin + 1
}

/**
 * Minimizes KL(P ‖ Q) over the number of bins kept, as TensorRT does (Migacz, 8-bit Inference with TensorRT, 2017). P has
 * what is cut off in its last bin; Q is P before that, each step's share spread over the bins of the step that hold any.
 */
function binsOfLeastDivergence(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  let best = counts.length
  let least = Infinity
  let inside = counts.subarray(0, levels).reduce((sum, count) => sum + count, 0)
  for (let bins = levels; bins <= counts.length; bins++) {
    if (bins > levels) inside += counts[bins - 1]!
    const divergence = divergenceAt(counts, bins, inside, total)
    if (divergence < least) [best, least] = [bins, divergence]
  }
  return best
}

function divergenceAt(counts: Float64Array, bins: number, inside: number, total: number): number {
  if (inside === 0) return Infinity
  const clipped = total - inside
  let divergence = 0
  for (let level = 0; level < levels; level++) {
    const from = Math.floor((level * bins) / levels)
    const to = Math.floor(((level + 1) * bins) / levels)
    let sum = 0
    let filled = 0
    for (let bin = from; bin < to; bin++) {
      sum += counts[bin]!
      if (counts[bin]! > 0 || (bin === bins - 1 && clipped > 0)) filled++
    }
    if (filled === 0) continue
    const q = Math.max(sum / filled / inside, Number.MIN_VALUE)
    for (let bin = from; bin < to; bin++) {
      const p = (counts[bin]! + (bin === bins - 1 ? clipped : 0)) / total
      if (p > 0) divergence += p * Math.log(p / q)
    }
  }
  return divergence
}
