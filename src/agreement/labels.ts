import type { Span, Token } from '../data/document.js'
import type { SharedCorpus, SharedDocument } from './match.js'

/** What is labelled, and compared: words, characters that are no white space, or the stretches that anybody marked. */
export type Unit = 'token' | 'char' | 'span'

export const unitNames: Readonly<Record<Unit, string>> = { token: 'tokens', char: 'characters', span: 'stretches' }

/** All types, sorted: the index that codes count by. */
export function typesOf({ documents }: SharedCorpus): string[] {
  const types = new Set<string>()
  for (const { spans } of documents) for (const list of spans) for (const { label } of list ?? []) types.add(label)
  return [...types].sort()
}

/**
 * One annotator's codes of a document's units. They stand for IOB2 tags: 0 is outside, 2t + 1 begins a span of type t,
 * 2t + 2 goes on in it. Stretches are never gone on in.
 */
export type Codes = Int32Array

export const typeOfCode = (code: number): number => (code + 1) >> 1

/** Every annotator's codes; undefined of one who has not labelled the document. */
export function labelUnits(
  { document, spans }: SharedDocument,
  types: ReadonlyMap<string, number>,
  unit: Unit,
): (Codes | undefined)[] {
  if (unit === 'span') {
    const stretches = new Map<string, number>()
    for (const span of spans.flatMap((list) => list ?? [])) {
      if (!stretches.has(endsOf(span))) stretches.set(endsOf(span), stretches.size)
    }
    return spans.map((list) => list && labelStretches(stretches, list, types))
  }
  const units = unit === 'token' ? document.tokens : characters(document.text)
  return spans.map((list) => list && labelRuns(units, list, types))
}

const endsOf = ({ start, end }: Span) => `${start} ${end}`

/** A stretch has one type: of two by the same annotator, the first in the alphabet. */
function labelStretches(
  stretches: ReadonlyMap<string, number>,
  spans: readonly Span[],
  types: ReadonlyMap<string, number>,
): Codes {
  const codes = new Int32Array(stretches.size)
  for (const span of [...spans].reverse()) codes[stretches.get(endsOf(span))!] = 2 * types.get(span.label)! + 1
  return codes
}

/** A span covers every unit it touches. */
function labelRuns(units: readonly Token[], spans: readonly Span[], types: ReadonlyMap<string, number>): Codes {
  const codes = new Int32Array(units.length)
  let unit = 0
  for (const { start, end, label } of flat(spans)) {
    while (unit < units.length && units[unit]!.end <= start) unit++
    const begin = 2 * types.get(label)! + 1
    for (let first = true; unit < units.length && units[unit]!.start < end; first = false, unit++) {
      codes[unit] = first ? begin : begin + 1
    }
  }
  return codes
}

/** Without the spans that overlap a longer one: a unit has one label. */
export function flat(spans: readonly Span[]): readonly Span[] {
  if (spans.every((span, i) => i === 0 || spans[i - 1]!.end <= span.start)) return spans
  const kept: Span[] = []
  for (const span of [...spans].sort((a, b) => b.end - b.start - (a.end - a.start))) {
    if (kept.every(({ start, end }) => span.end <= start || end <= span.start)) kept.push(span)
  }
  return kept.sort((a, b) => a.start - b.start)
}

/** Code points that are no white space. */
function characters(text: string): Token[] {
  const units: Token[] = []
  let start = 0
  for (const character of text) {
    const end = start + character.length
    if (!/\s/.test(character)) units.push({ start, end })
    start = end
  }
  return units
}
