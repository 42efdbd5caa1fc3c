import { onnx } from './proto.js'
import { Graph } from '../graph.js'
import { liveNodes } from '../prune.js'
import { floatAttributes, type Attribute, type Node, type Tensor, type Value } from '../types.js'
import { onnxTypes } from './dtype.js'

/** The opset that {@link import('../ops/attributes.js').OpAttributes} describes, and the IR version of its time. */
export const opset = 20
const irVersion = 9

/** AttributeProto.AttributeType in onnx.proto. */
const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const

/** The graph as an ONNX file: only what its outputs need, with the graph's own names for inputs and outputs. */
export function encodeModel(g: Graph): Uint8Array {
  const domains = new Set(g.nodes.map(({ domain }) => domain).filter((domain) => domain !== ''))
  return onnx.ModelProto.encode({
    irVersion,
    producerName: 'ner',
    opsetImport: [{ domain: '', version: opset }, ...[...domains].map((domain) => ({ domain, version: 1 }))],
    graph: encodeGraph(g),
  }).finish()
}

function encodeGraph(g: Graph): onnx.IGraphProto {
  const nodes = liveNodes(g)
  const used = new Set<Value>(nodes.flatMap(({ inputs }) => inputs.filter((value) => value !== undefined)))
  const produced = new Set(nodes.flatMap(({ outputs }) => outputs))
  const names = new Map<Value, string>()
  const copies: { readonly name: string; readonly value: Value }[] = []
  for (const { name, value } of g.outputs) {
    // A value can carry one name: an input, an initializer or a value that is an output twice is copied.
    if (produced.has(value) && !names.has(value)) names.set(value, name)
    else copies.push({ name, value })
    used.add(value)
  }
  const nameOf = (value: Value) => names.get(value) ?? value.name
  return {
    name: g.name,
    input: g.inputs.map((value) => encodeValue(value, value.name)),
    output: g.outputs.map(({ name, value }) => encodeValue(value, name)),
    initializer: [...g.initializers.values()]
      .filter(({ value }) => used.has(value))
      .map(({ value, tensor }) => encodeTensor(value.name, tensor)),
    node: [
      ...nodes.map((node) => encodeNode(node, nameOf, used)),
      ...copies.map(({ name, value }) => ({
        opType: 'Identity',
        name: `copy/${name}`,
        input: [nameOf(value)],
        output: [name],
      })),
    ],
  }
}

function encodeNode(node: Node, nameOf: (value: Value) => string, used: ReadonlySet<Value>): onnx.INodeProto {
  // Optional outputs that nobody reads are left out, so that the operator need not compute them.
  const output = node.outputs.map((value, i) => (i === 0 || used.has(value) ? nameOf(value) : ''))
  while (output.at(-1) === '') output.pop()
  return {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: node.inputs.map((value) => (value ? nameOf(value) : '')),
    output,
    attribute: Object.entries(node.attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [encodeAttribute(name, value)],
    ),
  }
}

function encodeAttribute(name: string, value: Attribute): onnx.IAttributeProto {
  if (name === 'to' && typeof value === 'string') {
    return { name, type: attributeTypes.int, i: onnxTypes[value as keyof typeof onnxTypes] }
  }
  if (typeof value === 'number') {
    return floatAttributes.has(name)
      ? { name, type: attributeTypes.float, f: value }
      : { name, type: attributeTypes.int, i: value }
  }
  if (typeof value === 'string') return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) }
  if (value instanceof Graph) return { name, type: attributeTypes.graph, g: encodeGraph(value) }
  if (isNumbers(value)) return { name, type: attributeTypes.ints, ints: [...value] }
  return { name, type: attributeTypes.tensor, t: encodeTensor('', value) }
}

function isNumbers(value: readonly number[] | Tensor): value is readonly number[] {
  return Array.isArray(value)
}

function encodeTensor(name: string, { dtype, dims, data }: Tensor): onnx.ITensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { name, dataType: onnxTypes[dtype], dims: [...dims], rawData }
}

function encodeValue({ dtype, shape }: Value, name: string): onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: onnxTypes[dtype], shape: { dim } } } }
}
