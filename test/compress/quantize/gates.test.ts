import { describe, expect, test } from 'vitest'
import { dropsBetween, overBudget } from '../../../src/compress/quantize/gates.js'
import { scoresFromCounts } from '../../../src/data/scoring.js'

const scores = (counts: Record<string, [tp: number, fp: number, fn: number]>) =>
  scoresFromCounts(new Map(Object.entries(counts).map(([type, [tp, fp, fn]]) => [type, { tp, fp, fn }])))

const before = scores({ LOC: [100, 0, 0], PER: [50, 0, 50] })
const after = scores({ LOC: [99, 0, 1], PER: [50, 0, 50] })

describe('gates', () => {
  test('count points of F1, in all and of each type', () => {
    const { overall, perType } = dropsBetween(before, after)
    expect(perType['LOC']).toBeCloseTo(100 * (1 - 198 / 199), 10)
    expect(perType['PER']).toBe(0)
    expect(overall).toBeCloseTo(100 * (300 / 350 - 298 / 349), 10)
  })

  test('a type that is lost altogether has lost all its F1', () => {
    expect(dropsBetween(before, scores({ LOC: [100, 0, 0] })).perType['PER']).toBeCloseTo(100 * (2 / 3), 10)
  })

  test.each([
    [{ maxF1Drop: 1, perTypeMaxDrop: 1 }, []],
    [
      { maxF1Drop: 0.1, perTypeMaxDrop: 1 },
      ['The F1 that all types together lost, in points, is 0.33, above the gate of 0.10.'],
    ],
    [{ maxF1Drop: 1, perTypeMaxDrop: 0.5 }, ['The F1 that LOC lost, in points, is 0.50, above the gate of 0.50.']],
  ])('with %j', (budget, failures) => {
    expect(overBudget(dropsBetween(before, after), budget)).toEqual(failures)
  })

  test('nothing lost keeps a budget of nothing', () => {
    expect(overBudget(dropsBetween(before, before), { maxF1Drop: 0, perTypeMaxDrop: 0 })).toEqual([])
  })
})
