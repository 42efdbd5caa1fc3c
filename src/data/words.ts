import type { Sentence, Span, Token } from './document.js'
import type { SegmentedDocument } from './segment.js'
import type { Lexeme } from '../text/lexicon.js'

/** A document as lists and patterns are searched for in it. */
export interface Words {
  readonly text: string
  readonly tokens: readonly Token[]
  readonly lexemes: readonly Lexeme[]
  /** What no name crosses: the sentences that the source gave, else the whole document, since "Yahoo! Inc." has a "!". */
  readonly runs: readonly Sentence[]
  readonly startsSentence: (at: number) => boolean
  /** The words that a span holds, half open; undefined where it cuts one. */
  readonly wordsIn: (span: Span) => { readonly start: number; readonly end: number } | undefined
}

/** Looks each of a document's words up. */
export function lookUp(document: SegmentedDocument, lexemeOf: (text: string) => Lexeme): Words {
  const { text, tokens } = document
  let starts: Set<number> | undefined
  let places: Int32Array | undefined
  return {
    text,
    tokens,
    lexemes: tokens.map(({ start, end }) => lexemeOf(text.slice(start, end))),
    runs: document.sentencesFound ? [{ start: 0, end: tokens.length }] : document.sentences,
    wordsIn(span) {
      places ??= wordPlaces(text, tokens)
      const [start, end] = [places[2 * span.start]! - 1, places[2 * span.end + 1]!]
      return start < 0 || end === 0 ? undefined : { start, end }
    },
    startsSentence: (at) => (starts ??= new Set(document.sentences.map(({ start }) => start))).has(at),
  }
}

/** [offsets × 2]: 1 + the word that begins at an offset, and 1 + the word that ends there, or 0. */
function wordPlaces(text: string, tokens: readonly Token[]): Int32Array {
  const places = new Int32Array(2 * (text.length + 1))
  for (let i = 0; i < tokens.length; i++) {
    places[2 * tokens[i]!.start] = i + 1
    places[2 * tokens[i]!.end + 1] = i + 1
  }
  return places
}
