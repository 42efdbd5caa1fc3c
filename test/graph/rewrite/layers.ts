import { Graph } from '../../../src/graph/graph.js'
import type { Tensor } from '../../../src/graph/types.js'
import { random } from '../../../src/random.js'
import { floats } from '../engine.js'

/** Float arithmetic of small matrices, row by row. */
export type Rows = readonly (readonly number[])[]

export function draw(name: string, rows: number, columns: number, size = 1): Tensor {
  const next = random(name)
  return floats(
    [rows, columns],
    Array.from({ length: rows * columns }, () => size * (2 * next() - 1)),
  )
}

export function rowsOf({ dims, data }: Tensor): Rows {
  const [rows, columns] = dims as [number, number]
  const elements = [...(data as Float32Array)]
  return Array.from({ length: rows }, (_, i) => elements.slice(i * columns, (i + 1) * columns))
}

export const transpose = (m: Rows): Rows => m[0]!.map((_, j) => m.map((row) => row[j]!))
export const times = (a: Rows, b: Rows): Rows =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)))

export const width = 8

/** What the layers below are fed. */
export const x = draw('x', 5, width, 3)
export const weights = {
  key: draw('key', 6, width),
  query: draw('query', 6, width),
  out: draw('out', 6, 4),
}
export const bias = floats([6], [1, -1, 0.5, 0, 2, -2])

/**
 * Layers as they come: `query` (scaled, transposed, with a bias) and `key` (without) read the same value; a product of
 * their results is of two activations; `out` is a MatMul.
 */
export function layers(): Graph {
  const g = new Graph('layers')
  const input = g.input('x', 'float32', ['rows', width])
  const initializer = (name: keyof typeof weights) => g.initializer(`${name}.weight`, weights[name], { layer: name })
  const query = g.scoped('query', () =>
    g.gemm(input, initializer('query'), { transB: 1, alpha: 0.5, beta: 0.5 }, g.initializer('query.bias', bias)),
  )
  const key = g.scoped('key', () => g.gemm(input, initializer('key'), { transB: 1 }))
  const scores = g.matmul(query, g.transpose(key, [1, 0]))
  const mixed = g.matmul(scores, key)
  g.output('query', query)
  g.output('mixed', mixed)
  g.output('out', g.matmul(mixed, initializer('out')))
  return g
}

export const every = () => true

/** The largest distance between a tensor and the rows that it should hold. */
export function distance(tensor: Tensor, expected: Rows): number {
  const flat = expected.flat()
  return Math.max(...[...(tensor.data as Float32Array)].map((value, i) => Math.abs(value - flat[i]!)))
}
