import type { Sentence, Token } from '../data/document.js'
import type { SegmentedDocument } from '../features/segment.js'
import type { Lexeme } from './lexicon.js'

/** A document as labelling functions see it. */
export interface Words {
  readonly document: SegmentedDocument
  readonly text: string
  readonly tokens: readonly Token[]
  readonly sentences: readonly Sentence[]
  readonly lexemes: readonly Lexeme[]
  readonly startsSentence: (at: number) => boolean
}

export function wordsOf(document: SegmentedDocument, lexemeOf: (text: string) => Lexeme): Words {
  const { text, tokens, sentences } = document
  let starts: Set<number> | undefined
  return {
    document,
    text,
    tokens,
    sentences,
    lexemes: tokens.map(({ start, end }) => lexemeOf(text.slice(start, end))),
    startsSentence: (at) => (starts ??= new Set(sentences.map(({ start }) => start))).has(at),
  }
}
