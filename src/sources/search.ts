import type { Sentence, Span, Token } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { lookUp, type Words } from '../data/words.js'
import { gazetteerMatcher, wordNumbers } from '../gazetteer/matcher.js'
import { regexMatcher } from '../patterns/regex-matcher.js'
import { tokenMatcher } from '../patterns/token-matcher.js'
import { parseTokenPattern } from '../patterns/token-pattern.js'
import { lexicon } from '../text/lexicon.js'
import type { Prepared } from './prepare.js'

/** What all lists and patterns of a configuration find in a document. */
export interface Searched {
  readonly words: Words
  /** By index of the function. */
  readonly spans: readonly (readonly Span[])[]
}

/**
 * Searches a document for all lists and patterns in one walk over its words, when the first source asks; the others are
 * given what was found.
 */
export function sharedSearch(prepared: Prepared): (document: SegmentedDocument) => Searched {
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
  // By its words, which copies of a document share; two texts could share them, too.
  const known = new WeakMap<readonly Token[], Remembered>()
  return (document) => {
    const remembered = known.get(document.tokens)
    if (remembered?.text === document.text && remembered.sentences === document.sentences) return remembered.searched
    const words = lookUp(document, lexemeOf)
    const spans = prepared.functions.map((): Span[] => [])
    findNames(words, spans)
    findRegexes(words.text, spans)
    tokens.find(words, spans)
    const searched = { words, spans }
    known.set(document.tokens, { text: document.text, sentences: document.sentences, searched })
    return searched
  }
}

interface Remembered {
  readonly text: string
  readonly sentences: readonly Sentence[]
  readonly searched: Searched
}
