import type { Document, Sentence, Token } from '../data/document.js'
import { segment, type SegmentedDocument } from '../features/segment.js'
import { findWords } from '../features/words.js'
import type { Lexeme } from './lexicon.js'

/** A document as labelling functions see it. */
export interface Words {
  readonly text: string
  readonly tokens: readonly Token[]
  readonly lexemes: readonly Lexeme[]
  /** What no name crosses: the sentences that the source gave, else the whole document, since "Yahoo! Inc." has a "!". */
  readonly runs: readonly Sentence[]
  /** The document with its words and sentences, which are found where the source gave none. */
  readonly segmented: () => SegmentedDocument
  readonly startsSentence: (at: number) => boolean
}

export function wordsOf(document: Document, lexemeOf: (text: string) => Lexeme): Words {
  const { text, tokens = findWords(text) } = document
  let segmented: SegmentedDocument | undefined
  let starts: Set<number> | undefined
  const whole = () => (segmented ??= segment(document))
  return {
    text,
    tokens,
    lexemes: tokens.map(({ start, end }) => lexemeOf(text.slice(start, end))),
    runs: document.sentences ?? [{ start: 0, end: tokens.length }],
    segmented: whole,
    startsSentence: (at) => (starts ??= new Set(whole().sentences.map(({ start }) => start))).has(at),
  }
}
