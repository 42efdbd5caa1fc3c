import type { DType, TensorArray } from '../types.js'

/** TensorProto.DataType in onnx.proto. */
export const onnxTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
}

/** An array over `bytes`, copied only where they are not aligned for it. */
export const arrays: Readonly<Record<DType, (bytes: Uint8Array) => TensorArray>> = {
  float32: (bytes) => over(Float32Array, bytes),
  uint8: (bytes) => over(Uint8Array, bytes),
  int8: (bytes) => over(Int8Array, bytes),
  int32: (bytes) => over(Int32Array, bytes),
  int64: (bytes) => over(BigInt64Array, bytes),
  bool: (bytes) => over(Uint8Array, bytes),
  float16: (bytes) => over(Uint16Array, bytes),
  bfloat16: (bytes) => over(Uint16Array, bytes),
}

interface ArrayType<T extends TensorArray> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, offset: number, length: number): T
}

function over<T extends TensorArray>(type: ArrayType<T>, bytes: Uint8Array): T {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes)
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / type.BYTES_PER_ELEMENT)
}
