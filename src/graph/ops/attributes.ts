import type { Graph } from '../graph.js'
import type { DType, Tensor } from '../types.js'

type None = Readonly<Record<string, never>>
interface Axis {
  readonly axis: number
}
interface Reduce {
  readonly keepdims: 0 | 1
}

/**
 * Every operator of the graph with its attributes, by ONNX's names (opset 20). The table of rules is total over this
 * list: an operator without a shape rule and a stand on its gradient does not compile.
 */
export interface OpAttributes {
  // elementwise
  Add: None
  Sub: None
  Mul: None
  Div: None
  Max: None
  Neg: None
  Exp: None
  Log: None
  Sqrt: None
  Reciprocal: None
  Tanh: None
  Sigmoid: None
  Relu: None
  Erf: None
  Gelu: None
  HardSigmoid: { readonly alpha: number; readonly beta: number }
  Where: None
  Cast: { readonly to: DType }
  Equal: None
  Less: None
  And: None
  Not: None
  // products
  MatMul: None
  Gemm: { readonly alpha?: number; readonly beta?: number; readonly transA?: 0 | 1; readonly transB?: 0 | 1 }
  // quantization
  QuantizeLinear: Axis
  DequantizeLinear: Axis
  DynamicQuantizeLinear: None
  MatMulInteger: None
  // reductions
  ReduceSum: Reduce
  ReduceMax: Reduce
  ArgMax: Axis & Reduce
  // normalisation
  Softmax: Axis
  LogSoftmax: Axis
  LayerNormalization: Axis & { readonly epsilon: number }
  // movement
  Reshape: None
  Transpose: { readonly perm: readonly number[] }
  Expand: None
  Concat: Axis
  Split: Axis
  Slice: None
  Shape: { readonly start?: number; readonly end?: number }
  ConstantOfShape: { readonly value: Tensor }
  // indexing
  Gather: Axis
  GatherElements: Axis
  ScatterElements: Axis & { readonly reduction: 'none' | 'add' }
  ScatterND: { readonly reduction: 'none' | 'add' }
  ReverseSequence: { readonly batch_axis: 0 | 1; readonly time_axis: 0 | 1 }
  // control
  Scan: {
    readonly body: Graph
    readonly num_scan_inputs: number
    /** For each scanned input and output, 1 where it runs from the last element to the first. */
    readonly scan_input_directions?: readonly number[]
    readonly scan_output_directions?: readonly number[]
  }
  Loop: {
    readonly body: Graph
    /** How many of the last inputs every iteration reads as they are; a file has them by their outer names instead. */
    readonly captures: number
  }
}

export type OpName = keyof OpAttributes
