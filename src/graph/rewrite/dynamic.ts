import type { Graph } from '../graph.js'
import type { Value } from '../types.js'
import { constantOf, linearOf, scaled } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'
import { quantizeColumns, type Limit } from './symmetric.js'

/**
 * Linear layers in int8, with activations measured as they come.
 *
 *     y = x·W + b   →   q, s, z = DynamicQuantizeLinear(x)          x ≈ s·(q − z), uint8
 *                       y = float(MatMulInteger(q, Q, z))·(s·t) + b   W ≈ Q·diag(t), int8
 *
 * Layers that read the same x share its quantization. ONNX Runtime fuses each such group of nodes into one call of its
 * 8-bit kernels (`MatMulIntegerToFloat`, `DynamicQuantizeMatMul`); other runtimes run them as they stand.
 *
 * `limit` is 64 where the kernel multiplies with vpmaddubsw (AVX2, and AVX-512 without VNNI), which adds two products
 * u·q in 16 bits: 2·255·64 = 32,640 fits, 2·255·127 = 64,770 would be cut off at 32,767 without a word.
 *
 * Matches Gemm and MatMul with a float32 weight that is part of the graph and whose layer `includes` names. Left alone:
 * products of two activations, a transposed x.
 */
export function quantizeDynamic(
  g: Graph,
  { limit, includes }: { readonly limit: Limit; readonly includes: (layer: string) => boolean },
): Rewritten {
  const quantized = new Map<Value, readonly Value[]>()
  return rewrite(g, (next, node) => {
    const layer = linearOf(next, node)
    const weight = constantOf(next, layer?.weight)
    if (!layer || !weight || !includes(layer.name)) return undefined
    const { name, x, bias, beta } = layer
    const bytes = quantizeColumns(weight, { ...layer, limit })
    const [q, scale, zero] = quantized.get(x) ?? next.apply('DynamicQuantizeLinear', [x], {})
    quantized.set(x, [q!, scale!, zero!])
    const matrix = next.initializer(`${name}.int8`, bytes.matrix)
    const scales = next.initializer(`${name}.scales`, bytes.scales)
    const product = next.apply('MatMulInteger', [q, matrix, zero], {})[0]!
    const y = next.mul(next.cast(product, 'float32'), next.mul(scale!, scales))
    return [bias ? next.add(y, scaled(next, bias, beta)) : y]
  })
}
