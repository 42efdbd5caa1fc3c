import { product } from '../graph/dims.js'
import type { Graph } from '../graph/graph.js'
import { loadWeights, type ModelFolder } from '../artifacts/model.js'
import { servingGraph } from '../models/serving.js'
import type { Chain } from '../models/transitions.js'
import { bestPath } from '../models/viterbi.js'

/**
 * The float32 graph of a model folder with its weights baked in: `input_ids`, `attention_mask` (and `token_type_ids`,
 * where the encoder has it), int64 [batch, sequence], to `logits`, float32 [batch, sequence, labels]. Every other file
 * is a rewrite of this one.
 *
 * @throws NerError `model/*` where the weights are missing, damaged or of another model
 */
export function exportGraph(model: ModelFolder): Graph {
  return servingGraph(model.tagger, loadWeights(model))
}

/** {@link exportGraph} with the CRF's best path in it, as {@link addBestPath} gives it. */
export function viterbiGraph(model: ModelFolder, chain: Chain): Graph {
  const g = exportGraph(model)
  addBestPath(g, chain)
  return g
}

/**
 * Adds a CRF's best path to a served graph, of the words that `word_index` names, int64 [sentences, words], by their
 * first piece in the flattened [batch × sequence], where `word_mask`, int64 [sentences, words], is 1. Its output is
 * `tags`, int64 [sentences, words], −1 on padding.
 */
export function addBestPath(g: Graph, chain: Chain): void {
  const logits = g.outputs[0]!.value
  const [batch, sequence, labels] = logits.shape as [string, string, number]
  const wordIndex = g.input('word_index', 'int64', ['sentences', 'words'])
  const wordMask = g.input('word_mask', 'int64', ['sentences', 'words'])
  const tags = g.scoped('viterbi', () => {
    const pieces = g.reshape(logits, [product([batch, sequence]), labels])
    const words = g.gather(pieces, g.reshape(wordIndex, [product(wordIndex.shape)]))
    const emissions = g.reshape(words, [...wordIndex.shape, labels])
    return bestPath(g, emissions, g.unsqueeze(g.cast(wordMask, 'float32'), [-1]), chain)
  })
  g.output('tags', tags)
}
