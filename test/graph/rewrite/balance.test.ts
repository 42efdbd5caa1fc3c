import { describe, expect, test } from 'vitest'
import { balance, balancingFactors } from '../../../src/graph/rewrite/balance.js'
import { quantizeDynamic } from '../../../src/graph/rewrite/dynamic.js'
import { Graph } from '../../../src/graph/graph.js'
import { linearOf } from '../../../src/graph/rewrite/linear.js'
import { verify } from '../../../src/graph/verify.js'
import type { Tensor } from '../../../src/graph/types.js'
import { evaluate } from '../engine.js'
import { distance, layers, rowsOf, weights, width, x } from './layers.js'

/** x with a channel that is far larger than the others. */
const outlier: Tensor = {
  ...x,
  data: (x.data as Float32Array).map((value, i) => (i % width === 3 ? 60 * value : value)),
}

function factors() {
  const channel = (rows: readonly (readonly number[])[], j: number) => Math.max(...rows.map((row) => Math.abs(row[j]!)))
  const own = balancingFactors({
    activations: Float32Array.from({ length: width }, (_, j) => channel(rowsOf(outlier), j)),
    weights: Float32Array.from({ length: width }, (_, j) =>
      channel([...rowsOf(weights.query), ...rowsOf(weights.key)], j),
    ),
  })
  return new Map([
    ['query', own],
    ['key', own],
    ['out', Float32Array.of(1, 2, 4, 0.5)],
  ])
}

describe('balancing', () => {
  test('changes no product, and divides what layers share once', async () => {
    const { graph, matches } = balance(layers(), new Map([...factors()].slice(0, 2)))
    verify(graph)
    expect(matches).toBe(2)
    expect(graph.nodes.filter(({ op }) => op === 'Mul')).toHaveLength(1)
    const [before, after] = [await evaluate(layers(), { x: outlier }), await evaluate(graph, { x: outlier })]
    expect(distance(after['query']!, rowsOf(before['query']!))).toBeLessThan(1e-3)
  })

  test('scales the rows of a matrix that is not transposed', async () => {
    // What `out` reads has six channels: its factors have to be as many.
    const six = Float32Array.of(1, 2, 4, 0.5, 3, 8)
    const { graph, matches } = balance(layers(), new Map([['out', six]]))
    expect(matches).toBe(1)
    const [before, after] = [await evaluate(layers(), { x }), await evaluate(graph, { x })]
    const scale = Math.max(...rowsOf(before['out']!).flat().map(Math.abs))
    expect(distance(after['out']!, rowsOf(before['out']!)) / scale).toBeLessThan(1e-5)
  })

  test('makes int8 lose less to a channel of outliers, under the same names', async () => {
    const { query } = await evaluate(layers(), { x: outlier })
    const lossOf = async (graph: ReturnType<typeof layers>) => {
      const { graph: int8, matches } = quantizeDynamic(graph, { limit: 64, includes: (layer) => layer === 'query' })
      expect(matches).toBe(1)
      return distance((await evaluate(int8, { x: outlier }))['query']!, rowsOf(query!))
    }
    const plain = await lossOf(layers())
    const balanced = await lossOf(balance(layers(), new Map([...factors()].slice(0, 2))).graph)
    expect(balanced).toBeLessThan(plain / 2)
  })

  test('leaves alone a layer without factors', () => {
    expect(balance(layers(), new Map()).matches).toBe(0)
    expect(balance(layers(), new Map([['other', new Float32Array(width)]])).matches).toBe(0)
  })

  test('meets in the middle, and leaves channels of zeros', () => {
    const activations = Float32Array.of(8, 0, 1)
    const own = balancingFactors({ activations, weights: Float32Array.of(2, 1, 0) })
    expect([...own]).toEqual([2, 1, 1])
  })
})

test('layers that share a matrix keep its name where each is balanced for itself', () => {
  const g = new Graph('shared')
  const weight = g.initializer('shared.weight', weights.key, { layer: 'shared' })
  const input = g.input('x', 'float32', ['rows', width])
  for (const [name, read] of Object.entries({ plain: input, negated: g.neg(input) }))
    g.output(name, g.gemm(read, weight, { transB: 1 }))
  const { graph } = balance(g, new Map([['shared', new Float32Array(width).fill(2)]]))
  const names = graph.nodes.flatMap((node) => linearOf(graph, node)?.name ?? [])
  expect(names).toEqual(['shared', 'shared'])
})
