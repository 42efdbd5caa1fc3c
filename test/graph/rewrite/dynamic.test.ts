import { describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { detectCpu } from '../../../src/compress/quantize/cpu.js'
import { quantizeDynamic, type Range } from '../../../src/graph/rewrite/dynamic.js'
import type { Limit } from '../../../src/graph/rewrite/symmetric.js'
import { verify } from '../../../src/graph/verify.js'
import { evaluate, floats } from '../engine.js'
import { bias, distance, every, layers, rowsOf, times, transpose, weights, width, x, type Rows } from './layers.js'

const count = (g: Graph, op: string) => g.nodes.filter((node) => node.op === op).length

/** What a symmetric byte leaves of each row of x, in floats. */
function roundRows(rows: Rows): Rows {
  return rows.map((row) => {
    const scale = Math.max(...row.map(Math.abs)) / 127
    return row.map((value) => scale * Math.round(value / scale))
  })
}

/** What bytes between two bounds leave of x. */
function roundWithin(rows: Rows, { low, high }: Range): Rows {
  const scale = (high - low) / 255
  const zero = Math.round(-low / scale)
  return rows.map((row) => row.map((v) => scale * (Math.min(255, Math.max(0, Math.round(v / scale) + zero)) - zero)))
}

/** What a symmetric byte for each column of [out, in] leaves of a matrix. */
function roundWeights(rows: Rows, limit: number): Rows {
  return rows.map((row) => {
    const scale = Math.max(...row.map(Math.abs)) / limit
    return row.map((value) => scale * Math.round(value / scale))
  })
}

describe('dynamic int8', () => {
  test('replaces products with weights, and shares what they read', () => {
    const g = layers()
    const before = g.nodes.length
    const { graph, matches } = quantizeDynamic(g, { limit: 127, includes: every })
    verify(graph)
    expect(matches).toBe(3)
    expect(count(graph, 'MatMulInteger')).toBe(3)
    expect(count(graph, 'QuantizeLinear')).toBe(2)
    expect(count(graph, 'Gemm')).toBe(0)
    expect(g.nodes.length).toBe(before)
  })

  // Full bytes overflow on processors without VNNI, which the last test of these shows.
  test.each(detectCpu() === 'avx2' ? ([64] as const) : ([64, 127] as const))(
    'is its algebra, up to %i',
    async (limit) => {
      const { graph } = quantizeDynamic(layers(), { limit, includes: every })
      const { query } = await evaluate(graph, { x })
      const product = times(roundRows(rowsOf(x)), transpose(roundWeights(rowsOf(weights.query), limit)))
      const expected = product.map((row) => row.map((value, j) => 0.5 * (value + Number(bias.data[j]))))
      expect(distance(query!, expected)).toBeLessThan(1e-5)
    },
  )

  test('is its algebra within a range, beyond which it is cut off', async () => {
    const range = { low: -1, high: 2.5 }
    const { graph } = quantizeDynamic(layers(), {
      limit: 64,
      includes: every,
      ranges: new Map(['query', 'key'].map((layer) => [layer, range])),
    })
    verify(graph)
    const { query } = await evaluate(graph, { x })
    const product = times(roundWithin(rowsOf(x), range), transpose(roundWeights(rowsOf(weights.query), 64)))
    const expected = product.map((row) => row.map((value, j) => 0.5 * (value + Number(bias.data[j]))))
    expect(distance(query!, expected)).toBeLessThan(1e-5)
  })

  test.each(['by row', 'within a range'])('gives a row the same bits alone and among others: %s', async (scaled) => {
    const ranges = new Map(scaled === 'by row' ? [] : [['query', { low: -3, high: 3 }] as const])
    const { graph } = quantizeDynamic(layers(), { limit: 64, includes: (layer) => layer === 'query', ranges })
    const all = (await evaluate(graph, { x }))['query']!
    for (let row = 0; row < 5; row++) {
      const alone = floats([1, width], [...(x.data as Float32Array).slice(row * width, (row + 1) * width)])
      const { query } = await evaluate(graph, { x: alone })
      expect([...query!.data]).toEqual([...all.data].slice(row * 6, (row + 1) * 6))
    }
  })

  test('gives zeros for a row of zeros, and no number for a row that has none', async () => {
    const { graph } = quantizeDynamic(layers(), { limit: 64, includes: (layer) => layer === 'key' })
    const rows = floats([2, width], [...Array<number>(width).fill(0), ...Array<number>(width).fill(Number.NaN)])
    const { mixed } = await evaluate(graph, { x: rows })
    expect(mixed!.data.every((value) => Number.isNaN(value))).toBe(true)
    const zeros = await evaluate(graph, { x: floats([1, width], Array<number>(width).fill(0)) })
    expect(distance(zeros['mixed']!, [Array<number>(6).fill(0)])).toBe(0)
  })

  test('measures of what GELU gives the largest element alone', () => {
    const g = new Graph('activated')
    const input = g.input('x', 'float32', ['rows', width])
    g.output('y', g.gemm(g.gelu(input), g.initializer('w', weights.key), { transB: 1 }))
    const { graph } = quantizeDynamic(g, { limit: 64, includes: every })
    expect([count(graph, 'ReduceMax'), count(graph, 'Neg')]).toEqual([1, 0])
  })

  test('is near the float graph', async () => {
    const float = await evaluate(layers(), { x })
    const int8 = await evaluate(quantizeDynamic(layers(), { limit: 64, includes: every }).graph, { x })
    // A step of x is 6/255 and of a weight 1/64; eight products of a scaled row.
    expect(distance(int8['query']!, rowsOf(float['query']!))).toBeLessThan(0.1)
  })

  /** 64 products of the largest bytes there are. */
  async function extreme(limit: Limit) {
    const g = new Graph('extreme')
    const input = g.input('x', 'float32', ['rows', 64])
    const ones = floats([64, 16], Array<number>(1024).fill(1))
    g.output('y', g.matmul(input, g.initializer('all.weight', ones)))
    const { graph } = quantizeDynamic(g, { limit, includes: every })
    const { y } = await evaluate(graph, { x: floats([4, 64], Array<number>(256).fill(2)) })
    return distance(y!, Array<number[]>(4).fill(Array<number>(16).fill(128)))
  }

  test('does not overflow where bytes are kept to 7 bits, on any processor', async () => {
    expect(await extreme(64)).toBeLessThan(1e-3)
  })

  test.runIf(detectCpu() === 'avx2')('overflows with full bytes on this one', async () => {
    expect(await extreme(127)).toBeGreaterThan(10)
  })

  test('leaves alone what is not included, a transposed x, and products of activations', () => {
    const g = layers()
    expect(quantizeDynamic(g, { limit: 64, includes: (layer) => layer === 'key' }).matches).toBe(1)
    const other = new Graph('other')
    const input = other.input('x', 'float32', [4, 'rows'])
    const weight = other.initializer('w.weight', floats([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]))
    other.output('transposed', other.gemm(input, weight, { transA: 1 }))
    other.output('activations', other.matmul(input, other.input('z', 'float32', ['rows', 2])))
    other.output('given', other.matmul(other.transpose(input, [1, 0]), other.input('v.weight', 'float32', [4, 2])))
    const { graph, matches } = quantizeDynamic(other, { limit: 64, includes: every })
    expect(matches).toBe(0)
    expect(graph.nodes.map(({ op }) => op)).toEqual(other.nodes.map(({ op }) => op))
  })
})
