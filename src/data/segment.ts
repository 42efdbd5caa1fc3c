import type { Document, Sentence, Token } from './document.js'
import { findSentences } from '../text/sentences.js'
import { findWords } from '../text/words.js'

/** A document whose words and sentences are known. */
export type SegmentedDocument = Document & {
  readonly tokens: readonly Token[]
  readonly sentences: readonly Sentence[]
  /** The sentences are our guess: a name may cross their ends. */
  readonly sentencesFound?: true
}

/** The document with its words and sentences. What it has already is kept: with words alone it is one sentence. */
export function segment(document: Document): SegmentedDocument {
  const { text, tokens = findWords(text) } = document
  if (document.sentences) return { ...document, tokens, sentences: document.sentences }
  if (document.tokens) return { ...document, tokens, sentences: [{ start: 0, end: tokens.length }] }
  // Lists and patterns ask for no sentences, and to find them takes half as long as to find the words.
  let found: readonly Sentence[] | undefined
  return {
    ...document,
    tokens,
    get sentences() {
      return (found ??= findSentences(text, tokens))
    },
    sentencesFound: true,
  }
}

/** All words of the documents, in order: what a tokenizer is trained on. */
export function* wordsOf(documents: Iterable<Document>): Generator<string> {
  for (const { text, tokens = findWords(text) } of documents)
    for (const { start, end } of tokens) yield text.slice(start, end)
}
