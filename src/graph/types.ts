import type { Graph } from './graph.js'

/** Element types, by ONNX's names. */
export type DType = 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool'

/**
 * A dimension: a number, or a product of symbols and at most one number in canonical order, such as `batch`,
 * `batch*sequence` or `12*batch`. Two dimensions are the same exactly when they are `===`.
 */
export type Dim = number | string

export type Shape = readonly Dim[]

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
  /**
   * For int64 vectors and scalars whose elements are known while the graph is built (constants, shapes and what is
   * cut and glued from them): the elements. This is how a reshape to a computed shape keeps its type.
   */
  readonly content?: Shape
}

/** One tensor of a graph, assigned once. */
export interface Value extends TensorType {
  readonly name: string
  readonly purpose?: Purpose | undefined
}

/** What a tensor that a graph is given or holds is there for: the matrix of a layer, or a table that rows are looked up in. */
export type Purpose = { readonly layer: string } | { readonly table: string }

export type TensorArray = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array | Int8Array

/** A tensor's elements. float16 and bfloat16 are kept as their bits in a Uint16Array, bool as bytes. */
export interface Tensor {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly data: TensorArray
}

/**
 * A float by its kind. Of operators of the table the schema says which numbers are floats; of others nothing does, and a
 * whole number there is an integer unless it is written so.
 */
export interface Float {
  readonly float: number
}

export type Attribute =
  | number
  | string
  | Tensor
  | Graph
  | Float
  | Float32Array
  | readonly number[]
  | readonly string[]
  | readonly Tensor[]
  | readonly Graph[]

export interface Node {
  readonly name: string
  readonly op: string
  /** '' is the ONNX standard, 'com.microsoft' ONNX Runtime's own operators. */
  readonly domain: string
  readonly inputs: readonly (Value | undefined)[]
  readonly outputs: readonly Value[]
  readonly attributes: Readonly<Record<string, Attribute | undefined>>
  readonly role?: Role | undefined
}

/** What a node is there for, as far as its operator does not say it. What a rewrite puts in its place has its role. */
export interface Role {
  /** It is never run in half, nor is its gradient: a loss. */
  readonly precision?: 'float32'
  /** It is part of the gradient of a node of this operator. */
  readonly gradientOf?: string
  /** It is the loss's own gradient, 1, where every other starts. */
  readonly seed?: true
}
