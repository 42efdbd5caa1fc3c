import { formatShape, sameShape } from '../dims.js'
import type { Graph } from '../graph.js'
import type { OpAttributes, OpName } from './attributes.js'
import type { Dim, DType, Shape, TensorType, Value } from '../types.js'

/** One application of an operator, as its gradient sees it. */
export interface Call<A> {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly attributes: A
}

/**
 * Builds the cotangents of the inputs from those of the outputs (`undefined` where an output has none). A cotangent
 * may still have the output's broadcast shape: the walk sums it down. `undefined` means no gradient flows there.
 */
export type Gradient<A> = (
  g: Graph,
  call: Call<A>,
  cotangents: readonly (Value | undefined)[],
) => readonly (Value | undefined)[]

/** Types of the outputs; throws {@link BrokenRule} saying which rule the inputs break. */
export type Infer<A = object> = (inputs: readonly (Value | undefined)[], attributes: A) => TensorType[]

export interface Rule<A> {
  readonly infer: Infer<A>
  /** `null` states that nothing differentiable flows through: integers, comparisons, shapes. */
  readonly gradient: Gradient<A> | null
}

export type Rules<K extends OpName> = { readonly [P in K]: Rule<OpAttributes[P]> }

/** The rule of an operator that its inputs break; the builder and the verifier add the node to it. */
export class BrokenRule extends Error {}

export function require(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new BrokenRule(rule)
}

/** The i-th input, which this operator needs. */
export function input(inputs: readonly (Value | undefined)[], index: number): Value {
  const value = inputs[index]
  require(value !== undefined, `input ${index} is required`)
  return value
}

/** NumPy's broadcasting, which ONNX follows. A symbol matches itself and 1, nothing else. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis): Dim => {
    const left = a[axis - rank + a.length] ?? 1
    const right = b[axis - rank + b.length] ?? 1
    require(left === right ||
      left === 1 ||
      right === 1, `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`)
    return left === 1 ? right : left
  })
}

export function axisOf(axis: number, rank: number): number {
  require(axis >= -rank && axis < rank, `axis ${axis} is outside rank ${rank}`)
  return axis < 0 ? axis + rank : axis
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16'
}

export function requireSameShape(a: Shape, b: Shape, rule: string): void {
  require(sameShape(a, b), `${rule}: ${formatShape(a)} and ${formatShape(b)} differ`)
}

/** The numbers in an int64 input that has to be known when the graph is built. */
export function integers(value: Value, what: string): number[] {
  require(value.content !== undefined, `${what} must be known when the graph is built`)
  return value.content.map((dim) => {
    require(typeof dim === 'number', `${what} must be numbers`)
    return dim
  })
}
