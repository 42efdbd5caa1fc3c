import type { Token } from './token.js'
import { shortened, titles } from './abbreviations.js'

/**
 * Scripts written without spaces. A Han or Hiragana character is a word by itself, since a dictionary's words could cut
 * a name; runs of the others are divided by ICU's dictionaries.
 */
const singleScripts = String.raw`\p{sc=Han}\p{sc=Hiragana}`
const dictionaryScripts = String.raw`\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`

/** A stretch of letters, digits and what belongs to them, in a script with spaces. */
const plain = String.raw`[[\p{L}\p{N}\p{M}_\u00AD\u200C\u200D]--[${singleScripts}${dictionaryScripts}]]{1,1000}`

/** What may stand between two stretches of one word. The look-arounds have bounded length: matching stays linear. */
const joints = [
  String.raw`[\-\u2010\u2011&](?=[\p{L}\p{N}])`, // French-German, 1996-08-22, AT&T
  String.raw`(?<=\p{L})['’](?=\p{L})`, // O'Brien; contractions are divided later
  String.raw`(?<=\p{Nd})[.,:\/](?=\p{Nd})`, // 1,000.5, 10:30, 3/4
  String.raw`(?<=[\p{L}\p{N}])\.(?=[\p{L}\p{N}])(?<!\p{Ll}{2}\.(?=\p{Lu}))`, // U.S, reuters.com, but not "it.The"
  String.raw`(?<=(?<!\p{L})\p{L})\.-(?=\p{L})`, // U.S.-led
]

const word = `${plain}(?:(?:${joints.join('|')})${plain})*`

const emojiModifier = String.raw`(?:\uFE0F|\p{Emoji_Modifier})?`

/** At a place where no word goes on: a sign or point here belongs to the number after it. */
const opening = String.raw`(?<![^\s\(\[\{"“'‘\/])`

/** The kinds of word, most particular first. Each is tried where the word before it ended. */
const kinds = {
  url: String.raw`(?:https?:\/\/|www\.)[^\s<>"“”]{0,2000}[^\s<>"“”.,;:!?'’\)\]\}]`,
  // Only from the start of a run of its characters: elsewhere, each of a long run's words would scan all the rest.
  email: String.raw`(?<![\p{L}\p{N}._%+\-])[\p{L}\p{N}._%+\-]{1,100}@[\p{L}\p{N}\-]{1,100}(?:\.[\p{L}\p{N}\-]{1,100}){1,10}`,
  handle: String.raw`(?<![\p{L}\p{N}])[@#](?=[\p{L}_])[\p{L}\p{N}_]{1,100}`,
  emoticon: String.raw`(?<!\S)[:;=][\-o']?[\(\)\[\]DPp\/\\\|](?!\S)`,
  emoji:
    String.raw`\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3|` +
    String.raw`\p{Extended_Pictographic}${emojiModifier}(?:\u200D\p{Extended_Pictographic}${emojiModifier}){0,10}`,
  currency: String.raw`\p{Lu}{1,3}\$(?=\s?\p{Nd})`, // US$ 5
  rank: String.raw`(?<=^[ \t]{0,10})\p{Nd}{1,3}\.(?=[ \t]+\S)`, // a list's "1."
  clitic: String.raw`['’](?:[sSmMdD]|re|RE|ve|VE|ll|LL)(?![\p{L}\p{N}])`,
  number: String.raw`${opening}(?:[+\-\u2212]\.?|\.)(?=\p{Nd})${word}`, // -5, +0.5, .25
  word,
  single: String.raw`[${singleScripts}]\p{M}*`,
  dictionary: `[${dictionaryScripts}]{1,1000}`,
  run: String.raw`\.{2,}|-{2,}|!+|\?+|\*+|=+|~+`,
  other: String.raw`[^\s\p{Cc}\u200B\u2060]\p{M}*`,
} as const

const pattern = new RegExp(
  Object.entries(kinds)
    .map(([kind, source]) => (kind === 'word' || kind === 'dictionary' ? `(${source})` : source))
    .join('|'),
  'gmv',
)

const acronym = /^(?:\p{L}\.)+\p{L}$|\.\p{L}\.\p{L}$/u
const negation = /.n['’]t$/iu
const clitic = /['’](?:s|m|d|re|ve|ll)$/iu
const dictionary = new Intl.Segmenter('th', { granularity: 'word' })

/**
 * The words of raw text, by the practice of CoNLL-2003 and the Penn Treebank: "U.N.", "1996-08-22", "French-German" and
 * "3-2" are one word; "Japan's" is "Japan" and "'s", "don't" is "do" and "n't", "$5.4" is "$" and "5.4"; brackets,
 * quotes and a sentence's full stop stand alone. Addresses, @handles, #tags and emoji stay whole. Words are never
 * changed: `text.slice(start, end)` is what was written. Linear in the length of the text; a run of more than 1,000
 * letters is divided.
 */
export function findWords(text: string): Token[] {
  const tokens: Token[] = []
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [found, plainWord, dictionaryRun] = match
    const start = match.index
    const end = start + found.length
    if (plainWord !== undefined) {
      const stop = text[end] === '.' && keepsStop(found, text, end) ? end + 1 : end
      pattern.lastIndex = stop
      const cut = stop > end ? 0 : cliticLength(found)
      if (cut > 0) tokens.push({ start, end: end - cut })
      tokens.push({ start: cut > 0 ? end - cut : start, end: stop })
    } else if (dictionaryRun !== undefined) {
      for (const { index, segment } of dictionary.segment(found))
        tokens.push({ start: start + index, end: start + index + segment.length })
    } else tokens.push({ start, end })
  }
  return tokens
}

/** Whether the full stop after a word belongs to it. */
function keepsStop(word: string, text: string, stop: number): boolean {
  const next = text[stop + 1]
  if (next === '.') return false
  if (acronym.test(word)) return true
  const lower = word.toLowerCase()
  if (titles.has(lower) || shortened.has(lower)) return true
  const following = next === ' ' ? text[stop + 2] : next
  if (lower === 'no') return /\d/.test(following ?? '')
  // An initial; at the end of a line it is more likely the line's last word.
  return /^\p{Lu}$/u.test(word) && following !== undefined && /[\p{L},]/u.test(following)
}

/** How many characters at a word's end are a word of their own: "n't", "'s". */
function cliticLength(word: string): number {
  if (negation.test(word)) return 3
  const match = clitic.exec(word)
  return match && match.index > 0 ? match[0].length : 0
}
