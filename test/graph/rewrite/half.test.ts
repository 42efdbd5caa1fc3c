import { describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { liveNodes } from '../../../src/graph/prune.js'
import { halve } from '../../../src/graph/rewrite/half.js'
import { verify } from '../../../src/graph/verify.js'
import { evaluate, floats } from '../engine.js'
import { classifier, lookup, scan } from '../samples.js'

/** Two layers, a norm and a softmax, over weights that halves do not hold exactly. */
function layers() {
  const g = new Graph('layers')
  const x = g.input('x', 'float32', ['rows', 8])
  const tensor = (dims: readonly number[], phase: number) =>
    floats(
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + phase)),
    )
  const weight = (name: string, phase: number) => g.initializer(name, tensor([8, 8], phase))
  const h = g.gelu(g.gemm(x, weight('a', 0), { transB: 1 }, g.initializer('b', tensor([8], 1))))
  const scale = g.initializer('scale', tensor([8], 2))
  const normal = g.layerNorm(g.add(h, x), scale, g.initializer('bias', tensor([8], 3)), 1e-5)
  g.output('y', g.matmul(g.softmax(normal), weight('c', 4)))
  return { g, feeds: { x: tensor([3, 8], 5) } }
}

const ops = (g: Graph) => liveNodes(g).map(({ op }) => op)

describe('halving', () => {
  test('computes nearly the same, and nothing but halves in the products', async () => {
    const { g, feeds } = layers()
    const { graph, matches } = halve(g)
    verify(graph)
    expect(matches).toBe(4)
    const dtypes = liveNodes(graph)
      .filter(({ op }) => ['Gemm', 'Gelu', 'MatMul', 'Add'].includes(op))
      .flatMap(({ inputs }) => inputs.map((value) => value!.dtype))
    expect(new Set(dtypes)).toEqual(new Set(['float16']))
    const [before, after] = [(await evaluate(g, feeds)).y!, (await evaluate(graph, feeds)).y!]
    expect(after.dtype).toBe('float32')
    const apart = Array.from(before.data as Float32Array, (value, i) => Math.abs(value - Number(after.data[i])))
    expect(Math.max(...apart)).toBeLessThan(5e-3)
    expect(Math.max(...apart)).toBeGreaterThan(0)
  })

  test('casts at the borders alone: in, around softmax and norm, and out', () => {
    expect(ops(halve(layers().g).graph)).toEqual([
      ...['Cast', 'Gemm', 'Gelu', 'Add', 'Cast', 'LayerNormalization', 'Softmax', 'Cast', 'MatMul', 'Cast'],
    ])
  })

  test('stores each weight once, as halves', () => {
    const { graph } = halve(layers().g)
    const used = new Set(liveNodes(graph).flatMap(({ inputs }) => inputs.map((value) => value?.name)))
    const stored = [...graph.initializers.keys()].filter((name) => used.has(name))
    expect(stored.sort()).toEqual(['a.half', 'b.half', 'bias', 'c.half', 'scale'])
  })

  test.each([
    ['a table that is looked up', lookup, 'tail'],
    ['a scan, whose body stays as it is', scan, 'last'],
    ['a training graph', classifier, 'loss'],
  ])('keeps the types and the sense of %s', async (_, sample, output) => {
    const { g, feeds } = sample()
    const { graph } = halve(g)
    verify(graph)
    expect(graph.outputs.map(({ value }) => value.dtype)).toEqual(g.outputs.map(({ value }) => value.dtype))
    const [before, after] = [await evaluate(g, feeds), await evaluate(graph, feeds)]
    const numbers = (tensor: { data: ArrayLike<unknown> }) => Array.from(tensor.data, Number)
    numbers(before[output]!).forEach((value, i) => expect(numbers(after[output]!)[i]).toBeCloseTo(value, 2))
  })

  test('leaves a graph without floats alone', () => {
    const g = new Graph('integers')
    const x = g.input('x', 'int64', ['rows'])
    g.output('y', g.add(x, x))
    expect(halve(g).matches).toBe(0)
  })
})
