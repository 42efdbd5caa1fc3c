import { z } from 'zod'
import type { Architecture } from '../encoder.js'
import { bertLike } from './bert.js'
import { bertKeyNames, bertKeys, dividesEvenly, readKeys } from './config.js'
import { postNormEncoder } from './post-norm.js'

const schema = z
  .object({ ...bertKeys, pad_token_id: z.int().min(0).default(1) })
  .refine(...dividesEvenly('hidden_size', 'num_attention_heads'))
  .refine((it) => it.max_position_embeddings > it.pad_token_id + 1, {
    path: ['max_position_embeddings'],
    error: 'max_position_embeddings must be more than pad_token_id + 1',
  })

/** Positions are counted from the one after the padding piece's id, which keeps a row of its own (as in fairseq). */
const firstPosition = (pad: number) => pad + 1

/** BERT's layers with another count of positions; padding comes after the text. */
function robertaLike(tokenClassifier: string): Architecture {
  return {
    tokenClassifier,
    prefix: 'roberta.',
    keys: bertKeyNames,
    fresh: ({ maxPositions, pad, cls, sep }) => ({
      max_position_embeddings: maxPositions + firstPosition(pad),
      type_vocab_size: 1,
      hidden_act: 'gelu',
      layer_norm_eps: 1e-5,
      bos_token_id: cls,
      eos_token_id: sep,
    }),
    create(config) {
      const read = readKeys(schema, config, `${tokenClassifier} with absolute positions and GELU is supported.`)
      return postNormEncoder({ ...bertLike(read, 'roberta.'), firstPosition: firstPosition(read.pad_token_id) })
    },
  }
}

/** RoBERTa (Liu et al., 2019). */
export const roberta = robertaLike('RobertaForTokenClassification')
/** XLM-RoBERTa (Conneau et al., 2020): 100 languages. */
export const xlmRoberta = robertaLike('XLMRobertaForTokenClassification')
/** CamemBERT (Martin et al., 2020): French. */
export const camembert = robertaLike('CamembertForTokenClassification')
