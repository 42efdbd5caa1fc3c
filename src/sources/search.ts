import type { Sentence, Span, Token } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { lookUp, type Words } from '../data/words.js'
import { gazetteerMatcher, wordNumbers } from '../gazetteer/matcher.js'
import { regexMatcher } from '../patterns/regex-matcher.js'
import { tokenMatcher } from '../patterns/token-matcher.js'
import { parseTokenPattern } from '../patterns/token-pattern.js'
import { lexicon } from '../text/lexicon.js'
import type { Prepared } from './prepare.js'

/** What the sources of a configuration know of a document together. */
export interface Search {
  readonly wordsOf: (document: SegmentedDocument) => Words
  /** What lists and patterns find, by index of the function. */
  readonly spansIn: (document: SegmentedDocument) => readonly (readonly Span[])[]
}

/**
 * Searches a document for all lists and patterns in one walk over its words, when the first source asks; the others are
 * given what was found.
 */
export function sharedSearch(prepared: Prepared): Search {
  const tokens = tokenMatcher(
    prepared.patterns.map(({ source, label, pattern, where }) => ({
      source,
      label,
      tokens: parseTokenPattern(pattern, where, prepared.lists),
    })),
  )
  const lexemeOf = lexicon(wordNumbers(prepared.gazetteer), tokens.words)
  const findNames = gazetteerMatcher(prepared.gazetteer)
  const findRegexes = regexMatcher(prepared.regexes)
  const search = (words: Words) => {
    const spans = prepared.functions.map((): Span[] => [])
    findNames(words, spans)
    findRegexes(words.text, spans)
    tokens.find(words, spans)
    return spans
  }
  // Words take far more memory than spans, and only rules ask for them again.
  const hasRules = prepared.functions.some(({ spec }) => spec.kind === 'document')
  const wordsOf = (document: SegmentedDocument) => lookUp(document, lexemeOf)
  const remembered = hasRules ? remember(wordsOf) : wordsOf
  return { wordsOf: remembered, spansIn: remember((document) => search(remembered(document))) }
}

/** Documents; more than the labeller holds at once. What is forgotten is searched again. */
const mostKnown = 512

/**
 * Remembers what a function said of a document, by its words, which copies of it share. Two texts could share them, too.
 */
function remember<T>(say: (document: SegmentedDocument) => T): (document: SegmentedDocument) => T {
  const known = new Map<readonly Token[], Said<T>>()
  return (document) => {
    const { text, tokens } = document
    // Sentences that were found are those of the words.
    const sentences = document.sentencesFound ? undefined : document.sentences
    const said = known.get(tokens)
    if (said?.text === text && said.sentences === sentences) return said.value
    const value = say(document)
    if (known.size === mostKnown) known.clear()
    known.set(tokens, { text, sentences, value })
    return value
  }
}

interface Said<T> {
  readonly text: string
  readonly sentences: readonly Sentence[] | undefined
  readonly value: T
}
