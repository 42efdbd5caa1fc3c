import type { Sentence, Token } from '../text/token.js'
import type { JsonObject } from './json.js'

export type { Sentence, Token } from '../text/token.js'

/** A labelled stretch of text. Offsets are UTF-16 code units, half open: `text.slice(start, end)`. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly label: string
  /** Probability, 0 to 1, where the source gives one. */
  readonly score?: number
  /** The layer that a pipeline took it from, where it is a pipeline's answer. */
  readonly source?: string
}

/** A probability distribution over tags for every token: the targets that weak supervision and distillation give. */
export interface SoftTags {
  /** Tag names in the columns' order, e.g. `O B-PER I-PER`. */
  readonly tags: readonly string[]
  /** One row a token; each row sums to 1. */
  readonly rows: readonly (readonly number[])[]
}

/**
 * A text with any number of named span layers. Every source, human, rule, gazetteer or model, writes a layer of its
 * own; agreement, aggregation, scoring and training read layers and nothing else.
 */
export interface Document {
  readonly id: string
  readonly text: string
  /** Absent where the source gave none: words are then found by `features/words`. */
  readonly tokens?: readonly Token[]
  /** Sentences partition the tokens; absent means the whole document is one sentence. */
  readonly sentences?: readonly Sentence[]
  readonly layers: Readonly<Record<string, readonly Span[]>>
  readonly soft?: SoftTags
  /** Who labelled it, where the source says so. One text by two people is two documents. */
  readonly annotator?: string
  /** What else the source says of it, under the source's own names; carried along. */
  readonly fields?: JsonObject
}

/** The layer that people's own labels are read into and trained on. */
export const goldLayer = 'gold'
