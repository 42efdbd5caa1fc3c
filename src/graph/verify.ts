import { NerError } from '../errors.js'
import { formatShape, sameShape } from './dims.js'
import { Graph } from './graph.js'
import { describeInputs, inferTypes } from './infer.js'
import type { OpAttributes, OpName } from './ops/attributes.js'
import { misfit } from './ops/schema.js'
import { isKnownOp } from './ops/table.js'
import type { Node, TensorType, Value } from './types.js'

/**
 * Checks a whole graph, with the bodies of its nodes: every value is defined before it is read and has a name of its
 * own, every operator is known and keeps its rule, every declared type is what the rule gives, every output exists.
 * The builder checks each node as it comes; what rewrites a graph or reads one from a file checks it here. Operators
 * of other domains than ONNX's own have no rule: their types are taken as declared.
 *
 * Throws `graph/invalid`, naming the node, its operator, its inputs' shapes and the rule that it breaks.
 */
export function verify(g: Graph): void {
  const defined = new Set<Value>()
  const names = new Set<string>()
  const define = (value: Value, where: string) => {
    if (defined.has(value)) throw invalid(`'${value.name}' is assigned twice`, where)
    if (names.has(value.name)) throw invalid(`Two values are named '${value.name}'`, where)
    defined.add(value)
    names.add(value.name)
  }

  for (const value of g.inputs) define(value, `inputs of graph '${g.name}'`)
  for (const { value, tensor } of g.initializers.values()) {
    const where = `initializer '${value.name}' of graph '${g.name}'`
    define(value, where)
    const { dtype, dims } = tensor
    if (!sameType(value, { dtype, shape: dims })) {
      throw invalid(
        `'${value.name}' is declared ${showType(value)} and holds ${showType({ dtype, shape: dims })}`,
        where,
      )
    }
    const size = dims.reduce((product, dim) => product * dim, 1)
    if (tensor.data.length !== size) {
      throw invalid(`'${value.name}' holds ${tensor.data.length} elements, not ${size}`, where)
    }
  }

  const nodeNames = new Set<string>()
  for (const node of g.nodes) {
    const { name, op, inputs, outputs } = node
    const where = `node '${name}' (${op}) of graph '${g.name}'; ${describeInputs(inputs)}`
    if (nodeNames.has(name)) throw invalid(`Two nodes are named '${name}'`, where)
    nodeNames.add(name)
    for (const value of inputs) {
      if (value && !defined.has(value))
        throw invalid(`Node '${name}' reads '${value.name}' before it is defined`, where)
    }
    for (const body of bodies(node)) verify(body)
    checkTypes(node, where)
    for (const value of outputs) define(value, where)
  }

  checkOutputs(g, defined)
}

/** The graphs that a node runs. */
function bodies(node: Node): Graph[] {
  return Object.values(node.attributes)
    .flat()
    .filter((value) => value instanceof Graph)
}

function checkTypes(node: Node, where: string): void {
  const { op, domain, name, inputs, outputs, attributes } = node
  if (outputs.length === 0) throw invalid(`Node '${name}' has no outputs`, where)
  if (domain !== '') return
  if (!isKnownOp(op)) throw invalid(`Node '${name}' is of an unknown operator, ${op}`, where)
  const reason = misfit(node)
  if (reason !== undefined) throw invalid(`Node '${name}' does not fit ${op}: ${reason}`, where)
  const types = inferTypes(op, name, inputs, attributes as OpAttributes[OpName])
  if (outputs.length !== types.length) {
    throw invalid(`Node '${name}' has ${outputs.length} outputs, and ${op} gives ${types.length}`, where)
  }
  outputs.forEach((output, i) => {
    const type = types[i]!
    if (!sameType(output, type)) {
      throw invalid(`'${output.name}' is declared ${showType(output)}, and ${op} gives ${showType(type)}`, where)
    }
  })
}

/** An output carries its own name in the file: no other value may have it. */
function checkOutputs(g: Graph, defined: ReadonlySet<Value>): void {
  const produced = new Set(g.nodes.flatMap(({ outputs }) => outputs))
  const byName = new Map([...defined].map((value) => [value.name, value]))
  const seen = new Set<string>()
  for (const { name, value } of g.outputs) {
    const where = `output '${name}' of graph '${g.name}'`
    if (!defined.has(value))
      throw invalid(`Output '${name}' is '${value.name}', which the graph does not define`, where)
    if (seen.has(name)) throw invalid(`Two outputs are named '${name}'`, where)
    seen.add(name)
    const namesake = byName.get(name)
    if (namesake && (namesake !== value || !produced.has(value))) {
      throw invalid(`Output '${name}' has the name of another value, ${showType(namesake)}`, where)
    }
  }
}

function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape)
}

function showType({ dtype, shape }: TensorType): string {
  return `${dtype}${formatShape(shape)}`
}

function invalid(what: string, where: string): NerError {
  return new NerError('graph/invalid', what, { where })
}
