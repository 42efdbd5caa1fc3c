import { NerError } from '../../errors.js'
import { formatShape, product } from '../dims.js'
import type { Dim, DType, Tensor, TensorArray, TensorType } from '../types.js'
import { arrays, onnxTypes } from './dtype.js'
import { onnx, type Parsed } from './proto.js'

/** The error of a file that is damaged or holds what is not supported, with what was being read of it. */
export function corrupt(what: string, reading: string, mend?: string): NerError {
  return new NerError('graph/corrupt', what, { where: `while reading ${reading}`, ...(mend ? { mend } : {}) })
}

export function decodeInteger(value: unknown, where: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw corrupt(`The integer ${String(value)} is too large`, where)
  return number
}

const dtypes = new Map(Object.entries(onnxTypes).map(([dtype, number]) => [number, dtype as DType]))

export function decodeDtype(number: number, where: string): DType {
  const dtype = dtypes.get(number)
  if (dtype) return dtype
  const names: Readonly<Record<number, string | undefined>> = onnx.TensorProto.DataType
  throw corrupt(`Elements of type ${names[number] ?? number} are not supported`, where)
}

/** Undefined where the file leaves the type or the rank open. A dimension left open gets a symbol of its own. */
export function decodeType(
  { name, type }: Parsed<onnx.IValueInfoProto>,
  where: string,
): Omit<TensorType, 'content'> | undefined {
  if (!type?.tensorType?.shape) return undefined
  return {
    dtype: decodeDtype(type.tensorType.elemType, where),
    shape: type.tensorType.shape.dim.map((dim, axis): Dim => {
      if (dim.dimParam) return product([dim.dimParam])
      if (!Object.hasOwn(dim, 'dimValue')) return `${name}.${axis}`
      const size = decodeInteger(dim.dimValue, where)
      if (size < 0) throw corrupt(`A dimension is ${size}`, where)
      return size
    }),
  }
}

/** Reads what a tensor keeps outside the file; `reference` is its `external_data`, by key. */
export type ReadExternal = (reference: ReadonlyMap<string, string>, where: string) => Uint8Array

/** The elements are read in place where the file has them as bytes and they are aligned for it. */
export function decodeTensor(proto: Parsed<onnx.ITensorProto>, where: string, readExternal?: ReadExternal): Tensor {
  const isExternal = proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL || proto.externalData.length > 0
  if (isExternal && !readExternal) {
    throw corrupt('A tensor lies outside the file, as external data', where, 'Save the model as one file.')
  }
  if (proto.segment) throw corrupt('Tensors in segments are not supported', where)
  const dtype = decodeDtype(proto.dataType, where)
  const dims = proto.dims.map((dim) => decodeInteger(dim, where))
  const size = dims.reduce((total, dim) => total * dim, 1)
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(size)) {
    throw corrupt(`The shape ${formatShape(dims)} is impossible`, where)
  }
  const bytes = isExternal
    ? readExternal!(new Map(proto.externalData.map(({ key, value }) => [key, value])), where)
    : proto.rawData
  const data = isExternal || bytes.length > 0 ? rawElements(bytes, dtype, where) : typedElements[dtype](proto)
  if (data.length !== size) {
    throw corrupt(`A tensor ${dtype}${formatShape(dims)} has ${data.length} elements, not ${size}`, where)
  }
  return { dtype, dims, data }
}

function rawElements(bytes: Uint8Array, dtype: DType, where: string): TensorArray {
  const width = arrays[dtype](new Uint8Array()).BYTES_PER_ELEMENT
  if (bytes.length % width !== 0) {
    throw corrupt(`${bytes.length} bytes are no whole number of ${dtype} elements`, where)
  }
  return arrays[dtype](bytes)
}

/** Where TensorProto keeps the elements of a tensor without raw data. */
const typedElements: Readonly<Record<DType, (proto: Parsed<onnx.ITensorProto>) => TensorArray>> = {
  float32: ({ floatData }) => Float32Array.from(floatData),
  int64: ({ int64Data }) => BigInt64Array.from(int64Data, (value) => BigInt(String(value))),
  int32: ({ int32Data }) => Int32Array.from(int32Data),
  int8: ({ int32Data }) => Int8Array.from(int32Data),
  uint8: ({ int32Data }) => Uint8Array.from(int32Data),
  bool: ({ int32Data }) => Uint8Array.from(int32Data),
  float16: ({ int32Data }) => Uint16Array.from(int32Data),
  bfloat16: ({ int32Data }) => Uint16Array.from(int32Data),
}
