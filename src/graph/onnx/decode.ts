import { NerError } from '../../errors.js'
import { formatShape } from '../dims.js'
import { Graph } from '../graph.js'
import { describeInputs, inferTypes } from '../infer.js'
import type { OpAttributes, OpName } from '../ops/attributes.js'
import { attributeKind, misfit, withDefaults } from '../ops/schema.js'
import { isKnownOp } from '../ops/table.js'
import type { Attribute, Node, TensorType, Value } from '../types.js'
import { decodeAttribute } from './decode-attribute.js'
import { corrupt, decodeTensor, decodeType, type ReadExternal } from './decode-tensor.js'
import { newestOpset } from './opsets.js'
import { onnx, type Parsed } from './proto.js'

/** From this opset on, the operators of the table mean what they mean in {@link newestOpset}. */
const oldestOpset = 18

/**
 * Reads an ONNX file. Types are those that the operators' rules give, and those that the file declares where no rule
 * applies: operators outside the table need a `value_info`. Identity nodes become second names of their inputs.
 *
 * Throws `graph/corrupt` where the file is damaged or holds what a {@link Graph} cannot: sparse tensors, functions,
 * subgraphs that read values of the graph around them, external data unless `readExternal` is there to read it; and
 * `graph/invalid` where a node breaks a rule of its operator.
 */
export function decodeModel(bytes: Uint8Array, readExternal?: ReadExternal): Graph {
  const model = parse(bytes)
  if (!model.graph) throw corrupt('The ONNX file holds no graph', 'the model')
  if (model.functions.length > 0) throw corrupt('Functions of a model are not supported', 'the model')
  const versions = new Map(model.opsetImport.map(({ domain, version }) => [standard(domain), Number(version)]))
  return decodeGraph(model.graph, 'the graph', versions, readExternal)
}

/** The version of the operators of each domain that the file uses. */
type Versions = ReadonlyMap<string, number>

function parse(bytes: Uint8Array): Parsed<onnx.IModelProto> {
  try {
    return onnx.ModelProto.decode(bytes) as Parsed<onnx.IModelProto>
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new NerError('graph/corrupt', `The ONNX file is damaged: ${reason}`, {
      where: `while reading the protobuf message of ${bytes.length} bytes`,
      mend: 'Fetch or export the file again.',
      cause,
    })
  }
}

function decodeGraph(
  proto: Parsed<onnx.IGraphProto>,
  path: string,
  versions: Versions,
  readExternal?: ReadExternal,
): Graph {
  if (proto.sparseInitializer.length > 0) throw corrupt('Sparse tensors are not supported', path)
  const g = new Graph(proto.name)
  const values = new Map<string, Value>()
  const define = (name: string, value: Value, where: string) => {
    if (name === '' || values.has(name)) throw corrupt(`The value '${name}' has no name or is defined twice`, where)
    values.set(name, value)
  }

  const stored = new Set(proto.initializer.map(({ name }) => name))
  // Files of before IR version 4 list the initializers as inputs too.
  for (const info of proto.input.filter(({ name }) => !stored.has(name))) {
    const where = `input '${info.name}' of ${path}`
    const type = decodeType(info, where)
    if (!type) throw corrupt('An input has no tensor type with a shape', where)
    define(info.name, g.input(info.name, type.dtype, type.shape), where)
  }
  for (const tensor of proto.initializer) {
    const where = `initializer '${tensor.name}' of ${path}`
    define(tensor.name, g.initializer(tensor.name, decodeTensor(tensor, where, readExternal)), where)
  }

  const declared = new Map(
    [...proto.valueInfo, ...proto.output].map((info) => [
      info.name,
      decodeType(info, `the type of '${info.name}' in ${path}`),
    ]),
  )
  const nodeNames = new Set<string>()
  const valueNames = new Set(proto.node.flatMap(({ output }) => output).concat([...values.keys()]))
  for (const item of proto.node) {
    const name = free(item.name || item.opType, nodeNames)
    const domain = standard(item.domain)
    const where = `node '${name}' (${item.opType}) of ${path}`
    checkVersion(domain, versions, where)
    const inputs = item.input.map((input) => {
      if (input === '') return undefined
      const value = values.get(input)
      if (!value) throw corrupt(`A node reads '${input}', which nothing before it in its graph defines`, where)
      return value
    })
    if (domain === '' && item.opType === 'Identity' && inputs[0] && item.output.length === 1) {
      define(item.output[0]!, inputs[0], where)
      continue
    }
    const attributes = decodeAttributes(item, domain, where, (body) =>
      decodeGraph(body, `the body of node '${name}'`, versions, readExternal),
    )
    const node = { name, op: item.opType, domain, inputs, attributes }
    const outputs = outputTypes(node, item.output, declared, where).map((type, i): Value => {
      // The file leaves out outputs that nobody reads.
      const output = item.output[i] || free(name, valueNames)
      const value = { name: output, ...type }
      define(output, value, where)
      return value
    })
    g.insert({ ...node, outputs })
  }

  for (const { name } of proto.output) {
    const value = values.get(name)
    if (!value) throw corrupt('Nothing defines an output', `output '${name}' of ${path}`)
    g.output(name, value)
  }
  return g
}

/** The standard operators' domain has two spellings. */
function standard(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}

function checkVersion(domain: string, versions: Versions, where: string): void {
  const version = versions.get(domain)
  if (version === undefined) throw corrupt(`The file does not import the operators of '${domain}'`, where)
  const supported = domain === '' ? version >= oldestOpset && version <= newestOpset : version === 1
  if (supported) return
  const range = domain === '' ? `${oldestOpset} to ${newestOpset}` : 'version 1'
  throw corrupt(`Version ${version} of the operators of '${domain}' is not supported, only ${range}`, where)
}

function free(name: string, taken: Set<string>): string {
  let candidate = name
  for (let count = 1; taken.has(candidate); count++) candidate = `${name}.${count}`
  taken.add(candidate)
  return candidate
}

function decodeAttributes(
  { opType, attribute }: Parsed<onnx.INodeProto>,
  domain: string,
  path: string,
  decodeBody: (body: Parsed<onnx.IGraphProto>) => Graph,
): Node['attributes'] {
  const attributes = new Map<string, Attribute>()
  for (const item of attribute) {
    const where = `attribute '${item.name}' of ${path}`
    if (attributes.has(item.name)) throw corrupt('An attribute is given twice', where)
    attributes.set(item.name, decodeAttribute(item, attributeKind(opType, domain, item.name), where, decodeBody))
  }
  const given = Object.fromEntries(attributes)
  return domain === '' && isKnownOp(opType) ? withDefaults(opType, given) : given
}

/** By the operator's rule; as the file declares them where there is none, or where the rule needs to know more. */
function outputTypes(
  node: Omit<Node, 'outputs'>,
  names: readonly string[],
  declared: ReadonlyMap<string, TensorType | undefined>,
  where: string,
): TensorType[] {
  const complete = names.length > 0 && names.every((name) => name === '' || declared.get(name) !== undefined)
  // The type of an output without a name says nothing: nobody reads it.
  const asDeclared = () => names.map((name): TensorType => declared.get(name) ?? { dtype: 'float32', shape: [] })

  const reason = misfit(node)
  if (reason !== undefined) {
    if (complete) return asDeclared()
    const inputs = describeInputs(node.inputs)
    throw corrupt(`The type of an output is not known: the file declares none, and ${reason} (${inputs})`, where)
  }
  let types: TensorType[]
  try {
    types = inferTypes(node.op as OpName, node.name, node.inputs, node.attributes as OpAttributes[OpName])
  } catch (error) {
    if (complete && error instanceof NerError) return asDeclared()
    throw error
  }
  if (names.length === 0 || names.length > types.length) {
    throw corrupt(`The operator has ${types.length} outputs, not ${names.length}`, where)
  }
  names.forEach((name, i) => {
    requireAgreement(types[i]!, declared.get(name), where)
  })
  return types
}

/** Symbols may have other names in the file, numbers may not differ. */
function requireAgreement(inferred: TensorType, declared: TensorType | undefined, where: string): void {
  if (!declared) return
  const differs = inferred.shape.some((dim, axis) => {
    const other = declared.shape[axis]
    return typeof dim === 'number' && typeof other === 'number' && dim !== other
  })
  if (declared.dtype === inferred.dtype && declared.shape.length === inferred.shape.length && !differs) return
  const show = ({ dtype, shape }: TensorType) => `${dtype}${formatShape(shape)}`
  throw corrupt(`The file declares ${show(declared)} where the operator gives ${show(inferred)}`, where)
}
