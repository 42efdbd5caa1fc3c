import type { Graph } from '../graph/graph.js'
import { loadWeights, servingGraph, type ModelFolder } from '../models/folder.js'

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
