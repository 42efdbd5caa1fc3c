/** A word, by its offsets: UTF-16 code units, half open. Labels are trained, scored and compared by word, never by sub-word. */
export interface Token {
  readonly start: number
  readonly end: number
}

/** A run of tokens, by token index, half open. */
export interface Sentence {
  readonly start: number
  readonly end: number
}
