import { NerError } from '../errors.js'
import type { Graph } from '../graph/graph.js'
import { nodesWithin } from '../graph/onnx/opsets.js'
import type { OpName } from '../graph/ops/attributes.js'
import { isKnownOp } from '../graph/ops/table.js'
import type { DType, Node } from '../graph/types.js'

/** What the table of operators is taken from. */
export const tensorRtSource =
  'https://github.com/onnx/onnx-tensorrt/blob/main/docs/operators.md, of TensorRT 10.15 (opsets 9 to 24)'

const floats: readonly DType[] = ['float32', 'float16', 'bfloat16']
const numbers: readonly DType[] = [...floats, 'int32', 'int64']
const anything: readonly DType[] = [...numbers, 'bool']
const bools: readonly DType[] = ['bool']

/**
 * The element types that TensorRT's ONNX parser takes of each operator's data; none where it does not take the operator.
 * Restrictions that are not of types are in {@link restrictions}.
 */
const supported: Readonly<Record<OpName, readonly DType[]>> = {
  Add: numbers,
  Sub: numbers,
  Mul: numbers,
  Div: numbers,
  Max: numbers,
  Neg: numbers,
  Exp: floats,
  Log: floats,
  Sqrt: floats,
  Reciprocal: floats,
  Tanh: floats,
  Sigmoid: floats,
  Relu: numbers,
  Erf: floats,
  Gelu: floats,
  HardSigmoid: floats,
  Where: anything,
  Cast: [...anything, 'uint8'],
  Equal: numbers,
  Less: numbers,
  And: bools,
  Not: bools,
  MatMul: floats,
  Gemm: floats,
  QuantizeLinear: floats,
  DequantizeLinear: ['int8'],
  DynamicQuantizeLinear: [],
  MatMulInteger: [],
  ReduceSum: numbers,
  ReduceMax: numbers,
  ArgMax: numbers,
  Softmax: floats,
  LogSoftmax: floats,
  LayerNormalization: floats,
  Reshape: anything,
  Transpose: anything,
  Expand: anything,
  Concat: anything,
  Split: anything,
  Slice: anything,
  Shape: anything,
  ConstantOfShape: anything,
  Gather: anything,
  GatherElements: anything,
  ScatterElements: numbers,
  ScatterND: numbers,
  ReverseSequence: anything,
  Scan: floats,
  Loop: floats,
}

/** What else the parser asks for: the reason why it would refuse a node, or undefined. */
const restrictions: Readonly<Partial<Record<OpName, (node: Node, g: Graph) => string | undefined>>> = {
  QuantizeLinear: zeroPointIsZero,
  DequantizeLinear: zeroPointIsZero,
  ReduceSum: axesAreStored,
  ReduceMax: axesAreStored,
  ScatterElements: doesNotReduce,
  ScatterND: doesNotReduce,
}

/**
 * Checks that TensorRT's ONNX parser takes every node of a graph: operators of ONNX's own domain, on types that it
 * knows, within its restrictions.
 *
 * @throws NerError `export/not-tensorrt`, naming the node and the reason
 */
export function requireTensorRt(g: Graph, file: string): void {
  const within = new Set(g.nodes)
  for (const node of nodesWithin(g)) {
    const reason = objection(node, within.has(node) ? g : undefined)
    if (reason === undefined) continue
    throw new NerError('export/not-tensorrt', `TensorRT does not take ${node.op}: ${reason}.`, {
      where: `${file}, node '${node.name}'`,
      mend: 'Export the float32 model, or quantize it with explicit Q/DQ pairs (`method` static).',
    })
  }
}

function objection(node: Node, g: Graph | undefined): string | undefined {
  const { op, domain, inputs } = node
  if (domain !== '') return `it is of the domain ${domain}, not ONNX's own`
  if (!isKnownOp(op)) return 'it is not in the list of its operators'
  const types = supported[op]
  if (types.length === 0) return "it is not in the parser's list"
  const data = op === 'Scan' ? inputs : op === 'Loop' ? inputs.slice(2) : [inputs[op === 'Where' ? 1 : 0]]
  const odd = data.find((value) => value && !types.includes(value.dtype))
  if (odd) return `it is of ${odd.dtype}`
  return g && restrictions[op]?.(node, g)
}

function doesNotReduce({ attributes }: Node): string | undefined {
  return attributes['reduction'] === 'none' ? undefined : 'it reduces'
}

function zeroPointIsZero({ inputs }: Node, g: Graph): string | undefined {
  const zero = inputs[2]
  if (zero === undefined) return undefined
  const stored = g.initializers.get(zero.name)
  return stored && stored.tensor.data.every((value) => Number(value) === 0) ? undefined : 'its zero point is not 0'
}

function axesAreStored({ inputs }: Node, g: Graph): string | undefined {
  const axes = inputs[1]
  return axes === undefined || g.initializers.has(axes.name) ? undefined : 'its axes are not stored in the file'
}
