import { describe, expect, test } from 'vitest'
import { quantizeStatic } from '../../../src/graph/rewrite/static.js'
import { verify } from '../../../src/graph/verify.js'
import { evaluate } from '../engine.js'
import { distance, layers, rowsOf, times, transpose, weights, x, type Rows } from './layers.js'

const thresholds = new Map([
  ['query', 2],
  ['key', 2],
  ['out', 30],
])

const round = (rows: Rows, threshold: number): Rows =>
  rows.map((row) =>
    row.map((value) => {
      const scale = threshold / 127
      return scale * Math.max(-128, Math.min(127, Math.round(value / scale)))
    }),
  )

describe('static int8', () => {
  test('quantizes what layers read, once, and dequantizes for each of them', () => {
    const { graph, matches } = quantizeStatic(layers(), { limit: 127, activations: 'int8', thresholds })
    verify(graph)
    expect(matches).toBe(3)
    const ops = graph.nodes.map(({ op }) => op)
    expect(ops.filter((op) => op === 'QuantizeLinear')).toHaveLength(2)
    expect(ops.filter((op) => op === 'DequantizeLinear')).toHaveLength(3 + 3)
    expect(graph.nodes.some(({ domain }) => domain !== '')).toBe(false)
  })

  test.each(['int8', 'uint8'] as const)('is its algebra in %s, larger values cut off', async (activations) => {
    const { graph } = quantizeStatic(layers(), { limit: 64, activations, thresholds: new Map([['key', 2]]) })
    const { mixed } = await evaluate(graph, { x })
    const float = await evaluate(layers(), { x })
    // A step of 1/64, not of 1/127.
    const key = rowsOf(weights.key).map((row) => round([row], (127 / 64) * Math.max(...row.map(Math.abs)))[0]!)
    const keys = times(round(rowsOf(x), 2), transpose(key))
    const expected = times(times(rowsOf(float['query']!), transpose(keys)), keys)
    expect(distance(mixed!, expected)).toBeLessThan(1e-3)
    expect(distance(float['mixed']!, expected)).toBeGreaterThan(1)
  })

  test('leaves alone a layer without a threshold', () => {
    const { graph, matches } = quantizeStatic(layers(), {
      limit: 64,
      activations: 'int8',
      thresholds: new Map([['nothing', 1]]),
    })
    expect(matches).toBe(0)
    expect(graph.nodes.map(({ op }) => op)).toEqual(layers().nodes.map(({ op }) => op))
  })
})
