import { Graph } from '../graph.js'
import { attributeKind, misfit, type AttributeSchema } from '../ops/schema.js'
import { liveNodes } from '../prune.js'
import type { Attribute, Node, Tensor, Value } from '../types.js'
import { onnxTypes } from './dtype.js'
import { irVersionOf, newestOpset, nodesWithin, requireOpset } from './opsets.js'
import { onnx } from './proto.js'

const AttributeType = onnx.AttributeProto.AttributeType

export interface EncodeOptions {
  /** {@link newestOpset} by default. */
  readonly opset?: number | undefined
  /** Where the bytes of an initializer are kept, if not in the file itself. */
  readonly place?: ((bytes: Uint8Array) => ExternalBytes | undefined) | undefined
}

/** A stretch of a file beside the model's. */
export interface ExternalBytes {
  readonly location: string
  readonly offset: number
}

/**
 * The graph as an ONNX file: only what its outputs need, with the graph's own names for inputs and outputs.
 *
 * @throws NerError `graph/old-opset`
 */
export function encodeModel(g: Graph, { opset = newestOpset, place }: EncodeOptions = {}): Uint8Array {
  requireOpset(g, opset)
  const domains = new Set(nodesWithin(g).flatMap(({ domain }) => (domain === '' ? [] : [domain])))
  const graph = encodeGraph(g, new Set())
  return onnx.ModelProto.encode({
    irVersion: irVersionOf(opset),
    producerName: 'ner',
    opsetImport: [{ domain: '', version: opset }, ...[...domains].map((domain) => ({ domain, version: 1 }))],
    graph:
      place === undefined
        ? graph
        : { ...graph, initializer: (graph.initializer ?? []).map((tensor) => movedOut(tensor, place)) },
  }).finish()
}

/** An initializer as a reference to where its bytes are, where that is not the file itself. */
function movedOut(tensor: onnx.ITensorProto, place: NonNullable<EncodeOptions['place']>): onnx.ITensorProto {
  const { rawData, ...rest } = tensor
  const placed = rawData && place(rawData)
  if (!placed) return tensor
  const entries = { location: placed.location, offset: placed.offset, length: rawData.length }
  return {
    ...rest,
    dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
  }
}

/**
 * `outer` are the names of the graphs around this one: ONNX reads them inside, so none may be given again. `captured` are
 * the inputs that are read from there, with the names they have there.
 */
function encodeGraph(
  g: Graph,
  outer: ReadonlySet<string>,
  captured: ReadonlyMap<Value, string> = new Map(),
): onnx.IGraphProto {
  const nodes = liveNodes(g)
  const used = new Set<Value>(nodes.flatMap(({ inputs }) => inputs.filter((value) => value !== undefined)))
  const produced = new Set(nodes.flatMap(({ outputs }) => outputs))
  const renamed = new Map<Value, string>()
  const copies: { readonly name: string; readonly value: Value }[] = []
  for (const { name, value } of g.outputs) {
    // A value can carry one name: an input, an initializer or a value that is an output twice is copied.
    if (produced.has(value) && !renamed.has(value)) renamed.set(value, name)
    else copies.push({ name, value })
    used.add(value)
  }
  const initializers = [...g.initializers.values()].filter(({ value }) => used.has(value))

  const inputs = g.inputs.filter((value) => !captured.has(value))
  const own = [...inputs, ...initializers.map(({ value }) => value), ...produced].map(
    (value) => renamed.get(value) ?? value.name,
  )
  own.push(...copies.map(({ name }) => name))
  let prefix = ''
  while (own.some((name) => outer.has(prefix + name))) prefix += 'body/'
  const taken = new Set([...outer, ...own.map((name) => prefix + name)])
  const nameOf = (value: Value) => captured.get(value) ?? prefix + (renamed.get(value) ?? value.name)

  return {
    name: g.name,
    input: inputs.map((value) => encodeValue(value, nameOf(value))),
    output: g.outputs.map(({ name, value }) => encodeValue(value, prefix + name)),
    // Of operators outside the table, a reader cannot know what they give.
    valueInfo: nodes
      .filter((node) => misfit(node) !== undefined)
      .flatMap(({ outputs }) => outputs.filter((value) => used.has(value) && !renamed.has(value)))
      .map((value) => encodeValue(value, nameOf(value))),
    initializer: initializers.map(({ value, tensor }) => encodeTensor(nameOf(value), tensor)),
    node: [
      ...nodes.map((node) => encodeNode(node, nameOf, used, taken)),
      ...copies.map(({ name, value }) => ({
        opType: 'Identity',
        name: `copy/${prefix}${name}`,
        input: [nameOf(value)],
        output: [prefix + name],
      })),
    ],
  }
}

function encodeNode(
  { op, domain, name, inputs, outputs, attributes }: Node,
  nameOf: (value: Value) => string,
  used: ReadonlySet<Value>,
  taken: ReadonlySet<string>,
): onnx.INodeProto {
  // Optional outputs that nobody reads are left out, so that the operator need not compute them; those of a body are not
  // optional.
  const hasBody = op === 'Scan' || op === 'Loop'
  const output = outputs.map((value, i) => (i === 0 || hasBody || used.has(value) ? nameOf(value) : ''))
  while (output.at(-1) === '') output.pop()
  if (op === 'Loop') return { opType: op, name, output, ...encodeLoop(inputs, attributes, nameOf, taken) }
  return {
    opType: op,
    domain,
    name,
    input: inputs.map((value) => (value ? nameOf(value) : '')),
    output,
    attribute: Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [{ name: key, ...encodeAttribute(value, attributeKind(op, domain, key), taken) }],
    ),
  }
}

/** What a body captures it reads by its outer name: such inputs are in no list of the file. */
function encodeLoop(
  inputs: Node['inputs'],
  { body, captures }: Node['attributes'],
  nameOf: (value: Value) => string,
  taken: ReadonlySet<string>,
): onnx.INodeProto {
  const own = inputs.length - (captures as number)
  // The body's inputs have the order of the node's: the first two are the iteration and the condition.
  const captured = inputs
    .slice(own)
    .map((value, i): [Value, string] => [(body as Graph).inputs[own + i]!, nameOf(value!)])
  return {
    input: inputs.slice(0, own).map((value) => (value ? nameOf(value) : '')),
    attribute: [{ name: 'body', type: AttributeType.GRAPH, g: encodeGraph(body as Graph, taken, new Map(captured)) }],
  }
}

/** As the schema says, where there is one: a number is a float or an integer by that, not by its value. */
function encodeAttribute(
  value: Attribute,
  kind: AttributeSchema['kind'] | undefined,
  taken: ReadonlySet<string>,
): onnx.IAttributeProto {
  if (kind === 'type' && typeof value === 'string') {
    return { type: AttributeType.INT, i: onnxTypes[value as keyof typeof onnxTypes] }
  }
  if (typeof value === 'number') {
    const isFloat = kind === undefined ? !Number.isInteger(value) : kind === 'float'
    return isFloat ? { type: AttributeType.FLOAT, f: value } : { type: AttributeType.INT, i: value }
  }
  if (typeof value === 'string') return { type: AttributeType.STRING, s: utf8(value) }
  if (value instanceof Graph) return { type: AttributeType.GRAPH, g: encodeGraph(value, taken) }
  if (value instanceof Float32Array) return { type: AttributeType.FLOATS, floats: [...value] }
  if ('float' in value) return { type: AttributeType.FLOAT, f: value.float }
  if ('dims' in value) return { type: AttributeType.TENSOR, t: encodeTensor('', value) }
  if (isListOf(value, (item) => typeof item === 'number')) return { type: AttributeType.INTS, ints: [...value] }
  if (isListOf(value, (item) => typeof item === 'string')) {
    return { type: AttributeType.STRINGS, strings: value.map(utf8) }
  }
  if (isListOf(value, (item) => item instanceof Graph)) {
    return { type: AttributeType.GRAPHS, graphs: value.map((body) => encodeGraph(body, taken)) }
  }
  return { type: AttributeType.TENSORS, tensors: value.map((item) => encodeTensor('', item)) }
}

function isListOf<T>(list: readonly unknown[], is: (item: unknown) => item is T): list is readonly T[] {
  return list.every(is)
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function encodeTensor(name: string, { dtype, dims, data }: Tensor): onnx.ITensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { name, dataType: onnxTypes[dtype], dims: [...dims], rawData }
}

function encodeValue({ dtype, shape }: Value, name: string): onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: onnxTypes[dtype], shape: { dim } } } }
}
