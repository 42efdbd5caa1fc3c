import { NerError } from '../errors.js'
import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import { nearest } from '../nearest.js'
import { albert } from './encoders/albert.js'
import { bert } from './encoders/bert.js'
import { deberta } from './encoders/deberta.js'
import { distilbert } from './encoders/distilbert.js'
import { electra } from './encoders/electra.js'
import { modernbert } from './encoders/modernbert.js'
import { camembert, roberta, xlmRoberta } from './encoders/roberta.js'
import type { Dropout } from './layers.js'
import type { Parameter, Weights } from './parameters.js'

export interface EncoderInputs {
  /** int64 [batch, sequence] */
  readonly inputIds: Value
  /** int64 [batch, sequence]: 1 on pieces, 0 on padding. */
  readonly attentionMask: Value
  /** int64 [batch, sequence]; all 0 where absent. */
  readonly tokenTypeIds?: Value
  /** int64 [rows]: the places in [batch·sequence] whose hidden states are asked for; all of them where absent. */
  readonly rows?: Value
}

/** The sizes that every encoder has; `config.json` keeps the rest. */
export interface EncoderSizes {
  readonly hiddenSize: number
  /** Width of a row of the piece table; not always that of the hidden states. */
  readonly embeddingSize: number
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
  /** Dropout between the encoder and the classifier. */
  readonly headDropout: number
  /** What the architecture's own token classifier has between the two. */
  readonly predictionHead?: PredictionHead
  /** Hidden states, float32 [batch·sequence, hidden], or [rows, hidden]: what no row needs is then left out. */
  forward(g: Graph, inputs: EncoderInputs, weights: Weights, dropout: Dropout, watch?: Watch): Value
}

/** Is shown what an encoder computes on the way, to learn from it. */
export interface Watch {
  /** What a layer gives, [batch·sequence, hidden]; layer 0 is the embeddings. */
  hidden(layer: number, states: Value): void
  /** What a layer, from 1, attends with, heads side by side: each [batch·sequence, hidden], the query times `scale`. */
  attention(layer: number, parts: Attention): void
}

export interface Attention {
  readonly query: Value
  readonly key: Value
  readonly value: Value
  readonly scale: number
}

/** A layer of a classifier that works row by row. */
export interface PredictionHead {
  /** Pretrained where the file has them. */
  readonly parameters: readonly Parameter[]
  /** [rows, hidden] to [rows, hidden]. */
  forward(g: Graph, rows: Value, weights: Weights): Value
}

/** Where a `config.json` has what every encoder has. */
export interface ConfigKeys {
  readonly hiddenSize: string
  readonly layers: string
  readonly heads: string
  readonly intermediateSize: string
  readonly dropout: readonly string[]
  readonly attentionDropout: readonly string[]
}

/** An encoder to be trained from nothing. */
export interface FreshEncoder {
  readonly hiddenSize: number
  readonly layers: number
  readonly heads: number
  readonly intermediateSize: number
  /** Longest window, special pieces included. */
  readonly maxPositions: number
  readonly vocabSize: number
  /** Ids of special pieces. */
  readonly pad: number
  readonly cls: number | undefined
  readonly sep: number | undefined
}

/** How an architecture is told by its name and read from a configuration. */
export interface Architecture {
  /** `architectures` of a token classifier in `config.json`. */
  readonly tokenClassifier: string
  /** Weight names start with this where the encoder is part of a token classifier. */
  readonly prefix: string
  readonly keys: ConfigKeys
  /** What a fresh `config.json` has beside the sizes of `keys`, the vocabulary and its padding. */
  readonly fresh: (encoder: FreshEncoder) => HubConfig
  create(config: HubConfig): Encoder
}

/** By `model_type` of `config.json`. */
export const architectures: Readonly<Record<string, Architecture>> = {
  albert,
  bert,
  camembert,
  'deberta-v2': deberta,
  distilbert,
  electra,
  modernbert,
  roberta,
  'xlm-roberta': xlmRoberta,
}

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

/** The `config.json` of an encoder to be trained from nothing. @throws NerError `model/unknown-type` */
export function freshConfig(type: string, encoder: FreshEncoder, where: string): HubConfig {
  const { keys, fresh } = architectureOf({ model_type: type }, where)
  const config = {
    model_type: type,
    [keys.hiddenSize]: encoder.hiddenSize,
    [keys.layers]: encoder.layers,
    [keys.heads]: encoder.heads,
    [keys.intermediateSize]: encoder.intermediateSize,
    vocab_size: encoder.vocabSize,
    pad_token_id: encoder.pad,
    ...fresh(encoder),
  }
  return withDropout(config, { dropout: 0.1, attentionDropout: 0.1 }, where)
}

/** The configuration with only these of its layers, from 0, in this order. */
export function withLayers(config: HubConfig, layers: readonly number[], where: string): HubConfig {
  const { keys } = architectureOf(config, where)
  // ModernBERT's may say of each layer what it attends to.
  const kinds: unknown = config['layer_types']
  const kept = Array.isArray(kinds) ? { layer_types: layers.map((layer) => kinds[layer] as unknown) } : {}
  return { ...config, [keys.layers]: layers.length, ...kept }
}

/** The configuration with other rates of dropout; null leaves them as they are. */
export function withDropout(
  config: HubConfig,
  { dropout, attentionDropout }: { readonly dropout: number | null; readonly attentionDropout: number | null },
  where: string,
): HubConfig {
  const { keys } = architectureOf(config, where)
  const rates = (names: readonly string[], rate: number | null) =>
    rate === null ? {} : Object.fromEntries(names.map((name) => [name, rate]))
  return { ...config, ...rates(keys.dropout, dropout), ...rates(keys.attentionDropout, attentionDropout) }
}
