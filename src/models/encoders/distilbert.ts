import { z } from 'zod'
import type { Architecture } from '../encoder.js'
import { activation, count, dividesEvenly, rate, readKeys } from './config.js'
import { postNormEncoder } from './post-norm.js'

const schema = z
  .object({
    dim: count.default(768),
    n_layers: count.default(6),
    n_heads: count.default(12),
    hidden_dim: count.default(3072),
    vocab_size: count,
    max_position_embeddings: count.default(512),
    activation: activation.default('gelu'),
    dropout: rate.default(0.1),
    attention_dropout: rate.default(0.1),
    initializer_range: z.number().positive().default(0.02),
  })
  .refine(...dividesEvenly('dim', 'n_heads'))

/** DistilBERT (Sanh et al., 2019): BERT without token types. */
export const distilbert: Architecture = {
  tokenClassifier: 'DistilBertForTokenClassification',
  prefix: 'distilbert.',
  keys: {
    hiddenSize: 'dim',
    layers: 'n_layers',
    heads: 'n_heads',
    intermediateSize: 'hidden_dim',
    dropout: ['dropout'],
    attentionDropout: ['attention_dropout'],
  },
  fresh: ({ maxPositions }) => ({ max_position_embeddings: maxPositions, activation: 'gelu' }),
  create(config) {
    const read = readKeys(schema, config, 'DistilBERT with GELU is supported.')
    return postNormEncoder({
      hidden: read.dim,
      intermediate: read.hidden_dim,
      layers: read.n_layers,
      heads: read.n_heads,
      pieces: read.vocab_size,
      positions: read.max_position_embeddings,
      types: 0,
      activation: read.activation,
      epsilon: 1e-12,
      dropout: read.dropout,
      attentionDropout: read.attention_dropout,
      headDropout: read.dropout,
      deviation: read.initializer_range,
      names: {
        pieces: 'distilbert.embeddings.word_embeddings',
        positions: 'distilbert.embeddings.position_embeddings',
        norm: 'distilbert.embeddings.LayerNorm',
        layer: (index) => layerNames(`distilbert.transformer.layer.${index}`),
      },
    })
  },
}

const layerNames = (layer: string) => ({
  query: `${layer}.attention.q_lin`,
  key: `${layer}.attention.k_lin`,
  value: `${layer}.attention.v_lin`,
  attended: `${layer}.attention.out_lin`,
  attendedNorm: `${layer}.sa_layer_norm`,
  inner: `${layer}.ffn.lin1`,
  outer: `${layer}.ffn.lin2`,
  outerNorm: `${layer}.output_layer_norm`,
})
