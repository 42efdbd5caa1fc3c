import { Graph } from '../graph/graph.js'
import { parameterTensor, type ParameterData } from './parameters.js'
import { pieceLogits, taggerParameters, type Tagger } from './tagger.js'

/** The forward pass with its weights baked in: `input_ids`, `attention_mask` (and `token_type_ids`) to `logits`. */
export function servingGraph(tagger: Tagger, weights: ParameterData): Graph {
  const g = new Graph('ner')
  const inputIds = g.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = g.input('attention_mask', 'int64', ['batch', 'sequence'])
  const inputs = tagger.encoder.takesTokenTypes
    ? { inputIds, attentionMask, tokenTypeIds: g.input('token_type_ids', 'int64', ['batch', 'sequence']) }
    : { inputIds, attentionMask }
  const values = new Map(
    taggerParameters(tagger)
      .filter(({ group }) => group !== 'crf')
      .map((parameter) => [
        parameter.name,
        g.initializer(parameter.name, parameterTensor(parameter, weights.get(parameter.name)!), parameter.purpose),
      ]),
  )
  g.output(
    'logits',
    pieceLogits(g, tagger, inputs, (name) => values.get(name)!),
  )
  return g
}
