import type { Graph } from '../graph.js'
import type { AttributeSchema } from '../ops/schema.js'
import type { Attribute } from '../types.js'
import { corrupt, decodeDtype, decodeInteger, decodeTensor } from './decode-tensor.js'
import { onnx, type Parsed } from './proto.js'

const AttributeType = onnx.AttributeProto.AttributeType

/** An attribute of any kind that a {@link Graph} can hold; `kind` is the schema's, `decodeBody` reads a subgraph. */
export function decodeAttribute(
  proto: Parsed<onnx.IAttributeProto>,
  kind: AttributeSchema['kind'] | undefined,
  where: string,
  decodeBody: (body: Parsed<onnx.IGraphProto>) => Graph,
): Attribute {
  switch (proto.type) {
    case AttributeType.FLOAT:
      return kind === 'float' ? proto.f : { float: proto.f }
    case AttributeType.INT:
      if (kind === 'float') throw corrupt('A float is written as an integer', where)
      return kind === 'type' ? decodeDtype(decodeInteger(proto.i, where), where) : decodeInteger(proto.i, where)
    case AttributeType.STRING:
      return decodeText(proto.s, where)
    case AttributeType.TENSOR:
      if (!proto.t) throw corrupt('A tensor is missing', where)
      return decodeTensor(proto.t, where)
    case AttributeType.GRAPH:
      if (!proto.g) throw corrupt('A subgraph is missing', where)
      return decodeBody(proto.g)
    case AttributeType.FLOATS:
      return Float32Array.from(proto.floats)
    case AttributeType.INTS:
      return proto.ints.map((value) => decodeInteger(value, where))
    case AttributeType.STRINGS:
      return proto.strings.map((value) => decodeText(value, where))
    case AttributeType.TENSORS:
      return proto.tensors.map((tensor) => decodeTensor(tensor, where))
    case AttributeType.GRAPHS:
      return proto.graphs.map(decodeBody)
    case AttributeType.SPARSE_TENSOR:
    case AttributeType.SPARSE_TENSORS:
    case AttributeType.TYPE_PROTO:
    case AttributeType.TYPE_PROTOS:
    case AttributeType.UNDEFINED:
    default:
      throw corrupt(`Attributes of kind ${proto.type} are not supported`, where)
  }
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw corrupt('A string is not UTF-8', where)
  }
}
