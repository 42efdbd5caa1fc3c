import type { Graph } from '../graph.js'
import { liveNodes } from '../prune.js'
import type { Node, Value } from '../types.js'

/** What stands in a node's place: its outputs, built in `g` of its inputs; undefined where the node stays. */
export type Rule = (g: Graph, node: Node) => readonly Value[] | undefined

export interface Rewritten {
  readonly graph: Graph
  /** How many nodes were replaced. */
  readonly matches: number
  /** The value that stands for one of the old graph. */
  readonly now: (value: Value) => Value
}

/**
 * Builds a graph anew, offering every node that its outputs need to a rule. New nodes are named under the node they
 * replace, and have its role. The old graph stays as it is; tensors are shared. Gradients declared with `withGradient` do not carry over:
 * rewrite first, then differentiate.
 */
export function rewrite(old: Graph, rule: Rule): Rewritten {
  const graph = old.withoutNodes()
  const replaced = new Map<Value, Value>()
  const now = (value: Value) => replaced.get(value) ?? value
  let matches = 0
  for (const node of liveNodes(old)) {
    const current = { ...node, inputs: node.inputs.map((value) => value && now(value)) }
    const outputs = graph.scoped(node.name, () => graph.withRole(node.role, () => rule(graph, current)))
    if (outputs) {
      matches++
      outputs.forEach((value, i) => replaced.set(node.outputs[i]!, value))
    } else graph.insert(current)
  }
  for (const { name, value } of old.outputs) graph.output(name, now(value))
  return { graph, matches, now }
}
