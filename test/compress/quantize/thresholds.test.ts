import { describe, expect, test } from 'vitest'
import { histogramBins, thresholdOf, type Histogram } from '../../../src/compress/quantize/thresholds.js'
import { normal, random } from '../../../src/random.js'

function histogramOf(values: readonly number[]): Histogram {
  const largest = Math.max(...values)
  const counts = new Float64Array(histogramBins)
  for (const value of values) counts[Math.min(histogramBins - 1, Math.floor((value / largest) * histogramBins))]!++
  return { largest, counts }
}

const next = random('activations')
const bell = Array.from({ length: 50_000 }, () => Math.abs(normal(next)))
const withOutlier = [...bell, 60]

describe('thresholds', () => {
  test('of min-max are the largest value', () => {
    expect(thresholdOf(histogramOf(withOutlier), 'min-max')).toBe(60)
  })

  test('of a percentile are those of sorting, within a bin', () => {
    const sorted = [...bell].sort((a, b) => a - b)
    const exact = sorted[Math.ceil(0.9999 * sorted.length) - 1]!
    const histogram = histogramOf(bell)
    expect(Math.abs(thresholdOf(histogram, 'percentile') - exact)).toBeLessThan((2 * histogram.largest) / histogramBins)
  })

  test('of least divergence cut an outlier off, and keep what is spread evenly', () => {
    const cut = thresholdOf(histogramOf(withOutlier), 'entropy')
    expect(cut).toBeGreaterThan(2.5)
    expect(cut).toBeLessThan(10)
    const even = Array.from({ length: 50_000 }, () => next())
    expect(thresholdOf(histogramOf(even), 'entropy')).toBeGreaterThan(0.95)
  })

  test.each(['min-max', 'percentile', 'entropy'] as const)(
    'of %s are 0 where nothing was seen but 0',
    (calibration) => {
      expect(thresholdOf({ largest: 0, counts: new Float64Array(histogramBins) }, calibration)).toBe(0)
    },
  )
})
