import { z } from 'zod'
import type { Architecture } from '../encoder.js'
import { bertLike } from './bert.js'
import { activation, bertKeyNames, bertKeys, count, dividesEvenly, rate, readKeys } from './config.js'
import { postNormEncoder } from './post-norm.js'

const schema = z
  .object({
    ...bertKeys,
    embedding_size: count.default(128),
    num_hidden_groups: count.default(1),
    inner_group_num: count.default(1),
    hidden_act: activation.default('gelu_new'),
    hidden_dropout_prob: rate.default(0),
    attention_probs_dropout_prob: rate.default(0),
    classifier_dropout_prob: rate.nullable().default(0.1),
  })
  .refine(...dividesEvenly('hidden_size', 'num_attention_heads'))

/** ALBERT (Lan et al., 2020): narrow embeddings, and layers that share their weights in groups. */
export const albert: Architecture = {
  tokenClassifier: 'AlbertForTokenClassification',
  prefix: 'albert.',
  keys: bertKeyNames,
  fresh: ({ maxPositions, hiddenSize, cls, sep }) => ({
    max_position_embeddings: maxPositions,
    embedding_size: hiddenSize,
    num_hidden_groups: 1,
    inner_group_num: 1,
    type_vocab_size: 2,
    hidden_act: 'gelu_new',
    layer_norm_eps: 1e-12,
    bos_token_id: cls,
    eos_token_id: sep,
  }),
  create(config) {
    const read = readKeys(schema, config, 'ALBERT with absolute positions and GELU is supported.')
    const { num_hidden_layers: layers, num_hidden_groups: groups, inner_group_num: inner } = read
    const like = bertLike(read, 'albert.')
    return postNormEncoder({
      ...like,
      layers: layers * inner,
      sharesLayers: true,
      embedding: read.embedding_size,
      headDropout: read.classifier_dropout_prob ?? read.hidden_dropout_prob,
      names: {
        ...like.names,
        projection: 'albert.encoder.embedding_hidden_mapping_in',
        layer: (index) => {
          const group = Math.floor(Math.floor(index / inner) / (layers / groups))
          return layerNames(`albert.encoder.albert_layer_groups.${group}.albert_layers.${index % inner}`)
        },
      },
    })
  },
}

const layerNames = (layer: string) => ({
  query: `${layer}.attention.query`,
  key: `${layer}.attention.key`,
  value: `${layer}.attention.value`,
  attended: `${layer}.attention.dense`,
  attendedNorm: `${layer}.attention.LayerNorm`,
  inner: `${layer}.ffn`,
  outer: `${layer}.ffn_output`,
  outerNorm: `${layer}.full_layer_layer_norm`,
})
