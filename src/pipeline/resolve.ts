import type { Span } from '../data/document.js'
import { sentinelLabel } from '../sources/source.js'
import { type Claims, claims } from './claims.js'

/**
 * What the spans of a layer count for beside those of the others:
 * - `find`: they are the answer where nothing else says otherwise, as a model's are;
 * - `agree`: they count where an entity of the same type was found that overlaps them, and give its extent;
 * - `prefer`: they replace what was found within them, and yield to what reaches beyond them;
 * - `block`: what was found within them goes: all where their label is `O`, and otherwise what has their label;
 * - `force`: they stand, and what overlaps them goes.
 *
 * They are done in this order. A span with the label `O` says in any layer that there is no entity.
 */
export const policies = ['find', 'agree', 'prefer', 'block', 'force'] as const
export type Policy = (typeof policies)[number]

/** Layers, each with its policy. Of layers of one policy the first has the last word. */
export type Policies = Readonly<Record<string, Policy>>

/** The layers of a document. */
export type Layers = Readonly<Record<string, readonly Span[]>>

/**
 * Makes one layer of many: in order, none overlapping, each span with the layer that it came from. Of the overlapping
 * spans of a layer the longest counts; of several labels of one surface that which was found there, or else the likeliest,
 * or else the first.
 */
export function resolve(layers: Layers, policies: Policies): Span[] {
  const answer = claims()
  const each = (wanted: Policy, settle: (span: Span) => void) => {
    for (const [layer, policy] of Object.entries(policies).toReversed()) {
      const spans = policy === wanted ? (layers[layer] ?? []) : []
      if (spans.length === 0) continue
      for (const span of wanted === 'block' ? spans : longest(spans, answer)) settle({ ...span, source: layer })
    }
  }
  each('find', answer.put)
  each('agree', (span) => {
    if (answer.overlapping(span).some(({ label }) => label === span.label)) answer.put(span)
  })
  each('prefer', (span) => {
    if (answer.overlapping(span).every((other) => isWithin(other, span))) answer.put(span)
  })
  each('block', (span) =>
    answer.remove(
      span,
      (other) => isWithin(other, span) && (span.label === sentinelLabel || span.label === other.label),
    ),
  )
  each('force', answer.put)
  return answer.spans.filter(({ label }) => label !== sentinelLabel)
}

const isWithin = (inner: Span, outer: Span) => inner.start >= outer.start && inner.end <= outer.end

/** The spans of a layer of which none overlap: the longest first, and of two of one length the first. */
function longest(spans: readonly Span[], found: Claims): readonly Span[] {
  const isFound = (span: Span) =>
    found
      .overlapping(span)
      .some(({ start, end, label }) => start === span.start && end === span.end && label === span.label)
  const rank = (span: Span) => (isFound(span) ? 2 : (span.score ?? 0))
  const ranked = spans.map((span) => ({ span, length: span.end - span.start, rank: rank(span) }))
  ranked.sort((a, b) => b.length - a.length || a.span.start - b.span.start || b.rank - a.rank)
  const kept = claims()
  for (const { span } of ranked) if (kept.overlapping(span).length === 0) kept.put(span)
  return kept.spans
}
