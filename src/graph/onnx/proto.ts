// The package is CommonJS: its only name is the default export.
import proto from 'onnx-proto'

export import onnx = proto.onnx

/**
 * A message as the parser gives it: its strings, numbers and lists are always there (empty where the file has none),
 * its messages may be missing. 64-bit integers are objects that print as the number.
 */
export type Parsed<T> = T extends string | number | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Parsed<Item>[]
    : { readonly [Field in keyof T]-?: ParsedField<NonNullable<T[Field]>> }

type ParsedField<T> = T extends string | number | Uint8Array | readonly unknown[] ? Parsed<T> : Parsed<T> | undefined
