import type { Tensor } from '../../graph/types.js'

export function float32(dims: readonly number[], data: Float32Array): Tensor {
  return { dtype: 'float32', dims, data }
}

export function zeros(dims: readonly number[]): Tensor {
  return float32(dims, new Float32Array(count(dims)))
}

export function int32(dims: readonly number[], values: ArrayLike<number>): Tensor {
  return { dtype: 'int32', dims, data: Int32Array.from(values) }
}

export const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)
