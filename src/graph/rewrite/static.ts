import type { Graph } from '../graph.js'
import type { Value } from '../types.js'
import { constantOf, linearOf, scaled } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'
import { quantizeColumns, type Limit } from './symmetric.js'

/**
 * Linear layers between explicit pairs of QuantizeLinear and DequantizeLinear, as TensorRT wants them and ONNX Runtime
 * fuses them; activations have a scale that was calibrated before.
 *
 *     y = x·W + b   →   y = DQ(Q(x; s); s)·DQ(Q; t) + b,   x ≈ s·int8,  W ≈ Q·diag(t)
 *
 * All of it is symmetric: every zero point is 0. `thresholds` has the largest |x| that is told apart for every layer to be
 * quantized: s = threshold/127. Layers that read the same x share its pair. Everything between the layers, LayerNorm, GELU,
 * sums, softmax, look-ups, reads and gives floats.
 *
 * Matches Gemm and MatMul with a float32 weight that is part of the graph and whose layer has a threshold.
 */
export function quantizeStatic(
  g: Graph,
  { limit, thresholds }: { readonly limit: Limit; readonly thresholds: ReadonlyMap<string, number> },
): Rewritten {
  const rounded = new Map<Value, Value>()
  return rewrite(g, (next, node) => {
    const layer = linearOf(next, node)
    const weight = constantOf(next, layer?.weight)
    const threshold = layer && thresholds.get(layer.name)
    if (!layer || !weight || threshold === undefined) return undefined
    const { name, x, bias, beta } = layer
    const bytes = quantizeColumns(weight, { ...layer, limit })
    const matrix = next.initializer(`${name}.int8`, bytes.matrix)
    const scales = next.initializer(`${name}.scales`, bytes.scales)
    const zeros = next.initializer(`${name}.zeros`, int8([bytes.scales.dims[0]!]))
    const input = rounded.get(x) ?? roundTrip(next, x, threshold)
    rounded.set(x, input)
    const product = next.matmul(input, next.dequantize(matrix, scales, zeros, 1))
    return [bias ? next.add(product, scaled(next, bias, beta)) : product]
  })
}

/** x as 8 bits can tell it: DQ(Q(x)). */
function roundTrip(g: Graph, x: Value, threshold: number): Value {
  const scale = g.scalar(threshold === 0 ? 1 : threshold / 127)
  const zero = g.initializer('zero', int8([]))
  return g.dequantize(g.quantize(x, scale, zero), scale, zero)
}

function int8(dims: readonly number[]) {
  return { dtype: 'int8', dims, data: new Int8Array(dims[0] ?? 1) } as const
}
