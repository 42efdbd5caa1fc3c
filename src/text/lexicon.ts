import { flagsOf } from './attributes.js'
import { folded, normal } from './fold.js'

/** A distinct word, with what does not depend on where it stands. */
export interface Lexeme {
  readonly text: string
  readonly lower: string
  /** Bits of `attributes.ts`. */
  readonly flags: number
  /** Number of the word among those of the gazetteer, or -1. */
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
 * answer. `numberOf` numbers the words of a gazetteer, and gives -1 for any other.
 */
export function lexicon(
  numberOf: (word: string) => number,
  { startsWith, tests }: WordTests,
): (text: string) => Lexeme {
  const known = new Map<string, Lexeme>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    if (known.size >= mostWords) known.clear()
    const word = {
      text,
      lower: text.toLowerCase(),
      flags: flagsOf(text),
      exact: numberOf(normal(text)),
      folded: numberOf(folded(text)),
    }
    const lexeme = { ...word, starts: startsWith(word), answers: new Uint8Array(tests) }
    known.set(text, lexeme)
    return lexeme
  }
}
