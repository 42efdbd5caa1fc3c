import { NerError } from '../../errors.js'
import { Graph } from '../graph.js'
import type { OpName } from '../ops/attributes.js'
import { isKnownOp } from '../ops/table.js'
import { liveNodes } from '../prune.js'

/** The opset that {@link import('../ops/attributes.js').OpAttributes} describes, and the newest that is written. */
export const newestOpset = 20

/**
 * The first opset in which an operator takes its inputs and attributes as the table of operators has them (ONNX's
 * Changelog.md). Where an operator only gained element types since, that is the opset before.
 */
const since: Readonly<Record<OpName, number>> = {
  Add: 7,
  Sub: 7,
  Mul: 7,
  Div: 7,
  Max: 8,
  Neg: 6,
  Exp: 6,
  Log: 6,
  Sqrt: 6,
  Reciprocal: 6,
  Tanh: 6,
  Sigmoid: 6,
  Relu: 6,
  Erf: 9,
  Gelu: 20,
  HardSigmoid: 6,
  Where: 9,
  Cast: 9,
  Equal: 11,
  Less: 9,
  And: 7,
  Not: 1,
  MatMul: 9,
  Gemm: 11,
  QuantizeLinear: 13,
  DequantizeLinear: 13,
  DynamicQuantizeLinear: 11,
  MatMulInteger: 10,
  ReduceSum: 13,
  ReduceMax: 18,
  ArgMax: 11,
  Softmax: 13,
  LogSoftmax: 13,
  LayerNormalization: 17,
  Reshape: 5,
  Transpose: 1,
  Expand: 8,
  Concat: 11,
  Split: 13,
  Slice: 11,
  Shape: 15,
  ConstantOfShape: 9,
  Gather: 11,
  GatherElements: 11,
  ScatterElements: 16,
  ScatterND: 16,
  ReverseSequence: 10,
  Scan: 11,
  Loop: 13,
}

/** The IR version that came with each opset (ONNX's Versioning.md): older readers refuse a newer one. */
export function irVersionOf(opset: number): number {
  if (opset >= 19) return 9
  return opset >= 15 ? 8 : 7
}

/**
 * Checks that a file of `opset` can say what the graph says.
 *
 * @throws NerError `graph/old-opset`, naming the operator and the node that need a newer one
 */
export function requireOpset(g: Graph, opset: number): void {
  const needed = nodesWithin(g)
    .map(({ op, domain, name }) => ({ op, name, opset: domain === '' && isKnownOp(op) ? since[op] : 0 }))
    .reduce((newest, node) => (node.opset > newest.opset ? node : newest), { op: '', name: '', opset: 0 })
  const refuse = (what: string, where: string | undefined, mend: string) =>
    new NerError('graph/old-opset', what, { ...(where !== undefined && { where }), mend })
  if (!Number.isInteger(opset)) {
    throw refuse(`There is no opset ${opset}.`, undefined, `Ask for a whole number, up to ${newestOpset}.`)
  }
  if (opset > newestOpset) {
    throw refuse(`Opset ${opset} is newer than what is written here, ${newestOpset}.`, undefined, 'Ask for that one.')
  }
  if (needed.opset > opset) {
    throw refuse(
      `Opset ${opset} is too old for ${needed.op}, which came with opset ${needed.opset}.`,
      `node '${needed.name}'`,
      `Ask for ${needed.opset}${needed.opset === newestOpset ? '' : ` to ${newestOpset}`}.`,
    )
  }
}

/** The nodes of a graph and of the bodies in it. */
export function nodesWithin(g: Graph): ReturnType<typeof liveNodes> {
  return liveNodes(g).flatMap((node) => [
    node,
    ...Object.values(node.attributes)
      .flat()
      .flatMap((value) => (value instanceof Graph ? nodesWithin(value) : [])),
  ])
}
