import { Graph } from '../../src/graph/graph.js'
import { encodeModel } from '../../src/graph/onnx/encode.js'
import type { Tensor, Value } from '../../src/graph/types.js'
import { createSession } from '../../src/runtime/session.js'

export type Arrays = Readonly<Record<string, Float32Array>>

/** Builds a graph and readies it in the engine; running it gives its outputs' elements by name. */
export async function compile(
  build: (g: Graph) => Readonly<Record<string, Value>>,
): Promise<(feeds: Readonly<Record<string, Tensor>>) => Promise<Arrays>> {
  const g = new Graph('test')
  for (const [name, value] of Object.entries(build(g))) g.output(name, value)
  const session = await createSession(encodeModel(g), { threads: 1 })
  return async (feeds) => {
    const results = await session.run(feeds)
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]))
  }
}

export function float32(dims: readonly number[], values: ArrayLike<number>): Tensor {
  return { dtype: 'float32', dims, data: Float32Array.from(values) }
}

export function int64(dims: readonly number[], values: readonly number[]): Tensor {
  return { dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

/** The largest distance between elements of two arrays of the same length. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity
  let worst = 0
  for (let i = 0; i < actual.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!)
    // NaN is as far as can be.
    if (!(apart <= worst)) worst = Number.isNaN(apart) ? Infinity : apart
  }
  return worst
}
