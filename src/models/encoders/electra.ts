import { z } from 'zod'
import type { Architecture } from '../encoder.js'
import { bertLike } from './bert.js'
import { bertKeyNames, bertKeys, count, dividesEvenly, readKeys } from './config.js'
import { postNormEncoder } from './post-norm.js'

const schema = z
  .object({ ...bertKeys, embedding_size: count.default(128) })
  .refine(...dividesEvenly('hidden_size', 'num_attention_heads'))

/** ELECTRA's discriminator (Clark et al., 2020): BERT, with embeddings that may be narrower than the layers. */
export const electra: Architecture = {
  tokenClassifier: 'ElectraForTokenClassification',
  prefix: 'electra.',
  keys: bertKeyNames,
  fresh: ({ maxPositions, hiddenSize }) => ({
    max_position_embeddings: maxPositions,
    embedding_size: hiddenSize,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
  }),
  create(config) {
    const read = readKeys(schema, config, 'ELECTRA with absolute positions and GELU is supported.')
    const like = bertLike(read, 'electra.')
    if (read.embedding_size === read.hidden_size) return postNormEncoder(like)
    const names = { ...like.names, projection: 'electra.embeddings_project' }
    return postNormEncoder({ ...like, embedding: read.embedding_size, names })
  },
}
