import { z } from 'zod'
import type { Architecture } from '../encoder.js'
import { bertKeyNames, bertKeys, dividesEvenly, readKeys } from './config.js'
import { postNormEncoder, type LayerNames, type PostNorm } from './post-norm.js'

export const bertSchema = z.object(bertKeys).refine(...dividesEvenly('hidden_size', 'num_attention_heads'))

export type BertConfig = z.output<typeof bertSchema>

/** BERT (Devlin et al., 2019), as transformers' `BertModel`. */
export const bert: Architecture = {
  tokenClassifier: 'BertForTokenClassification',
  prefix: 'bert.',
  keys: bertKeyNames,
  fresh: ({ maxPositions }) => ({
    max_position_embeddings: maxPositions,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
  }),
  create: (config) =>
    postNormEncoder(
      bertLike(readKeys(bertSchema, config, 'BERT with absolute positions and GELU is supported.'), 'bert.'),
    ),
}

/** BERT's layers, under a prefix of their own. */
export function bertLike(config: BertConfig, prefix: string): PostNorm {
  return {
    hidden: config.hidden_size,
    intermediate: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    pieces: config.vocab_size,
    positions: config.max_position_embeddings,
    types: config.type_vocab_size,
    activation: config.hidden_act,
    epsilon: config.layer_norm_eps,
    dropout: config.hidden_dropout_prob,
    attentionDropout: config.attention_probs_dropout_prob,
    headDropout: config.classifier_dropout ?? config.hidden_dropout_prob,
    deviation: config.initializer_range,
    names: {
      pieces: `${prefix}embeddings.word_embeddings`,
      positions: `${prefix}embeddings.position_embeddings`,
      types: `${prefix}embeddings.token_type_embeddings`,
      norm: `${prefix}embeddings.LayerNorm`,
      layer: (index) => bertLayer(`${prefix}encoder.layer.${index}`),
    },
  }
}

export function bertLayer(layer: string): LayerNames {
  return {
    query: `${layer}.attention.self.query`,
    key: `${layer}.attention.self.key`,
    value: `${layer}.attention.self.value`,
    attended: `${layer}.attention.output.dense`,
    attendedNorm: `${layer}.attention.output.LayerNorm`,
    inner: `${layer}.intermediate.dense`,
    outer: `${layer}.output.dense`,
    outerNorm: `${layer}.output.LayerNorm`,
  }
}
