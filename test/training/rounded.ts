import type { Graph } from '../../src/graph/graph.js'
import type { OpName } from '../../src/graph/ops/attributes.js'
import { rewrite, type Rewritten } from '../../src/graph/rewrite/rewrite.js'

/**
 * fp16 as a GPU computes it, on a CPU: every operator on halves runs in float and its result is rounded. ONNX Runtime's CPU
 * provider by itself leaves out the rounding between two operators that it has no kernels of halves for.
 *
 *     half y = op(half a, half b)   →   y = half(op(float(a), float(b)))
 */
export function rounded(g: Graph): Rewritten {
  return rewrite(g, (next, { op, inputs, outputs, attributes }) => {
    if (op === 'Cast' || !outputs.every(({ dtype }) => dtype === 'float16')) return undefined
    const floats = inputs.map((value) => (value?.dtype === 'float16' ? next.cast(value, 'float32') : value))
    const made = next.apply(op as OpName, floats, attributes)
    return made.map((value) => next.cast(value, 'float16'))
  })
}
