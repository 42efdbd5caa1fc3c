import type { Graph } from './graph.js'
import type { Node, Value } from './types.js'

/** The nodes that the outputs need, in order: differentiation leaves behind gradients that nobody asked for. */
export function liveNodes(g: Graph): Node[] {
  const needed = new Set<Value>(g.outputs.map(({ value }) => value))
  const live: Node[] = []
  for (const node of [...g.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue
    live.push(node)
    node.inputs.forEach((input) => input && needed.add(input))
  }
  return live.reverse()
}
