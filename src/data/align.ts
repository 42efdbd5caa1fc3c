import type { Span, Token } from './document.js'
import type { WordSpan } from './schemes.js'

/** A layer's spans as runs of words, and the spans that are not. Nothing is left out of all four lists. */
export interface Alignment {
  /** Sorted, and none overlaps another. */
  readonly words: readonly WordSpan[]
  /** Spans that hold a part of some word. */
  readonly misaligned: readonly Span[]
  /** Spans that share a word with one that was kept: the longer is kept, of equals the earlier (flat NER). */
  readonly overlapping: readonly Span[]
  /** Spans without a word: of no length, or on white space alone. */
  readonly empty: readonly Span[]
}

/**
 * Lays character spans over tokens. White space at a span's ends does not count, since no word is cut by it.
 * `tokens` are sorted and do not overlap. O(spans · log tokens).
 */
export function alignSpans(spans: readonly Span[], tokens: readonly Token[]): Alignment {
  const misaligned: Span[] = []
  const empty: Span[] = []
  const aligned: { span: Span; word: WordSpan }[] = []
  for (const span of spans) {
    const start = firstToken(tokens, (token) => token.end > span.start)
    const end = firstToken(tokens, (token) => token.start >= span.end)
    if (span.end <= span.start || end <= start) empty.push(span)
    else if (tokens[start]!.start < span.start || tokens[end - 1]!.end > span.end) misaligned.push(span)
    else aligned.push({ span, word: { start, end, label: span.label } })
  }
  const { kept, dropped } = withoutOverlaps(aligned)
  return { words: kept.map(({ word }) => word), misaligned, overlapping: dropped.map(({ span }) => span), empty }
}

/** Index of the first token that satisfies a condition which, once true, stays true. */
function firstToken(tokens: readonly Token[], condition: (token: Token) => boolean): number {
  let low = 0
  let high = tokens.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (condition(tokens[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

function withoutOverlaps<T extends { word: WordSpan }>(items: readonly T[]): { kept: T[]; dropped: T[] } {
  const byStart = [...items].sort((a, b) => a.word.start - b.word.start)
  if (byStart.every(({ word }, i) => i === 0 || byStart[i - 1]!.word.end <= word.start)) {
    return { kept: byStart, dropped: [] }
  }
  const length = ({ word }: T) => word.end - word.start
  const kept: T[] = []
  const dropped: T[] = []
  const taken = new Set<number>()
  // Nothing shorter than a kept span can reach over it, so looking at both ends is enough.
  for (const item of [...byStart].sort((a, b) => length(b) - length(a))) {
    const { start, end } = item.word
    if (taken.has(start) || taken.has(end - 1)) {
      dropped.push(item)
      continue
    }
    kept.push(item)
    for (let word = start; word < end; word++) taken.add(word)
  }
  return { kept: kept.sort((a, b) => a.word.start - b.word.start), dropped }
}

/** Runs of words as character spans, without the white space around them. */
export function spansFromWords(words: readonly WordSpan[], tokens: readonly Token[]): Span[] {
  return words.map(({ start, end, label }) => ({ start: tokens[start]!.start, end: tokens[end - 1]!.end, label }))
}
