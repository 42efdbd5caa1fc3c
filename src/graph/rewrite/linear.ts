import type { Graph } from '../graph.js'
import type { Node, Tensor, Value } from '../types.js'

/** `α·x·W + β·b`, or with Wᵀ: what the Gemm or MatMul of a linear layer computes. */
export interface Linear {
  /** As the weight's purpose says, or the weight's own name. */
  readonly name: string
  readonly x: Value
  /** [in, out], or [out, in] where it is transposed. */
  readonly weight: Value
  readonly transposed: boolean
  readonly alpha: number
  readonly bias: Value | undefined
  readonly beta: number
}

/** Reads a node as a linear layer: a product with a matrix that the graph is given or holds. Undefined for any other. */
export function linearOf(g: Graph, { op, domain, inputs, attributes }: Node): Linear | undefined {
  const [x, weight, bias] = inputs
  if (domain !== '' || !x || !weight || weight.shape.length !== 2 || weight.dtype !== 'float32') return undefined
  if (!g.initializers.has(weight.name) && !g.inputs.includes(weight)) return undefined
  const { purpose } = weight
  const layer = { name: purpose && 'layer' in purpose ? purpose.layer : weight.name, x, weight }
  if (op === 'MatMul') return { ...layer, transposed: false, alpha: 1, bias: undefined, beta: 1 }
  if (op !== 'Gemm' || attributes['transA'] === 1) return undefined
  const { alpha = 1, beta = 1 } = attributes as { readonly alpha?: number; readonly beta?: number }
  return { ...layer, transposed: attributes['transB'] === 1, alpha, bias, beta }
}

/** The tensor that a value is, where it is part of the graph. */
export function constantOf(g: Graph, value: Value | undefined): Tensor | undefined {
  return value && g.initializers.get(value.name)?.tensor
}

/** `factor·value`: a tensor of the graph where the value is one, a node otherwise. */
export function scaled(g: Graph, value: Value, factor: number): Value {
  if (factor === 1) return value
  const tensor = constantOf(g, value)
  if (!tensor) return g.mul(value, g.scalar(factor))
  const data = (tensor.data as Float32Array).map((element) => element * factor)
  return g.initializer(`${value.name}.scaled`, { ...tensor, data })
}
