import { encodeModel } from '../../src/graph/onnx/encode.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Dim, Tensor } from '../../src/graph/types.js'
import { createSession } from '../../src/runtime/session.js'

/** Runs a graph once in ONNX Runtime. */
export async function evaluate(g: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  return evaluateFile(encodeModel(g), feeds)
}

export async function evaluateFile(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await createSession(bytes, { threads: 1 })
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

export function floats(dims: readonly number[], values: readonly number[]): Tensor {
  return { dtype: 'float32', dims, data: Float32Array.from(values) }
}

export function integers(dims: readonly number[], values: readonly number[]): Tensor {
  return { dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

/** The size of a dimension whose symbols have sizes, e.g. 6 for `batch*sequence` and 2 for `sequence-1`. */
export function sizeOf(dim: Dim, symbols: Readonly<Record<string, number>>): number {
  if (typeof dim === 'number') return dim
  const [, stem, offset] = /^(.*?)([+-]\d+)?$/.exec(dim)!
  return stem!.split('*').reduce((size, factor) => size * (symbols[factor] ?? Number(factor)), 1) + Number(offset ?? 0)
}
