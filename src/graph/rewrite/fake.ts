import type { Graph } from '../graph.js'
import type { Value } from '../types.js'
import { quantizeEachRow } from './dynamic.js'
import { linearOf } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'
import type { Limit } from './symmetric.js'

/**
 * Linear layers that compute in float what `quantizeDynamic` will make of them without ranges, for training to get used
 * to it; with ranges the steps are about as large.
 *
 *     y = x·W + b   →   y = x̂·Ŵ + b,   x̂ = DQ(Q(x; r)),  r = max|x|/127 by row,  Ŵ = DQ(Q(W; t)),  t = max|W|/limit by column
 *
 * Rounding has a slope of 0 wherever it has one. The gradient passes straight through instead (Bengio et al., 2013):
 * dx = dx̂, dW = dŴ. Nothing is cut off, so that holds everywhere.
 *
 * Matches Gemm and MatMul with a float32 weight that the graph is given or holds, and whose layer `includes` names.
 */
export function fakeQuantize(
  g: Graph,
  { limit, includes }: { readonly limit: Limit; readonly includes: (layer: string) => boolean },
): Rewritten {
  const rounded = new Map<Value, Value>()
  return rewrite(g, (next, node) => {
    const layer = linearOf(next, node)
    if (!layer || layer.x.shape.length !== 2 || !includes(layer.name)) return undefined
    const { x, weight, transposed } = layer
    const input = rounded.get(x) ?? fakeActivation(next, x)
    const matrix = rounded.get(weight) ?? fakeWeight(next, weight, transposed ? 0 : 1, limit)
    rounded.set(x, input).set(weight, matrix)
    const bias = node.inputs[2] ? [node.inputs[2]] : []
    return node.op === 'Gemm'
      ? next.apply('Gemm', [input, matrix, ...bias], node.attributes)
      : next.apply('MatMul', [input, matrix], {})
  })
}

function fakeActivation(g: Graph, x: Value): Value {
  const { bytes, scales } = quantizeEachRow(g, x)
  // Not a DequantizeLinear: ONNX Runtime would fuse it with the weight's, and has no such kernel with a scale for each row.
  const rounded = g.mul(g.sub(g.cast(bytes, 'float32'), g.scalar(128)), scales)
  return straightThrough(g, rounded, x)
}

function fakeWeight(g: Graph, weight: Value, columns: 0 | 1, limit: Limit): Value {
  const largest = g.maximum(g.max(weight, g.neg(weight)), [1 - columns], 0)
  // A column of zeros has any scale.
  const scales = g.max(g.mul(largest, g.scalar(1 / limit)), g.scalar(1e-12))
  const count = Number(weight.shape[columns])
  const zeros = g.initializer('zeros', { dtype: 'int8', dims: [count], data: new Int8Array(count) })
  const q = g.quantize(weight, scales, zeros, columns)
  return straightThrough(g, g.dequantize(q, scales, zeros, columns), weight)
}

const straightThrough = (g: Graph, rounded: Value, exact: Value) => g.withGradient(rounded, [exact], (dy) => [dy])
