import type { Span } from '../data/document.js'

/** Spans of which none overlap, in the order of the text. */
export interface Claims {
  readonly spans: readonly Span[]
  readonly overlapping: (span: Span) => readonly Span[]
  /** Puts a span in the place of all that overlap it. */
  readonly put: (span: Span) => void
  /** Takes out those of the overlapping spans that a function says. */
  readonly remove: (span: Span, isMeant: (other: Span) => boolean) => void
}

export function claims(): Claims {
  const spans: Span[] = []

  /** How many spans end before an offset, or at it: their ends are in order. */
  function endedBy(offset: number): number {
    let low = 0
    let high = spans.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (spans[middle]!.end <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  function overlapping({ start, end }: Span): Span[] {
    const from = endedBy(start)
    let to = from
    while (to < spans.length && spans[to]!.start < end) to++
    return spans.slice(from, to)
  }

  return {
    spans,
    overlapping,
    put: (span) => void spans.splice(endedBy(span.start), overlapping(span).length, span),
    remove(span, isMeant) {
      const others = overlapping(span)
      spans.splice(endedBy(span.start), others.length, ...others.filter((other) => !isMeant(other)))
    },
  }
}
