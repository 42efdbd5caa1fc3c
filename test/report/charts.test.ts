import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barsWithIntervals, lineChart, ticks } from '../../src/report/charts.js'

describe('ticks', () => {
  it('are round numbers around the data', () => {
    expect(ticks([0, 1], 4)).toEqual([0, 0.5, 1])
    expect(ticks([0.1, 0.34], 4)).toEqual([0.1, 0.2, 0.3, 0.4])
    expect(ticks([-3, 12], 4)).toEqual([-5, 0, 5, 10, 15])
    expect(ticks([7, 7], 4)).toEqual([6, 8])
  })

  it('hold every value, ascend, and stay few', () => {
    const value = fc.double({ noNaN: true, min: -1e9, max: 1e9 }).filter((x) => x === 0 || Math.abs(x) > 1e-6)
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        // Below this share of the values, neighbouring ticks are one number.
        fc.pre(high === low || (high - low) / Math.max(Math.abs(low), Math.abs(high)) > 1e-6)
        const marks = ticks([low, high], 4)
        expect(marks[0]!).toBeLessThanOrEqual(low)
        expect(marks.at(-1)!).toBeGreaterThanOrEqual(high)
        expect(marks.length).toBeGreaterThan(1)
        expect(marks.length).toBeLessThan(8)
        for (const [i, mark] of marks.slice(1).entries()) expect(mark).toBeGreaterThan(marks[i]!)
      }),
    )
  })
})

describe('line chart', () => {
  const points = (markup: string) =>
    [...markup.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const)

  it('draws more where there is more, inside its frame', () => {
    const { html } = lineChart({ title: 'Loss', xName: 'step', points: [1, 4, 2].map((y, x) => ({ x, y })) })
    const [first, second, third] = points(html)
    expect(second![1]).toBeLessThan(third![1])
    expect(third![1]).toBeLessThan(first![1])
    expect(first![0]).toBeLessThan(second![0])
    for (const [x, y] of points(html)) expect(x >= 0 && x <= 360 && y >= 0 && y <= 200).toBe(true)
  })

  it('leaves out what is not finite, and says when nothing is left', () => {
    const chart = (ys: readonly number[]) =>
      lineChart({ title: 'Loss', xName: 'step', points: ys.map((y, x) => ({ x, y })) }).html
    expect(points(chart([1, NaN, 2, Infinity]))).toHaveLength(2)
    expect(points(chart([5]))).toHaveLength(1)
    expect(chart([NaN])).toContain('No values')
    expect(chart([1, NaN, 2])).not.toContain('NaN')
  })

  it('thins a long run, and keeps its level', () => {
    const level = (x: number) => (x < 25_000 ? 0 : 10)
    const noisy = Array.from({ length: 50_000 }, (_, x) => ({ x, y: level(x) + (x % 2) }))
    const ys = points(lineChart({ title: 'Loss', xName: 'step', points: noisy }).html).map(([, y]) => y)
    expect(ys.length).toBeLessThanOrEqual(360)
    // The noise of ±0.5 is drawn as a mean, within a few tenths of a pixel; the step of 10 stays.
    expect(Math.abs(ys[0]! - ys[100]!)).toBeLessThan(1)
    expect(ys[100]! - ys.at(-1)!).toBeGreaterThan(50)
  })

  it('marks the best of few points', () => {
    const evaluations = [0.3, 0.6, 0.5].map((y, x) => ({ x, y }))
    const { html } = lineChart({ title: 'F1', xName: 'step', points: evaluations, dots: true, best: 1 })
    expect(html.match(/class="point"/g)).toHaveLength(2)
    expect(html).toContain('step 1: 0.6 (best)')
  })
})

it('bars are as long as their shares', () => {
  const bars = [
    { name: 'PER', value: 0.5, interval: { low: 0.4, high: 0.6 } },
    { name: 'a <very> long name of an entity type', value: 1 },
  ]
  const { html } = barsWithIntervals('F1', bars)
  const [half, whole] = [...html.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width))
  expect(whole).toBeCloseTo(2 * half!, 5)
  expect(html.match(/class="interval"/g)).toHaveLength(1)
  expect(html).toContain('a &lt;very&gt; long name of…')
})
