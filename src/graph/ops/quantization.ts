import type { DType } from '../types.js'
import { axisOf, input, isFloat, require, type Rules } from './rule.js'

const isByte = (dtype: DType) => dtype === 'uint8' || dtype === 'int8'

/** One scale for the whole tensor, or one for each index of an axis. */
function requireScales(inputs: Parameters<typeof input>[0], axis: number): void {
  const x = input(inputs, 0)
  const scale = input(inputs, 1)
  require(scale.dtype === 'float32', `scales are float32, not ${scale.dtype}`)
  require(scale.shape.length <= 1, 'there is one scale, or one for each index of the axis')
  if (scale.shape.length === 1) {
    const along = x.shape[axisOf(axis, x.shape.length)]!
    require(scale.shape[0] === along, `axis ${axis} has ${along} indices and ${scale.shape[0]} scales`)
  }
}

/**
 * Integers in place of floats: x ≈ s·(q − z), with a scale s and a zero point z. Rounding has no gradient: training
 * through it declares one of its own (`Graph.withGradient`).
 */
export const quantization: Rules<'QuantizeLinear' | 'DequantizeLinear' | 'DynamicQuantizeLinear' | 'MatMulInteger'> = {
  // q = clip(round(x/s) + z) in the zero point's type, uint8 without one
  QuantizeLinear: {
    infer: (inputs, { axis }) => {
      const x = input(inputs, 0)
      require(isFloat(x.dtype), `floats are quantized, not ${x.dtype}`)
      requireScales(inputs, axis)
      const dtype = inputs[2]?.dtype ?? 'uint8'
      require(isByte(dtype), `the zero point is a byte, not ${dtype}`)
      return [{ dtype, shape: x.shape }]
    },
    gradient: null,
  },

  // x = s·(q − z)
  DequantizeLinear: {
    infer: (inputs, { axis }) => {
      const q = input(inputs, 0)
      require(isByte(q.dtype), `bytes are dequantized, not ${q.dtype}`)
      requireScales(inputs, axis)
      const zero = inputs[2]
      require(!zero || zero.dtype === q.dtype, `the zero point is ${q.dtype} like the tensor, not ${zero?.dtype}`)
      return [{ dtype: 'float32', shape: q.shape }]
    },
    gradient: null,
  },

  // s = (max(x, 0) − min(x, 0))/255, z = clip(round(−min(x, 0)/s)), q = clip(round(x/s) + z), uint8
  DynamicQuantizeLinear: {
    infer: (inputs) => {
      const x = input(inputs, 0)
      require(x.dtype === 'float32', `float32 is quantized, not ${x.dtype}`)
      return [
        { dtype: 'uint8', shape: x.shape },
        { dtype: 'float32', shape: [] },
        { dtype: 'uint8', shape: [] },
      ]
    },
    gradient: null,
  },

  // Y = (A − z)·(B − z′), exact, in int32
  MatMulInteger: {
    infer: (inputs) => {
      const a = input(inputs, 0)
      const b = input(inputs, 1)
      require(isByte(a.dtype) && isByte(b.dtype), `operands are bytes, not ${a.dtype} and ${b.dtype}`)
      require(a.shape.length >= 2 && b.shape.length === 2, 'B is a matrix, and A a matrix or a stack of them')
      const [inner, columns] = b.shape
      require(a.shape.at(-1) === inner, `inner dimensions ${a.shape.at(-1)} and ${inner} differ`)
      return [{ dtype: 'int32', shape: [...a.shape.slice(0, -1), columns!] }]
    },
    gradient: null,
  },
}
