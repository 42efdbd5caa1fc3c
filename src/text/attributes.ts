import { functionWords } from './stop-words.js'

/*
 * What spaCy's Matcher can ask of a word (https://spacy.io/api/matcher#patterns), by the same rules, which are those of
 * Python's str.isalpha, istitle and so on.
 */

const brackets = '( ) [ ] { } < >'.split(' ')
const opening = '( [ { <'.split(' ')
const closing = ') ] } >'.split(' ')
const quotes = "\" ' ` « » ‘ ’ ‚ ‛ “ ” „ ‟ ‹ › ❮ ❯ '' ``".split(' ')
const openingQuotes = '" \' « ‘ ‚ ‛ “ „ ‟ ‹ ❮ ``'.split(' ')
const closingQuotes = "\" ' » ’ ” › ❯ ''".split(' ')

const numberWords = new Set(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
    'eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion ' +
    'first second third fourth fifth sixth seventh eighth ninth tenth'
  ).split(' '),
)

function isNumberLike(text: string): boolean {
  const bare = text.replace(/^[+\-±~]/, '').replace(/[,.]/g, '')
  return /^\p{Nd}+(?:\/\p{Nd}+|st|nd|rd|th)?$/u.test(bare) || numberWords.has(text.toLowerCase())
}

/** Python's str.istitle: capitals only at the beginnings of runs of letters with case, and everywhere there. */
function isTitle(text: string): boolean {
  let inRun = false
  let cased = false
  for (const character of text) {
    const upper = /[\p{Lu}\p{Lt}]/u.test(character)
    const lower = !upper && /\p{Lowercase}/u.test(character)
    if ((upper && inRun) || (lower && !inRun)) return false
    inRun = upper || lower
    cased ||= inRun
  }
  return cased
}

/** Flags by spaCy's names; a flag's bit is its place here. */
const tests = {
  IS_ALPHA: (text) => /^\p{L}+$/u.test(text),
  IS_ASCII: (text) => [...text].every((character) => character < '\u0080'),
  IS_DIGIT: (text) => /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u.test(text),
  IS_LOWER: (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text),
  IS_UPPER: (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text),
  IS_TITLE: isTitle,
  IS_PUNCT: (text) => /^\p{P}+$/u.test(text),
  IS_SPACE: (text) => /^\s+$/.test(text),
  IS_BRACKET: (text) => brackets.includes(text),
  IS_QUOTE: (text) => quotes.includes(text),
  IS_LEFT_PUNCT: (text) => opening.includes(text) || openingQuotes.includes(text),
  IS_RIGHT_PUNCT: (text) => closing.includes(text) || closingQuotes.includes(text),
  IS_CURRENCY: (text) => /^\p{Sc}+$/u.test(text),
  IS_STOP: (text) => functionWords.has(text.toLowerCase()),
  LIKE_NUM: isNumberLike,
  LIKE_URL: (text) =>
    /^(?:https?:\/\/|www\.)\S/.test(text) || /^[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io)$/.test(text),
  LIKE_EMAIL: (text) => /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(text),
} as const satisfies Record<string, (text: string) => boolean>

export type Flag = keyof typeof tests

export const flagNames = Object.keys(tests) as Flag[]

export const flagBit = (flag: Flag): number => 1 << flagNames.indexOf(flag)

export const flagsOf = (text: string): number =>
  Object.values(tests).reduce((flags, test, bit) => (test(text) ? flags | (1 << bit) : flags), 0)

/** Letters as X and x, digits as d, the rest as it is; of a run of one kind at most four. */
export function shapeOf(text: string): string {
  if (text.length >= 100) return 'LONG'
  let shape = ''
  let last = ''
  let run = 0
  for (const character of text) {
    const kind = /\p{L}/u.test(character)
      ? character !== character.toLowerCase() || /\p{Lu}/u.test(character)
        ? 'X'
        : 'x'
      : /\p{Nd}/u.test(character)
        ? 'd'
        : character
    run = kind === last ? run + 1 : 1
    last = kind
    if (run <= 4) shape += kind
  }
  return shape
}
