import type { Span, Token } from '../data/document.js'
import type { SharedCorpus, SharedDocument } from './match.js'
import { bySpan, sameEnds } from './pairing.js'

/**
 * `missed`: somebody marked nothing here. `boundary`: everybody marked something, with different ends. `type`: with the
 * same ends, and different types.
 */
export type DisagreementKind = 'missed' | 'boundary' | 'type'

/** A stretch of text on which not all agree: their spans there, and all that those overlap. */
export interface Disagreement {
  /** Index in the corpus. */
  readonly document: number
  /** The id of the document, `#`, and which of its disagreements this is, from 1. */
  readonly id: string
  readonly kind: DisagreementKind
  /** What is confused, e.g. `LOC / ORG` or `PER / none`, the same whoever said which. */
  readonly confusion: string
  /** How many disagreements of the corpus have this kind and confusion. */
  readonly frequency: number
  /** The stretch: from the first span's start to the last one's end. */
  readonly start: number
  readonly end: number
  /** By annotator; undefined of one who has not labelled the document, and empty of one who marked nothing. */
  readonly answers: readonly (readonly Span[] | undefined)[]
}

/** Every disagreement, those of the most frequent confusion first, then in the order of the text. */
export function findDisagreements({ documents }: SharedCorpus): Disagreement[] {
  const found = documents.flatMap((document, index) => stretchesOf(document, index))
  const frequency = new Map<string, number>()
  const keyOf = ({ kind, confusion }: { kind: DisagreementKind; confusion: string }) => `${kind} ${confusion}`
  for (const stretch of found) frequency.set(keyOf(stretch), (frequency.get(keyOf(stretch)) ?? 0) + 1)
  const all = found.map((stretch) => ({ ...stretch, frequency: frequency.get(keyOf(stretch))! }))
  const rank = new Map([...frequency.keys()].sort().map((key, i) => [key, i]))
  return all.sort(
    (a, b) =>
      b.frequency - a.frequency ||
      rank.get(keyOf(a))! - rank.get(keyOf(b))! ||
      a.document - b.document ||
      a.start - b.start,
  )
}

/** The spans that all who labelled a document have, sorted. */
export function agreedSpans({ spans }: SharedDocument): readonly Span[] {
  const present = spans.filter((list) => list !== undefined)
  const [first = [], ...others] = present
  const keys = others.map((list) => new Set(list.map(keyOfSpan)))
  return first.filter((span) => keys.every((set) => set.has(keyOfSpan(span))))
}

export const keyOfSpan = ({ start, end, label }: Span): string => `${start} ${end} ${label}`

function stretchesOf(shared: SharedDocument, document: number): Omit<Disagreement, 'frequency'>[] {
  const agreed = new Set(agreedSpans(shared).map(keyOfSpan))
  const disputed = shared.spans.flatMap((list, annotator) =>
    (list ?? []).filter((span) => !agreed.has(keyOfSpan(span))).map((span) => ({ span, annotator })),
  )
  disputed.sort((a, b) => bySpan(a.span, b.span))
  const stretches: Omit<Disagreement, 'frequency'>[] = []
  for (let from = 0; from < disputed.length;) {
    let end = disputed[from]!.span.end
    let to = from + 1
    for (; to < disputed.length && disputed[to]!.span.start < end; to++) end = Math.max(end, disputed[to]!.span.end)
    const here = disputed.slice(from, to)
    const answers = shared.spans.map(
      (list, annotator) => list && here.filter((entry) => entry.annotator === annotator).map(({ span }) => span),
    )
    const id = `${shared.document.id}#${stretches.length + 1}`
    stretches.push({ document, id, ...classify(answers), start: here[0]!.span.start, end, answers })
    from = to
  }
  return stretches
}

function classify(answers: Disagreement['answers']): Pick<Disagreement, 'kind' | 'confusion'> {
  const given = answers.filter((spans) => spans !== undefined)
  const labels = [...new Set(given.flat().map(({ label }) => label))].sort()
  if (given.some((spans) => spans.length === 0)) return { kind: 'missed', confusion: [...labels, 'none'].join(' / ') }
  const [first, ...others] = given
  const isSameEnds = others.every(
    (spans) => spans.length === first!.length && spans.every((span, i) => sameEnds(span, first![i]!)),
  )
  return { kind: isSameEnds ? 'type' : 'boundary', confusion: labels.join(' / ') }
}

/** The sentences that a stretch lies in, from end to end; without sentences, its lines. */
export function contextOf({ document }: SharedDocument, { start, end }: Token): Token {
  const { text, tokens, sentences } = document
  if (sentences) {
    const held = sentences.filter(
      (sentence) => tokens[sentence.start]!.start < end && start < tokens[sentence.end - 1]!.end,
    )
    const [first, last] = [held[0], held.at(-1)]
    if (first && last) {
      const [begins, ends] = [tokens[first.start]!.start, tokens[last.end - 1]!.end]
      return { start: Math.min(start, begins), end: Math.max(end, ends) }
    }
  }
  const before = text.slice(0, start).lastIndexOf('\n') + 1
  const after = text.indexOf('\n', end)
  return { start: before, end: after < 0 ? text.length : after }
}

/** The answer that more than half of those who labelled the document gave; undefined in a tie. */
export function majorityAnswer({ answers }: Disagreement): readonly Span[] | undefined {
  const given = answers.filter((spans) => spans !== undefined)
  const keys = given.map((spans) => spans.map(keyOfSpan).join())
  return given.find((_, i) => 2 * keys.filter((key) => key === keys[i]).length > given.length)
}

export interface KindCount extends Pick<Disagreement, 'kind' | 'confusion'> {
  readonly count: number
}

/** How often each confusion is met, the most frequent first, of disagreements in the order of `findDisagreements`. */
export function countKinds(disagreements: readonly Disagreement[]): KindCount[] {
  const counts = new Map<string, KindCount>()
  for (const { kind, confusion, frequency } of disagreements) {
    counts.set(`${kind} ${confusion}`, { kind, confusion, count: frequency })
  }
  return [...counts.values()]
}
