import type { Graph } from '../graph.js'
import type { Value } from '../types.js'
import { constantOf, linearOf } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'

/**
 * Moves what is hard to quantize from activations to weights (SmoothQuant, Xiao et al., 2023).
 *
 *     y = x·W + b   →   y = (x·diag(1/s))·(diag(s)·W) + b
 *
 * The product is the same; channels of x with outliers are made smaller, and the rows of W that they meet larger. s comes
 * from `balancingFactors`. Layers that read the same x are balanced together or not at all.
 *
 * Matches Gemm and MatMul with a float32 weight that is part of the graph and whose layer has factors. The new weights
 * keep their layer's name.
 */
export function balance(g: Graph, factors: ReadonlyMap<string, Float32Array>): Rewritten {
  const smoothed = new Map<Value, Value>()
  const weights = new Map<Value, Value>()
  return rewrite(g, (next, node) => {
    const layer = linearOf(next, node)
    const weight = constantOf(next, layer?.weight)
    const own = layer && factors.get(layer.name)
    if (!layer || !weight || !own) return undefined
    const { name, x, transposed } = layer
    const [, width] = weight.dims as [number, number]
    const data = (weight.data as Float32Array).map(
      (value, i) => value * own[transposed ? i % width : Math.floor(i / width)]!,
    )
    const inverse = { dtype: 'float32', dims: [own.length], data: own.map((factor) => 1 / factor) } as const
    const input = smoothed.get(x) ?? next.mul(x, next.initializer(`${name}.balance`, inverse))
    smoothed.set(x, input)
    const balanced =
      weights.get(layer.weight) ?? next.initializer(`${name}.balanced.weight`, { ...weight, data }, { layer: name })
    weights.set(layer.weight, balanced)
    const { op, attributes, inputs } = node
    const bias = inputs[2] ? [inputs[2]] : []
    return op === 'Gemm'
      ? next.apply('Gemm', [input, balanced, ...bias], attributes)
      : next.apply('MatMul', [input, balanced], {})
  })
}

/** What balancing needs to know of layers that read the same x. */
export interface Channels {
  /** max |x| of each channel. */
  readonly activations: Float32Array
  /** max |W| of each row, over all the layers. */
  readonly weights: Float32Array
}

/** s = √(max|x| / max|W|) by channel: both end up with the same largest value. 1 where either is 0. */
export function balancingFactors({ activations, weights }: Channels): Float32Array {
  return activations.map((x, i) => {
    const factor = Math.sqrt(x / weights[i]!)
    return Number.isFinite(factor) && factor > 0 ? factor : 1
  })
}
