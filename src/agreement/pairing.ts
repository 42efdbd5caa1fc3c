import type { Span, Token } from '../data/document.js'

/** Two annotators' spans that belong together, or one's span that the other has nothing for. */
export interface SpanPair {
  readonly first?: Span
  readonly second?: Span
}

/**
 * Pairs two annotators' spans one to one: equal ones; then, of the rest, those with the same ends, those of the same type
 * that overlap, those that overlap, each from the left. Spans of one annotator may overlap each other. Sorted input;
 * linear where spans are short.
 */
export function pairSpans(first: readonly Span[], second: readonly Span[]): SpanPair[] {
  const pairs: SpanPair[] = []
  const [left, right] = takeEqual(first, second, pairs)
  const longest = right.reduce((most, { start, end }) => Math.max(most, end - start), 0)
  const freeLeft = new Set(left)
  const freeRight = new Set(right)
  for (const belong of [sameEnds, sameTypeOverlap, overlap]) {
    let from = 0
    for (const a of freeLeft) {
      while (from < right.length && right[from]!.start + longest <= a.start) from++
      for (let j = from; j < right.length && right[j]!.start < a.end; j++) {
        const b = right[j]!
        if (!freeRight.has(b) || !belong(a, b)) continue
        pairs.push({ first: a, second: b })
        freeLeft.delete(a)
        freeRight.delete(b)
        break
      }
    }
  }
  for (const span of freeLeft) pairs.push({ first: span })
  for (const span of freeRight) pairs.push({ second: span })
  return pairs
}

/** Walks both at once, pairs what is equal and returns the rest. */
function takeEqual(first: readonly Span[], second: readonly Span[], pairs: SpanPair[]): [Span[], Span[]] {
  const left: Span[] = []
  const right: Span[] = []
  let i = 0
  let j = 0
  while (i < first.length || j < second.length) {
    const order = i === first.length ? 1 : j === second.length ? -1 : bySpan(first[i]!, second[j]!)
    if (order === 0) pairs.push({ first: first[i++]!, second: second[j++]! })
    else if (order < 0) left.push(first[i++]!)
    else right.push(second[j++]!)
  }
  return [left, right]
}

/** From left to right; of those that begin together, the shortest first; then by label. */
export const bySpan = (a: Span, b: Span): number =>
  a.start - b.start || a.end - b.end || (a.label === b.label ? 0 : a.label < b.label ? -1 : 1)

export const sameEnds = (a: Span, b: Span): boolean => a.start === b.start && a.end === b.end
export const overlap = (a: Token, b: Token): boolean => a.start < b.end && b.start < a.end
const sameTypeOverlap = (a: Span, b: Span) => a.label === b.label && overlap(a, b)
