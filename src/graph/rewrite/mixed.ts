import type { Graph } from '../graph.js'
import { halve } from './half.js'
import { rewrite, type Rewritten } from './rewrite.js'

/**
 * A graph with gradients in mixed precision (Micikevicius et al., 2018): `halve`, and gradients of `scale` times the loss,
 * an input, so that small ones are not lost among the halves.
 *
 *     dL/dw   →   s·dL/dw, with float(op(half(w), …)) for op(w, …)
 *
 * The loss itself, inputs and outputs stay float32; whoever reads the gradients divides them by the scale.
 */
export function mixed(g: Graph, scale: string): Rewritten {
  const scaled = rewrite(g, (next, { role, outputs: [seed] }) =>
    role?.seed ? [next.input(scale, 'float32', seed!.shape)] : undefined,
  )
  const halved = halve(scaled.graph)
  return {
    graph: halved.graph,
    matches: scaled.matches + halved.matches,
    now: (value) => halved.now(scaled.now(value)),
  }
}
