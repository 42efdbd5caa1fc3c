import { NerError } from '../errors.js'
import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import { nearest } from '../nearest.js'
import { bert } from './bert.js'
import type { Dropout } from './layers.js'
import type { Parameter, Weights } from './parameters.js'

export interface EncoderInputs {
  /** int64 [batch, sequence] */
  readonly inputIds: Value
  /** int64 [batch, sequence]: 1 on pieces, 0 on padding. */
  readonly attentionMask: Value
  /** int64 [batch, sequence]; all 0 where absent. */
  readonly tokenTypeIds?: Value
}

/** The sizes that every encoder has; `config.json` keeps the rest. */
export interface EncoderSizes {
  readonly hiddenSize: number
  readonly layers: number
  readonly heads: number
  readonly vocabSize: number
  /** Longest window, special pieces included. */
  readonly maxPositions: number
}

/** `config.json` of a Hugging Face folder, as it is. */
export type HubConfig = Readonly<Record<string, unknown>>

/** An architecture bound to one configuration. Nothing here knows about training. */
export interface Encoder {
  readonly sizes: EncoderSizes
  readonly parameters: readonly Parameter[]
  /** The table that pieces are looked up in: too large for a dense gradient. */
  readonly pieceTable: string
  /** Whether an exported graph takes `token_type_ids`. */
  readonly takesTokenTypes: boolean
  /** Hidden states, float32 [batch·sequence, hidden]. */
  forward(g: Graph, inputs: EncoderInputs, weights: Weights, dropout: Dropout): Value
}

/** How an architecture is told by its name and read from a configuration. */
export interface Architecture {
  /** `architectures` of a token classifier in `config.json`. */
  readonly tokenClassifier: string
  /** Weight names start with this where the encoder is part of a token classifier. */
  readonly prefix: string
  create(config: HubConfig): Encoder
}

/** By `model_type` of `config.json`. */
export const architectures: Readonly<Record<string, Architecture>> = { bert }

/** @throws NerError `model/unknown-type` with the types that there are. */
export function architectureOf(config: HubConfig, where: string): Architecture {
  const type = String(config['model_type'])
  const architecture = Object.hasOwn(architectures, type) ? architectures[type] : undefined
  if (architecture) return architecture
  const known = Object.keys(architectures)
  const close = nearest(type, known)
  throw new NerError('model/unknown-type', `The encoder type '${type}' is not supported.`, {
    where,
    mend: `Supported: ${known.join(', ')}.${close ? ` Did you mean '${close}'?` : ''}`,
  })
}
