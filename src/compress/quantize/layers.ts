import type { Graph } from '../../graph/graph.js'
import { linearOf } from '../../graph/rewrite/linear.js'
import type { ModelFolder } from '../../artifacts/model.js'

/**
 * The linear layers of the encoder, in order, by the purpose of their weights. The classifier is not among them: it is a
 * thousandth of the work, and the last to have its say.
 */
export function quantizableLayers(g: Graph, { tagger }: ModelFolder): string[] {
  const encoder = new Set(
    tagger.encoder.parameters.flatMap(({ purpose }) => (purpose && 'layer' in purpose ? [purpose.layer] : [])),
  )
  const layers = g.nodes.flatMap((node) => {
    const layer = linearOf(g, node)
    return layer && encoder.has(layer.name) ? [layer.name] : []
  })
  return [...new Set(layers)]
}
