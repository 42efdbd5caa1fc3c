import { NerError } from '../errors.js'
import { goldLayer, type Document, type Sentence, type SoftTags, type Span, type Token } from './document.js'
import { isList, isObject, nameOf, without, type Json, type JsonObject } from './json.js'
import type { Lose } from './losses.js'
import { offsetsOf, sameSurface, unitNames, unitOfQuotations, units, type OffsetUnit, type Quoted } from './offsets.js'
import type { ReadOptions } from './source.js'

/*
 * A document as one JSON object: `text`, and, where there are any, `id`, `annotator`, `tokens`, `sentences` (in tokens),
 * `spans` (objects with `start`, `end`, `label`, or triples), `layers` (other sources' spans by their name), `soft_tags`
 * (`{tags, rows}`, a row a token) and `offset_unit`. Other keys are carried along. Offsets are turned to UTF-16 here, at
 * the border, and back on the way out.
 */

/** The keys that are read. */
const ownKeys = [
  'id',
  'text',
  'annotator',
  'tokens',
  'sentences',
  'spans',
  'layers',
  'soft_tags',
  'offset_unit',
] as const

export const badRow = (what: string, where: string, mend: string): NerError =>
  new NerError('data/bad-row', what, { where, mend })

const example = '{"text": "Ann went to Paris.", "spans": [{"start": 12, "end": 17, "label": "LOC"}]}'

export interface RecordContext {
  /** For a record that has none. */
  readonly id: string
  /** File and line. */
  readonly where: string
  readonly lose: Lose
  readonly options: ReadOptions
}

/** Everything that the parts of one record are read with. */
interface Border {
  readonly at: RangeReader
  readonly where: string
  readonly lose: Lose
  /** What to do with a span that cannot be read: throws, or tells and goes on. */
  readonly refuse: (error: NerError, entry: Json) => void
}

/** Reads a record. Throws `data/bad-row` or `data/bad-offset`. */
export function documentFrom(record: JsonObject, { id: ownId, where, lose, options }: RecordContext): Document {
  const { text, id: givenId = ownId } = record
  if (typeof text !== 'string') throw badRow('The record has no “text”.', where, `Write e.g. ${example}`)
  if (typeof givenId !== 'string' && typeof givenId !== 'number') {
    throw badRow('The record’s “id” is neither text nor a number.', where, 'Write "id": "some-name", or leave it out.')
  }
  const id = String(givenId)
  const refuse = (error: NerError, entry: Json) => {
    if (!options.onProblem) throw error
    const what = `${error.what} It is ${JSON.stringify(entry)}.`
    options.onProblem({
      kind: isEmpty(entry) ? 'empty' : 'offset',
      document: id,
      where,
      what,
      mend: error.detail.mend!,
    })
  }
  const border = { at: rangeReader(record, text, where, options.offsetUnit), where, lose, refuse }
  const tokens = readTokens(record['tokens'], border)
  const spans = isList(record['spans']) ? readSpans(record['spans'], 'spans', border) : undefined
  const layers = { ...(spans && { [options.layer ?? goldLayer]: spans }), ...readLayers(record['layers'], border) }
  const soft = readSoftTags(record['soft_tags'], tokens, where)
  const sentences = readSentences(record['sentences'], tokens, where)
  if (Object.keys(layers).length === 0 && !soft && options.labels !== 'optional') {
    throw badRow('The record has no labels.', where, 'Write "spans": [] where a text has no entity.')
  }
  const annotator = nameOf(record['annotator'])
  const fields = without(record, ownKeys)
  return {
    id,
    text,
    ...(tokens && { tokens }),
    ...(sentences && { sentences }),
    layers,
    ...(soft && { soft }),
    ...(annotator !== undefined && { annotator }),
    ...(Object.keys(fields).length > 0 && { fields }),
  }
}

const isEmpty = (entry: Json) => {
  const [start, end] = isList(entry) ? entry : isObject(entry) ? [entry['start'], entry['end']] : []
  return typeof start === 'number' && start === end
}

/** Checks a half-open range of the file's offsets, and what the file says is written there, and turns it to UTF-16. */
type RangeReader = (entry: JsonObject, what: string) => Token

function rangeReader(record: JsonObject, text: string, where: string, assumed?: OffsetUnit): RangeReader {
  const unit = (record['offset_unit'] ?? assumed ?? 'code_point') as OffsetUnit
  if (!units.includes(unit)) {
    const what = `The offset unit ${JSON.stringify(unit)} is not known.`
    throw badRow(what, where, `Write "offset_unit": ${units.map((known) => `"${known}"`).join(' or ')}.`)
  }
  const { length, toUtf16 } = offsetsOf(text, unit)
  return ({ start, end, text: surface }, what) => {
    const bad = (why: string, mend: string) => {
      const range = `${JSON.stringify(start)}–${JSON.stringify(end)}`
      return new NerError('data/bad-offset', `The ${what} ${range} ${why}.`, { where, mend })
    }
    if (typeof start !== 'number' || typeof end !== 'number' || !Number.isInteger(start) || !Number.isInteger(end)) {
      throw bad('has no whole numbers as ends', 'Give “start” and “end” as whole numbers; the end is exclusive.')
    }
    if (start < 0 || end > length) {
      throw bad(`lies outside the text of ${length} ${unitNames[unit]}`, unitMend(record, text, unit))
    }
    if (end <= start) throw bad('is empty', 'Remove it, or correct its ends: the end is exclusive.')
    const [from, to] = [toUtf16(start), toUtf16(end)]
    if (from === undefined || to === undefined) {
      throw bad(
        `has an end inside a ${unit === 'utf16' ? 'surrogate pair' : 'character'}`,
        unitMend(record, text, unit),
      )
    }
    const found = text.slice(from, to)
    if (typeof surface === 'string' && !sameSurface(found, surface)) {
      throw bad(`reads “${found}” where the file says “${surface}”`, unitMend(record, text, unit))
    }
    return { start: from, end: to }
  }
}

/** What to do about offsets that do not fit their text: often the unit is another one, and the quoted words show which. */
function unitMend(record: JsonObject, text: string, unit: OffsetUnit): string {
  const quotations = ['spans', 'tokens'].flatMap((key) => quotationsIn(record[key]))
  const right = quotations.length > 0 ? unitOfQuotations(text, quotations) : undefined
  if (right !== undefined && right !== unit) {
    return `The words are where the file says if offsets count ${unitNames[right]}: read it with --offset-unit ${right}.`
  }
  const others = units.filter((other) => other !== unit).map((other) => `"${other}"`)
  return `Offsets are read as ${unitNames[unit]}, from 0; "offset_unit" may say ${others.join(' or ')}. Is the text the one that was labelled?`
}

/** Stretches that come with the words that stand there. */
export const quotationsIn = (field: Json | undefined): Quoted[] =>
  (isList(field) ? field : []).flatMap((entry) => {
    const { start, end, text } = isObject(entry) ? entry : {}
    return typeof start === 'number' && typeof end === 'number' && typeof text === 'string'
      ? [{ start, end, surface: text }]
      : []
  })

function readTokens(field: Json | undefined, { at, where }: Border): Token[] | undefined {
  if (field === undefined || field === null) return undefined
  if (!isList(field) || !field.every(isObject)) {
    throw badRow('“tokens” is not a list of objects.', where, 'Write [{"start": 0, "end": 3}, …], or leave it out.')
  }
  let previousEnd = 0
  return field.map((entry) => {
    const token = at(entry, 'token')
    if (token.start < previousEnd) {
      throw badRow('Tokens overlap or are not in order.', where, 'Sort them by “start”.')
    }
    previousEnd = token.end
    return token
  })
}

/** `layers`: spans by the source that gave them, as weak supervision and agreement want them. */
function readLayers(field: Json | undefined, border: Border): Record<string, Span[]> {
  const layers = field ?? {}
  if (!isObject(layers)) throw badLayers(border.where)
  return Object.fromEntries(
    Object.entries(layers).map(([name, spans]) => {
      if (!isList(spans)) throw badLayers(border.where)
      return [name, readSpans(spans, name, border)]
    }),
  )
}

const badLayers = (where: string) =>
  badRow(
    '“layers” is not lists of spans by name.',
    where,
    'Write {"geonames": [{"start": 12, "end": 17, "label": "LOC"}], …}, or leave it out.',
  )

/** What is read of a span, and what follows from it and its tokens. */
const spanKeys = ['start', 'end', 'label', 'score', 'text', 'token_start', 'token_end']

function readSpans(entries: readonly Json[], list: string, { at, where, lose, refuse }: Border): Span[] {
  return entries.flatMap((entry) => {
    try {
      const span = isList(entry) ? { start: entry[0], end: entry[1], label: entry[2] } : entry
      if (!isObject(span) || typeof span['label'] !== 'string' || span['label'] === '') {
        const what = `An entry of “${list}” has no label: ${JSON.stringify(entry)}.`
        throw badRow(what, where, 'Write {"start": 12, "end": 17, "label": "LOC"} or [12, 17, "LOC"].')
      }
      const { label, score } = span
      const range = at(span, `span ${label}`)
      for (const key of Object.keys(span)) if (!spanKeys.includes(key)) lose(`“${key}” of spans`, where)
      return [{ ...range, label, ...(typeof score === 'number' && { score }) }]
    } catch (error) {
      if (!(error instanceof NerError)) throw error
      refuse(error, entry)
      return []
    }
  })
}

function readSentences(
  field: Json | undefined,
  tokens: readonly Token[] | undefined,
  where: string,
): Sentence[] | undefined {
  if (field === undefined || field === null || !tokens) return undefined
  let position = 0
  const sentences = (isList(field) ? field : []).map((entry) => {
    const { start, end } = isObject(entry) ? entry : {}
    const follows = start === position && typeof end === 'number' && Number.isInteger(end) && end > position
    position = follows ? end : NaN
    return { start: start as number, end: position }
  })
  if (position !== tokens.length) {
    const mend = 'Write [{"start": 0, "end": 9}, {"start": 9, "end": 20}], counted in tokens, or leave it out.'
    throw badRow('“sentences” do not divide the tokens.', where, mend)
  }
  return sentences
}

function readSoftTags(
  field: Json | undefined,
  tokens: readonly Token[] | undefined,
  where: string,
): SoftTags | undefined {
  if (field === undefined || field === null) return undefined
  const bad = (what: string) =>
    badRow(what, where, 'Write {"tags": ["O", "B-PER", …], "rows": [[0.9, 0.1, …], …]}, a row for each of “tokens”.')
  const { tags, rows } = isObject(field) ? field : {}
  if (!isList(tags) || !tags.every((tag) => typeof tag === 'string')) throw bad('“soft_tags” has no tags.')
  if (!isList(rows) || rows.length !== tokens?.length) throw bad('“soft_tags” has not one row for each token.')
  const isDistribution = (row: Json) =>
    isList(row) &&
    row.length === tags.length &&
    row.every((p) => typeof p === 'number' && p >= 0) &&
    Math.abs((row as readonly number[]).reduce((sum, p) => sum + p, 0) - 1) < 1e-3
  const wrong = rows.findIndex((row) => !isDistribution(row))
  if (wrong >= 0) throw bad(`Row ${wrong + 1} of “soft_tags” is no distribution over ${tags.length} tags.`)
  return { tags, rows: rows as readonly (readonly number[])[] }
}

export interface RecordOptions {
  /** The layer that is written as `spans`; the others, where there are any, stand under `layers`. */
  readonly layer?: string
  /** What offsets count; code points unless said. */
  readonly unit?: OffsetUnit
}

/** A document as this project's own form has it. */
export interface DocumentRecord {
  readonly id: string
  readonly text: string
  readonly annotator?: string
  readonly tokens?: readonly (Token & { readonly text: string; readonly id: number })[]
  readonly sentences?: readonly Sentence[]
  readonly spans?: readonly Span[]
  readonly layers?: Readonly<Record<string, readonly Span[]>>
  readonly soft_tags?: SoftTags
  readonly offset_unit: OffsetUnit
  readonly fields: JsonObject
}

export function recordOf(document: Document, { layer = goldLayer, unit = 'code_point' }: RecordOptions = {}) {
  const { id, text, annotator, tokens, sentences, layers, soft, fields = {} } = document
  const { fromUtf16: at } = offsetsOf(text, unit)
  const written = (spans: readonly Span[]): Span[] =>
    spans.map(({ start, end, label, score }) => ({
      start: at(start),
      end: at(end),
      label,
      ...(score !== undefined && { score }),
    }))
  const { [layer]: main, ...others } = layers
  const record: DocumentRecord = {
    id,
    text,
    ...(annotator !== undefined && { annotator }),
    ...(tokens && {
      tokens: tokens.map(({ start, end }, i) => ({
        text: text.slice(start, end),
        start: at(start),
        end: at(end),
        id: i,
      })),
    }),
    ...(sentences && { sentences }),
    ...(main && { spans: written(main) }),
    ...(Object.keys(others).length > 0 && {
      layers: Object.fromEntries(Object.entries(others).map(([name, spans]) => [name, written(spans)])),
    }),
    ...(soft && { soft_tags: soft }),
    offset_unit: unit,
    fields,
  }
  return record
}
