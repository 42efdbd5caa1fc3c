import type { Document, Sentence, Token } from '../data/document.js'

/** The words of a text. */
export function findWords(text: string): Token[] {
  return Array.from(text.matchAll(/[\p{L}\p{M}\p{N}]+|[^\s]/gu), ({ 0: word, index }) => ({
    start: index,
    end: index + word.length,
  }))
}

/** The sentences of a text, as runs of its tokens. */
export function findSentences(_text: string, tokens: readonly Token[]): Sentence[] {
  return [{ start: 0, end: tokens.length }]
}

/** The document with its words and sentences; what it has already is kept. */
export function withWords(document: Document): Document {
  if (document.tokens && document.sentences) return document
  const tokens = document.tokens ?? findWords(document.text)
  const sentences =
    document.sentences ?? (document.tokens ? [{ start: 0, end: tokens.length }] : findSentences(document.text, tokens))
  return { ...document, tokens, sentences }
}
