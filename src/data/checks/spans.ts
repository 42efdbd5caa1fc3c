import { alignSpans } from '../align.js'
import type { Document, Span, Token } from '../document.js'
import { inFile } from '../file-unit.js'
import type { Finding } from './finding.js'

type SpanFinding = Omit<Finding, 'file' | 'document'>

/**
 * What is wrong with a document's spans: empty, or with white space at an end; cutting a word; overlapping another (each
 * with the one before it that reaches furthest). O(n log n).
 */
export function spanFindings(document: Document, spans: readonly Span[], tokens: readonly Token[]): SpanFinding[] {
  return [
    ...spans.flatMap((span) => blankFinding(document, span, tokens)),
    ...cutWords(document, spans, tokens),
    ...overlaps(document, spans),
  ]
}

const quoted = (text: string, { start, end, label }: Span) => `${label} “${text.slice(start, end)}”`

function blankFinding(document: Document, span: Span, tokens: readonly Token[]): SpanFinding[] {
  const { text } = document
  const { start, end } = span
  const surface = text.slice(start, end)
  const trimmed = surface.trim()
  if (trimmed === surface) return []
  if (trimmed === '') {
    const what = `${span.label} labels white space only.`
    return [{ kind: 'empty', start, end, what, mend: 'Remove it.', fix: { kind: 'span', document, span, by: null } }]
  }
  const from = start + surface.indexOf(trimmed)
  const by = { ...span, start: from, end: from + trimmed.length }
  // A token may hold white space itself, such as WNUT-17's U+FEFF: the span is right then.
  if (alignSpans([by], tokens).misaligned.length > 0) return []
  const what = `${quoted(text, span)} has white space at an end.`
  const mend = `Label ${inFile(document)(by.start)}–${inFile(document)(by.end)}, “${trimmed}”.`
  return [{ kind: 'whitespace', start, end, what, mend, fix: { kind: 'span', document, span, by } }]
}

function cutWords(document: Document, spans: readonly Span[], tokens: readonly Token[]): SpanFinding[] {
  const { text } = document
  const at = inFile(document)
  return alignSpans(spans, tokens).misaligned.map((span) => {
    const words = tokens.filter((token) => token.end > span.start && token.start < span.end)
    const [start, end] = [words[0]!.start, words.at(-1)!.end]
    return {
      kind: 'misaligned',
      start: span.start,
      end: span.end,
      what: `${quoted(text, span)} cuts a word.`,
      mend: `Label ${at(start)}–${at(end)}, “${text.slice(start, end)}”, or divide the word.`,
    }
  })
}

function overlaps(document: Document, spans: readonly Span[]): SpanFinding[] {
  const findings: SpanFinding[] = []
  let furthest: Span | undefined
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (furthest && span.start < furthest.end) findings.push(overlap(document, furthest, span))
    if (!furthest || span.end > furthest.end) furthest = span
  }
  return findings
}

function overlap(document: Document, before: Span, span: Span): SpanFinding {
  const { text } = document
  const { start, end, label } = span
  const place = { kind: 'overlapping', start, end } as const
  if (before.start === start && before.end === end && before.label === label) {
    const what = `${quoted(text, span)} is there twice.`
    return { ...place, what, mend: 'Remove one.', fix: { kind: 'span', document, span, by: null } }
  }
  const longer = end - start > before.end - before.start ? span : before
  const at = inFile(document)
  const what = `${quoted(text, span)} overlaps ${quoted(text, before)} at ${at(before.start)}–${at(before.end)}.`
  return { ...place, what, mend: `Keep one; the longer is ${quoted(text, longer)}.` }
}

/** Every place of a surface under a label. */
interface Use {
  count: number
  readonly document: Document
  readonly span: Span
}

/** Words that have one label here and another there: each rarer label's first place beside the commonest one's. */
export function inconsistentSurfaces(documents: readonly Document[], layer: string): Omit<Finding, 'file'>[] {
  const surfaces = new Map<string, Map<string, Use>>()
  for (const document of documents) {
    for (const span of document.layers[layer] ?? []) {
      const surface = document.text.slice(span.start, span.end)
      const uses = surfaces.get(surface) ?? new Map<string, Use>()
      surfaces.set(surface, uses)
      const use = uses.get(span.label)
      if (use) use.count++
      else uses.set(span.label, { count: 1, document, span })
    }
  }
  return [...surfaces].flatMap(([surface, uses]) => {
    const [most, ...others] = [...uses].sort((a, b) => b[1].count - a[1].count)
    const [usual, { count: usually, document: first, span: there }] = most!
    return others.map(([label, { count, document, span }]) => ({
      kind: 'inconsistent' as const,
      document: document.id,
      start: span.start,
      end: span.end,
      what: `“${surface}” is ${label} (${times(count)}), and ${usual} (${times(usually)}) as in ${first.id} at ${there.start}–${there.end}.`,
      mend: 'Correct one, or say in the guide when it is which.',
    }))
  })
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)
