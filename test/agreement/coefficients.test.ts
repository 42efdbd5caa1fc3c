import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  agreeingPairs,
  cohen,
  collapse,
  disagreeingPairs,
  fleiss,
  krippendorff,
  oneAgainstRest,
} from '../../src/agreement/coefficients.js'

/** Sums of units that are given as counts by label. */
function sumsOf(units: readonly (readonly number[])[], pairsOf: (squares: number, raters: number) => number) {
  const labels = Float64Array.from(units[0]!, (_, c) => units.reduce((sum, unit) => sum + unit[c]!, 0))
  const pairs = units.reduce((sum, unit) => {
    const raters = unit.reduce((a, b) => a + b, 0)
    return (
      sum +
      pairsOf(
        unit.reduce((a, b) => a + b * b, 0),
        raters,
      )
    )
  }, 0)
  return { units: units.length, pairs, labels }
}

describe("Fleiss' kappa", () => {
  it('is that of the 30 psychiatric patients whom 6 raters diagnosed (Fleiss 1971, table 1)', () => {
    const patients = [
      '00060', '03003', '01401', '00006', '03030', '20400', '00402', '20310', '20040', '00006',
      '10050', '11040', '03300', '10050', '02031', '00501', '30012', '51000', '02040', '10203',
      '00006', '01050', '02013', '20040', '10041', '05010', '40002', '02040', '10500', '00006',
    ] // prettier-ignore
    const units = patients.map((row) => [...row].map(Number))
    const sums = sumsOf(units, agreeingPairs)
    // The paper's p_j, P̄ and κ.
    expect([...sums.labels].map((count) => (count / 180).toFixed(3))).toEqual([
      '0.144', '0.144', '0.167', '0.306', '0.239',
    ]) // prettier-ignore
    expect((sums.pairs / 30).toFixed(4)).toBe('0.5556')
    expect(fleiss(sums).toFixed(3)).toBe('0.430')
  })

  it('is undefined where there is one label', () => {
    expect(fleiss(sumsOf([[3, 0], [3, 0]], agreeingPairs))).toBeNaN() // prettier-ignore
  })
})

/** Ratings by observer, a dot where there is none, as counts of labels of the units that two or more rated. */
function unitsOf(...observers: string[]): number[][] {
  const labels = [...new Set(observers.join('').replace(/\./g, ''))].sort()
  return [...observers[0]!]
    .map((_, unit) => labels.map((label) => observers.filter((ratings) => ratings[unit] === label).length))
    .filter((counts) => counts.reduce((a, b) => a + b, 0) > 1)
}

// Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", examples A to C.
describe("Krippendorff's alpha", () => {
  it.each([
    ['0.095', 'binary data', ['0100000010', '1110010000']],
    ['0.692', 'nominal data', ['aabbdcccedda', 'babbbccceddd']],
    ['0.743', 'nominal data with missing labels', ['123321412...', '1233224125.3', '.3332342251.', '12332441251.']],
  ])('is %s of the published %s', (alpha, _, observers) => {
    expect(krippendorff(sumsOf(unitsOf(...observers), disagreeingPairs)).toFixed(3)).toBe(alpha)
  })

  it('is undefined where there is one label', () => {
    expect(krippendorff(sumsOf(unitsOf('aa.', 'aaa'), disagreeingPairs))).toBeNaN()
  })
})

describe("Cohen's kappa", () => {
  const table = (...rows: number[][]) => ({ size: rows.length, counts: Float64Array.from(rows.flat()) })
  const tables = fc
    .integer({ min: 1, max: 5 })
    .chain((size) => fc.array(fc.nat(9), { minLength: size * size, maxLength: size * size }).map((counts) => ({ size, counts: Float64Array.from(counts) }))) // prettier-ignore

  it('is by the book', () => {
    // pₒ = 35 / 50, pₑ = (25 · 30 + 25 · 20) / 2500 = 0.5
    expect(cohen(table([20, 5], [10, 15]))).toEqual({ observed: 0.7, expected: 0.5, kappa: 0.4 })
  })

  it('is 1 of equal labels and below 0 of opposite ones', () => {
    expect(cohen(table([3, 0], [0, 2])).kappa).toBe(1)
    expect(cohen(table([0, 3], [3, 0])).kappa).toBe(-1)
  })

  it('is undefined of one label, with the agreement observed', () => {
    expect(cohen(table([7, 0], [0, 0]))).toEqual({ observed: 1, expected: 1, kappa: NaN })
  })

  it('does not depend on who is first, and never exceeds 1', () => {
    fc.assert(
      fc.property(tables, ({ size, counts }) => {
        const turned = counts.map((_, i) => counts[(i % size) * size + Math.floor(i / size)]!)
        const { kappa } = cohen({ size, counts })
        expect(cohen({ size, counts: turned }).kappa).toEqual(kappa)
        expect(kappa > 1).toBe(false)
      }),
    )
  })

  it('of a label against the rest is that of the table with the rest put together', () => {
    fc.assert(
      fc.property(tables, fc.nat(4), (table, pick) => {
        const label = pick % table.size
        const byHand = collapse(table, (other) => (other === label ? 1 : 0), 2)
        expect(oneAgainstRest(table, label)).toEqual(byHand)
      }),
    )
  })
})
