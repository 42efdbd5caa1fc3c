import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import type { Weights } from './parameters.js'

/** Zeroes a share of a tensor while training; the identity otherwise. */
export type Dropout = (g: Graph, x: Value, rate: number) => Value

export const noDropout: Dropout = (_g, x) => x

/** `x·Wᵀ + b` on the rows of x, with weights `[out, in]` as PyTorch stores them, all of it times `scale`. */
export function linear(g: Graph, x: Value, weights: Weights, name: string, scale = 1): Value {
  const factor = scale === 1 ? {} : { alpha: scale, beta: scale }
  return g.gemm(x, weights(`${name}.weight`), { transB: 1, ...factor }, weights(`${name}.bias`))
}

export function layerNorm(g: Graph, x: Value, weights: Weights, name: string, epsilon: number): Value {
  return g.layerNorm(x, weights(`${name}.weight`), weights(`${name}.bias`), epsilon)
}
