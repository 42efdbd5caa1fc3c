import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
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
  /** What a `config.json` with only these of its layers says of them, where what a layer does goes by its place. */
  readonly keptLayers?: (config: HubConfig, layers: readonly number[]) => HubConfig
  create(config: HubConfig): Encoder
}
