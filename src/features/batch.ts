/**
 * Where a sentence's words are found: word `i` is read off piece `piece[i]` of window `window[i]` of its example.
 * Every word of every sentence has exactly one place, so every word is scored exactly once.
 */
export interface ExampleSentence {
  /** Index of the document in the corpus, and of the sentence's first word in the document. */
  readonly document: number
  readonly firstWord: number
  readonly window: Int32Array
  readonly piece: Int32Array
  /** Index of each word's tag in the label list; absent where the document has no gold layer. */
  readonly tags?: Int32Array
  /** Target distribution, [words × labels], instead of `tags`; a row of 0 where nothing is known of a word. */
  readonly soft?: Float32Array
}

/** Sentences and the windows that hold them. An example is never divided between batches. */
export interface Example {
  /** Piece ids with the special pieces, each at most the window's size. */
  readonly windows: readonly Int32Array[]
  readonly sentences: readonly ExampleSentence[]
}

/** Rectangular arrays, ready to feed to a graph. int64 where ONNX and Hugging Face say so. */
export interface Batch {
  readonly sizes: {
    readonly batch: number
    readonly sequence: number
    readonly sentences: number
    readonly words: number
  }
  /** [batch, sequence] */
  readonly inputIds: BigInt64Array
  /** [batch, sequence]: 1 on pieces, 0 on padding. */
  readonly attentionMask: BigInt64Array
  /** [sentences, words]: index of the word's first piece in the flattened [batch × sequence]; 0 on padding. */
  readonly wordIndex: BigInt64Array
  /** [sentences]: number of words. */
  readonly lengths: BigInt64Array
  /** [sentences, words]; 0 on padding. Present when every sentence has tags. */
  readonly tags?: BigInt64Array
  /** [sentences, words, labels]; 0 on padding. */
  readonly soft?: Float32Array
  /** The sentences in row order, to put the results back. */
  readonly rows: readonly ExampleSentence[]
  /** Pieces that are not padding, and words. */
  readonly pieceCount: number
  readonly wordCount: number
}
