import type { Sentence, Token } from './token.js'
import { titles } from './abbreviations.js'

/** A "sentence" of more words than this, such as a table without punctuation, is cut. */
const longest = 500

/** A line at least this long was broken to fit a page rather than ended: 72 to 80 columns, less a long word. */
const wrapped = 60

/** Words that begin a sentence rather than go on after "U.S." or "Inc.". */
const starters = new Set(
  (
    'a an and as at but by for from he her his however i if in it its meanwhile on our she so that the their then there ' +
    'these they this those we what when where while who why you'
  ).split(' '),
)

const terminal = /^[\p{Sentence_Terminal}…]+$/u
const closer = /^[\p{Pe}\p{Pf}"']$/u

/**
 * The sentences of raw text, as runs of its words. A sentence ends with ".", "!", "?" and their like in other scripts,
 * with quotes and brackets that close on them; at the end of a line, unless the line was only wrapped; and at a blank
 * line. It goes on before a lower-case word, and after "Mr.", an initial or a list's "1.". The sentences partition the
 * words. Linear time; `Intl.Segmenter` knows the terminators too, but took a minute for a text of 1.6 MB.
 */
export function findSentences(text: string, tokens: readonly Token[]): Sentence[] {
  const sentences: Sentence[] = []
  let start = 0
  const close = (end: number) => {
    for (; end - start > longest; start += longest) sentences.push({ start, end: start + longest })
    if (end > start) sentences.push({ start, end })
    start = end
  }
  let line = 0
  let terminated = false
  for (let i = 0; i + 1 < tokens.length; i++) {
    const word = text.slice(tokens[i]!.start, tokens[i]!.end)
    const next = text.slice(tokens[i + 1]!.start, tokens[i + 1]!.end)
    const gap = text.slice(tokens[i]!.end, tokens[i + 1]!.start)
    terminated = (terminated && closer.test(word)) || endsSentence(word, next, gap)
    // A quote or bracket that touches the terminator closes with it.
    if (terminated && gap === '' && closer.test(next)) continue
    if (/\n\s*\n/.test(gap)) close(i + 1)
    else if (/^\p{Ll}/u.test(next)) terminated = false
    else if (terminated || (gap.includes('\n') && tokens[i]!.end - line < wrapped)) close(i + 1)
    if (start === i + 1) terminated = false
    if (gap.includes('\n')) line = tokens[i + 1]!.start
  }
  close(tokens.length)
  return sentences
}

/** Whether a sentence may end with a word, given what comes next. */
function endsSentence(word: string, next: string, gap: string): boolean {
  if (terminal.test(word)) return true
  if (word.length === 1 || !word.endsWith('.')) return false
  const stem = word.slice(0, -1)
  if (/^(?:\p{L}|\p{Nd}+)$/u.test(stem) || titles.has(stem.toLowerCase())) return false
  return gap.includes('\n') || starters.has(next.toLowerCase())
}
