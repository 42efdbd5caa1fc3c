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

/** Tensors of the same names and shapes, one after the other along a new first axis. */
export function stacked(parts: readonly Readonly<Record<string, Tensor>>[]): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(parts[0]!).map(([name, { dtype, dims, data }]) => {
      const all = new (data.constructor as new (length: number) => typeof data)(data.length * parts.length)
      parts.forEach((part, i) => all.set(part[name]!.data as never, i * data.length))
      return [name, { dtype, dims: [parts.length, ...dims], data: all }]
    }),
  )
}

export const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)
