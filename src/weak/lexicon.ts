import { flagsOf } from './attributes.js'
import { numberOf, type Vocabulary } from './vocabulary.js'

/** A distinct word, with what does not depend on where it stands. */
export interface Lexeme {
  readonly text: string
  readonly lower: string
  /** Bits of `attributes.ts`. */
  readonly flags: number
  /** Number of the word among the knowledge bases' words, or -1. */
  readonly exact: number
  /** The same with case folded. */
  readonly folded: number
  /** The token patterns that can begin with it. */
  readonly starts: readonly number[]
  /** What is known of each test of token patterns; theirs to fill. */
  readonly answers: Uint8Array
}

/** What token patterns ask of words. */
export interface WordTests {
  /** The patterns that may begin with a word, by number. */
  readonly startsWith: (word: Pick<Lexeme, 'text' | 'lower' | 'flags'>) => readonly number[]
  /** How many tests there are. */
  readonly tests: number
}

/** A lexicon of more words than this begins anew: a stream may have any number of them. */
const mostWords = 1 << 17

/**
 * Looks words up, and remembers what it found: a text's words are few and come often. What is remembered changes no
 * answer.
 */
export function lexicon(vocabulary: Vocabulary, { startsWith, tests }: WordTests): (text: string) => Lexeme {
  const known = new Map<string, Lexeme>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    if (known.size >= mostWords) known.clear()
    const word = {
      text,
      lower: text.toLowerCase(),
      flags: flagsOf(text),
      exact: numberOf(vocabulary, normal(text)),
      folded: numberOf(vocabulary, folded(text)),
    }
    const lexeme = { ...word, starts: startsWith(word), answers: new Uint8Array(tests) }
    known.set(text, lexeme)
    return lexeme
  }
}

// eslint-disable-next-line no-control-regex
const ascii = /^[\x00-\x7f]*$/

/** One spelling for composed and decomposed characters. */
export const normal = (text: string): string => (ascii.test(text) ? text : text.normalize('NFC'))

/**
 * A word without its case: ß is ss, the ligature ﬁ is fi, İ is i. Only whole words are folded, to compare them; offsets
 * are the word's own, so that a change of length moves nothing.
 */
export const folded = (text: string): string =>
  ascii.test(text)
    ? text.toLowerCase()
    : text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('i\u0307', 'i').normalize('NFC')
