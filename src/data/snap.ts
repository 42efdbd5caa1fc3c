import type { Document, Span, Token } from './document.js'

/** What becomes of a span that cuts a word: it takes the whole word, or leaves it. */
export type Snap = 'expand' | 'contract'

export const snaps: readonly Snap[] = ['expand', 'contract']

/** Spans with their ends moved to those of words. */
export interface Snapped {
  readonly document: Document
  /** How many ends of spans were moved. */
  readonly moved: number
  /** Spans that hold no whole word, which `contract` cannot keep. */
  readonly unfit: readonly Span[]
}

/** Moves the ends of a layer's spans that cut a word of `tokens`, which are sorted and do not overlap. */
export function snapSpans(document: Document, tokens: readonly Token[], layer: string, snap: Snap): Snapped {
  const spans = document.layers[layer]
  if (spans === undefined) return { document, moved: 0, unfit: [] }
  const unfit: Span[] = []
  let moved = 0
  const kept = spans.flatMap((span) => {
    const from = tokens.find(({ start, end }) => start < span.start && span.start < end)
    const to = tokens.find(({ start, end }) => start < span.end && span.end < end)
    if (from === undefined && to === undefined) return [span]
    const start = from === undefined ? span.start : snap === 'expand' ? from.start : from.end
    const end = to === undefined ? span.end : snap === 'expand' ? to.end : to.start
    const surface = document.text.slice(start, end)
    if (end <= start || surface.trim() === '') {
      unfit.push(span)
      return []
    }
    moved++
    const blank = surface.length - surface.trimStart().length
    return [{ ...span, start: start + blank, end: start + blank + surface.trim().length }]
  })
  return { document: { ...document, layers: { ...document.layers, [layer]: kept } }, moved, unfit }
}
