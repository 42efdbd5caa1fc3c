import { toHalf } from '../half.js'
import type { Graph } from '../graph.js'
import type { OpName } from '../ops/attributes.js'
import { isKnownOp } from '../ops/table.js'
import type { Role, Tensor, Value } from '../types.js'
import { rewrite, type Rewritten } from './rewrite.js'

/**
 * In which precision an operator on floats runs. Sums over many elements, and what grows or cancels, stay in float: half
 * has 11 bits, and ends at 65504. Products are added up in float by the kernels themselves.
 */
const precision: Readonly<Record<OpName, 'half' | 'float'>> = {
  Add: 'half',
  Sub: 'half',
  Mul: 'half',
  Div: 'half',
  Max: 'half',
  Neg: 'half',
  Exp: 'float',
  Log: 'float',
  Sqrt: 'float',
  Reciprocal: 'float',
  Tanh: 'half',
  Sigmoid: 'half',
  Relu: 'half',
  Erf: 'half',
  Gelu: 'half',
  HardSigmoid: 'half',
  Where: 'half',
  Cast: 'half',
  Equal: 'float',
  Less: 'float',
  And: 'float',
  Not: 'float',
  MatMul: 'half',
  Gemm: 'half',
  QuantizeLinear: 'float',
  DequantizeLinear: 'float',
  DynamicQuantizeLinear: 'float',
  MatMulInteger: 'float',
  ReduceSum: 'float',
  ReduceMax: 'float',
  ArgMax: 'float',
  Softmax: 'float',
  LogSoftmax: 'float',
  LayerNormalization: 'float',
  Reshape: 'half',
  Transpose: 'half',
  Expand: 'half',
  Concat: 'half',
  Split: 'float',
  Slice: 'half',
  Shape: 'float',
  ConstantOfShape: 'float',
  Gather: 'half',
  GatherElements: 'half',
  ScatterElements: 'float',
  ScatterND: 'float',
  ReverseSequence: 'float',
  Scan: 'float',
  Loop: 'float',
}

/**
 * In which precision a node runs: as its role says; a gradient as its operator, and within that as its own. The
 * exponential in the gradient of Gelu is of nothing above 0.
 */
function precisionOf(op: OpName, { precision: asked, gradientOf = op }: Role = {}): 'half' | 'float' {
  if (asked === 'float32') return 'float'
  if (gradientOf === 'Gelu' && op === 'Exp') return 'half'
  return isKnownOp(gradientOf) && precision[gradientOf] === 'float' ? 'float' : precision[op]
}

/**
 * Float16 in place of float32, where {@link precisionOf} says so; inputs and outputs of the graph keep their types.
 *
 *     y = op(a, b)   →   y = float(op(half(a), half(b)))
 *
 * The pair half(float(·)) between two such operators is left out, and weights are stored as halves: of a transformer
 * only softmax, norms and the logits are cast. Matches operators of the table with one output that read or make float32.
 * Bodies of Scan and Loop stay as they are.
 */
export function halve(g: Graph): Rewritten {
  /** The half that stands for a float32 value. */
  const halves = new Map<Value, Value>()
  const half = (next: Graph, value: Value): Value => {
    let known = halves.get(value)
    if (!known) {
      const stored = next.initializers.get(value.name)
      known =
        stored?.value === value
          ? next.initializer(`${value.name}.half`, halfTensor(stored.tensor))
          : next.cast(value, 'float16')
      halves.set(value, known)
    }
    return known
  }
  return rewrite(g, (next, node) => {
    const { op, domain, inputs, outputs, attributes, role } = node
    if (domain !== '' || !isKnownOp(op) || precisionOf(op, role) === 'float' || outputs.length !== 1) return undefined
    if (outputs[0]!.dtype !== 'float32') return undefined
    const made = next.apply(
      op,
      inputs.map((value) => (value?.dtype === 'float32' ? half(next, value) : value)),
      op === 'Cast' ? { to: 'float16' } : attributes,
    )[0]!
    const y = next.cast(made, 'float32')
    halves.set(y, made)
    return [y]
  })
}

function halfTensor({ dims, data }: Tensor): Tensor {
  return { dtype: 'float16', dims, data: toHalf(data as Float32Array) }
}
