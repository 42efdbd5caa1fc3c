import { z } from 'zod'
import { NerError } from '../../errors.js'
import type { HubConfig } from '../encoder.js'
import { activations, type Activation } from '../layers.js'

/** Kinds of values in a `config.json`. */
export const count = z.int().positive()
export const rate = z.number().min(0).lt(1)
export const activation = z.enum(Object.keys(activations) as [Activation, ...Activation[]])

/** The keys that BERT and most of its kin share; those of a `config.json` that are not named here are not read. */
export const bertKeys = {
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  intermediate_size: count,
  vocab_size: count,
  max_position_embeddings: count,
  type_vocab_size: count.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: activation.default('gelu'),
  position_embedding_type: z.literal('absolute').default('absolute'),
  hidden_dropout_prob: rate.default(0.1),
  attention_probs_dropout_prob: rate.default(0.1),
  classifier_dropout: rate.nullish(),
  initializer_range: z.number().positive().default(0.02),
}

/** Where BERT's `config.json` has what every encoder has. */
export const bertKeyNames = {
  hiddenSize: 'hidden_size',
  layers: 'num_hidden_layers',
  heads: 'num_attention_heads',
  intermediateSize: 'intermediate_size',
  dropout: ['hidden_dropout_prob'],
  attentionDropout: ['attention_probs_dropout_prob'],
} as const

/** What `refine` takes to hold that heads divide a width, both named as in `config.json`. */
export function dividesEvenly<Width extends string, Heads extends string>(width: Width, heads: Heads) {
  const check = (it: Readonly<Record<Width | Heads, number>>) => it[width] % it[heads] === 0
  return [check, { path: [heads], error: `${width} must be a multiple of ${heads}` }] as [
    typeof check,
    { path: string[]; error: string },
  ]
}

/** @throws NerError `model/bad-config`, naming the key; `supported` says what the architecture's code covers */
export function readKeys<T extends z.ZodType>(keys: T, config: HubConfig, supported: string): z.output<T> {
  const parsed = keys.safeParse(config)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new NerError('model/bad-config', `config.json: ${issue.path.join('.')}: ${issue.message}`, { mend: supported })
}
