import { bert } from '../../src/models/encoders/bert.js'
import type { Tagger } from '../../src/models/tagger.js'
import type { Graph } from '../../src/graph/graph.js'
import { anySizes, buildForward, buildStep } from '../../src/training/step.js'
import { objective, row } from '../compress/distill/golden.js'

const labels = 3
const anything = Array<boolean>(labels).fill(true)

const tagger = (head: Tagger['head']): Tagger => ({
  encoder: bert.create({
    model_type: 'bert',
    vocab_size: 20,
    hidden_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 16,
    max_position_embeddings: 16,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
  }),
  head,
  tags: ['O', 'B-X', 'I-X'],
  legal: { start: anything, end: anything, follow: Array<boolean[]>(labels).fill(anything) },
  dropout: 0.1,
})

/** Every kind of graph that the toolkit builds, small. */
export const built: Readonly<Record<string, () => Graph>> = {
  'a training step with softmax': () => buildStep(tagger('softmax')).graph,
  'a training step with a CRF': () => buildStep(tagger('crf')).graph,
  'a training step with a CRF and soft tags': () => buildStep(tagger('crf'), { softTargets: true }).graph,
  'a distillation step': () =>
    objective([row('gold'), row('soft'), row('posterior'), row('hidden'), row('relations')]).step(anySizes).graph,
  'a forward pass': () => buildForward(tagger('crf')),
}
