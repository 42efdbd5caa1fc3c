import type { Document, Span } from '../../src/data/document.js'
import { segment } from '../../src/data/segment.js'
import { gazetteerBuilder } from '../../src/gazetteer/gazetteer.js'
import { wordNumbers } from '../../src/gazetteer/matcher.js'
import { lexicon } from '../../src/text/lexicon.js'
import { type LabelledPattern, tokenMatcher } from '../../src/patterns/token-matcher.js'
import { lookUp } from '../../src/data/words.js'

/** A document of words with a blank between them. */
export function documentOf(words: readonly string[], layers: Document['layers'] = {}): Document {
  let offset = 0
  const tokens = words.map((word) => {
    const token = { start: offset, end: offset + word.length }
    offset = token.end + 1
    return token
  })
  return { id: 'd', text: words.join(' '), tokens, layers }
}

/** For a lexicon without token patterns. */
export const noTests = { startsWith: () => [], tests: 0 }

/** The document as functions see it, without knowledge bases. */
export const seen = (document: Document) =>
  lookUp(segment(document), lexicon(wordNumbers(gazetteerBuilder().finish()), noTests))

/** What token patterns find, by function. */
export function matchTokens(document: Document, patterns: readonly LabelledPattern[]): Span[][] {
  const matcher = tokenMatcher(patterns)
  const words = lookUp(segment(document), lexicon(wordNumbers(gazetteerBuilder().finish()), matcher.words))
  const layers = Array.from({ length: 1 + Math.max(0, ...patterns.map(({ source }) => source)) }, (): Span[] => [])
  matcher.find(words, layers)
  return layers
}

/** Spans as `Paris LOC`. */
export const shown = ({ text }: Pick<Document, 'text'>, spans: readonly Span[] = []): string[] =>
  spans.map(({ start, end, label }) => `${text.slice(start, end)} ${label}`)
