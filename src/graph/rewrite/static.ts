import type { Graph } from '../graph.js'
import type { Value } from '../types.js'
import { constantOf, linearOf, scaled } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'
import { quantizeColumns, type Limit } from './symmetric.js'

export interface StaticOptions {
  readonly limit: Limit
  readonly activations: 'int8' | 'uint8'
  /** The largest |x| that is told apart, by layer; others are left alone. */
  readonly thresholds: ReadonlyMap<string, number>
}

/**
 * Linear layers between explicit pairs of QuantizeLinear and DequantizeLinear, as TensorRT wants them and ONNX Runtime
 * fuses them; activations have a scale that was calibrated before.
 *
 *     y = x·W + b   →   y = DQ(Q(x; s, z); s, z)·DQ(Q; t) − (−b),   x ≈ s·(q − z),  W ≈ Q·diag(t)
 *
 * All of it is symmetric: s = threshold/127. Activations are int8 with z = 0, all that TensorRT takes, or the same in uint8
 * with z = 128, which the kernels for x86 multiply (ONNX Runtime turns int8 into it only where a single layer reads x).
 * Layers that read the same x share its bytes. Everything between the layers, LayerNorm, GELU, sums, softmax, look-ups, reads
 * and gives floats.
 *
 * Matches Gemm and MatMul with a float32 weight that is part of the graph and whose layer has a threshold.
 */
export function quantizeStatic(g: Graph, { limit, activations, thresholds }: StaticOptions): Rewritten {
  const quantized = new Map<Value, Value>()
  return rewrite(g, (next, node) => {
    const layer = linearOf(next, node)
    const weight = constantOf(next, layer?.weight)
    const threshold = layer && thresholds.get(layer.name)
    if (!layer || !weight || threshold === undefined) return undefined
    const { name, x, bias, beta } = layer
    const bytes = quantizeColumns(weight, { ...layer, limit })
    const matrix = next.initializer(`${name}.int8`, bytes.matrix)
    const scales = next.initializer(`${name}.scales`, bytes.scales)
    const columns = bytes.scales.dims[0]!
    const zeros = next.initializer(`${name}.zeros`, { dtype: 'int8', dims: [columns], data: new Int8Array(columns) })
    const scale = next.scalar(threshold === 0 ? 1 : threshold / 127)
    const zero = next.scalar(activations === 'int8' ? 0 : 128, activations)
    const q = quantized.get(x) ?? next.quantize(x, scale, zero)
    quantized.set(x, q)
    // Each product has dequantized operands of its own: it is fused with them alone.
    const product = next.matmul(next.dequantize(q, scale, zero), next.dequantize(matrix, scales, zeros, 1))
    // Not an Add: ONNX Runtime would make a Gemm of it before it looks for pairs, and run that in float.
    return [bias ? next.sub(product, scaled(next, bias, -beta)) : product]
  })
}
