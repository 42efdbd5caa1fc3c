import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normal, random, shuffle } from '../src/random.js'

const draws = (count: number, ...keys: (number | string)[]) => {
  const next = random(...keys)
  return Array.from({ length: count }, next)
}

describe('a stream', () => {
  // Runs are repeated, and resumed, from their seeds: these numbers may not change.
  test('is fixed for good', () => {
    expect(draws(3, 1)).toEqual([0.42525407252833247, 0.6954528270289302, 0.60342943132855])
    expect(draws(3, 'dropout', 1, 'é')).toEqual([0.33966585458256304, 0.8520886974874884, 0.109866245649755])
  })

  test('is the same for the same keys, and another for any other', () => {
    const keys = fc.array(fc.oneof(fc.integer(), fc.string()), { minLength: 1, maxLength: 3 })
    const written = (key: readonly (number | string)[]) => key.join('\u0000')
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(draws(4, ...a)).toEqual(draws(4, ...a))
        fc.pre(written(a) !== written(b))
        expect(draws(4, ...a)).not.toEqual(draws(4, ...b))
      }),
    )
  })

  test('tells keys apart by where one ends', () => {
    expect(draws(2, 'ab', 'c')).not.toEqual(draws(2, 'a', 'bc'))
    expect(draws(2, 1, 2)).not.toEqual(draws(2, 12))
  })

  test('is uniform between 0 and 1', () => {
    const counts = new Array<number>(16).fill(0)
    for (const draw of draws(64_000, 'uniform')) counts[Math.floor(draw * 16)]! += 1
    // 16 cells of 4,000: a deviation of 61; five of them.
    for (const count of counts) expect(Math.abs(count - 4000)).toBeLessThan(5 * 61)
  })

  test('and that of the next seed have nothing to do with each other', () => {
    const [a, b] = [draws(20_000, 'seed', 1), draws(20_000, 'seed', 2)]
    const covariance = a.reduce((sum, x, i) => sum + (x - 0.5) * (b[i]! - 0.5), 0) / a.length
    // Deviation 1 / (12 √n)
    expect(Math.abs(covariance)).toBeLessThan(5 / (12 * Math.sqrt(a.length)))
  })
})

test('normal draws have mean 0, deviation 1 and thin tails', () => {
  const next = random('normal')
  const values = Array.from({ length: 40_000 }, () => normal(next))
  const mean = values.reduce((a, b) => a + b) / values.length
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length
  expect(Math.abs(mean)).toBeLessThan(0.025)
  expect(Math.abs(variance - 1)).toBeLessThan(0.035)
  expect(values.filter((x) => Math.abs(x) > 1.96).length / values.length).toBeCloseTo(0.05, 2)
})

describe('shuffle', () => {
  test('keeps every item, in place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        const copy = [...items]
        expect(shuffle(copy, random(seed))).toBe(copy)
        expect([...copy].sort()).toEqual([...items].sort())
      }),
    )
  })

  test('gives every order the same chance', () => {
    const counts = new Map<string, number>()
    const next = random('orders')
    for (let i = 0; i < 24_000; i++) {
      const order = shuffle([0, 1, 2, 3], next).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    // 24 orders of 1,000: a deviation of 31; five of them.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * 31)
  })
})
