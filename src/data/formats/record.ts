import { NerError } from '../../errors.js'
import { goldLayer, type Document, type Sentence, type SoftTags, type Span, type Token } from '../document.js'
import { isGiven, isList, isObject, nameOf, without, type Json, type JsonObject } from '../json.js'
import type { Lose } from '../losses.js'
import { badRow, rangeReader, type RangeReader } from '../ranges.js'
import { rememberUnit } from '../file-unit.js'
import type { OffsetUnit } from '../offsets.js'
import type { ReadOptions } from '../source.js'

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
  const layer = options.layer ?? goldLayer
  const spans = readLabels(record['spans'], border)
  const named = readLayers(record['layers'], border)
  if (spans && layer === goldLayer && named[layer]) throw twoLabels(where)
  const layers = { ...(spans && { [layer]: spans }), ...named }
  const soft = readSoftTags(record['soft_tags'], tokens, where)
  const sentences = readSentences(record['sentences'], tokens, border)
  const isLabelled = layers[layer] ?? (options.labels === 'soft' && soft)
  if (!isLabelled && options.labels !== 'optional') throw noLabels(Object.keys(layers), where)
  const annotator = readAnnotator(record['annotator'], where)
  const fields = without(record, ownKeys)
  const document: Document = {
    id,
    text,
    ...(tokens && { tokens }),
    ...(sentences && { sentences }),
    layers,
    ...(soft && { soft }),
    ...(annotator !== undefined && { annotator }),
    ...(Object.keys(fields).length > 0 && { fields }),
  }
  // A unit that is none was refused above.
  return rememberUnit(document, (record['offset_unit'] ?? options.offsetUnit ?? 'code_point') as OffsetUnit)
}

function noLabels(others: readonly string[], where: string): NerError {
  const mend = 'Write "spans": [] where a text has no entity.'
  if (others.length === 0) return badRow('The record has no labels.', where, mend)
  const what = `The record has no labels, only the layers ${others.join(', ')}.`
  return badRow(what, where, `${mend} Votes of labelling functions become labels with ner weak fit.`)
}

const twoLabels = (where: string) =>
  badRow('“layers” has a layer “gold”, which is what “spans” are read into.', where, 'Leave out one, or rename it.')

function readAnnotator(field: Json | undefined, where: string): string | undefined {
  const annotator = nameOf(field)
  if (annotator !== undefined || !isGiven(field) || field === '') return annotator
  throw badRow('The record’s “annotator” is neither text nor a number.', where, 'Write e.g. "annotator": "ann".')
}

const isEmpty = (entry: Json) => {
  const [start, end] = isList(entry) ? entry : isObject(entry) ? [entry['start'], entry['end']] : []
  return typeof start === 'number' && start === end
}

function readTokens(field: Json | undefined, { at, where }: Border): Token[] | undefined {
  if (!isGiven(field)) return undefined
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

/** `spans`: what the record's own labels are. */
function readLabels(field: Json | undefined, border: Border): Span[] | undefined {
  if (!isGiven(field)) return undefined
  if (isList(field)) return readSpans(field, 'spans', border)
  throw badRow('The labels (“spans”) are no list.', border.where, `Write e.g. ${example}, or leave them out.`)
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
      const span = isList(entry) ? spanOfList(entry, where, lose) : entry
      if (!isObject(span) || typeof span['label'] !== 'string' || span['label'] === '') {
        const what = `An entry of “${list}” has no label: ${JSON.stringify(entry)}.`
        throw badRow(what, where, 'Write {"start": 12, "end": 17, "label": "LOC"} or [12, 17, "LOC"].')
      }
      const { label, score } = span
      const range = at(span, `span ${label}`)
      for (const key of Object.keys(span)) if (!spanKeys.includes(key)) lose(`“${key}” of spans`, where)
      if (typeof score !== 'number' && isGiven(score)) lose('scores of spans that are no numbers', where)
      return [{ ...range, label, ...(typeof score === 'number' && { score }) }]
    } catch (error) {
      if (!(error instanceof NerError)) throw error
      refuse(error, entry)
      return []
    }
  })
}

/** spaCy's triples, to which it may add an id of a knowledge base. */
function spanOfList([start, end, label, ...more]: readonly Json[], where: string, lose: Lose): JsonObject {
  if (more.length > 0) lose('what follows the labels of spans', where)
  return { start, end, label }
}

function readSentences(
  field: Json | undefined,
  tokens: readonly Token[] | undefined,
  { where, lose }: Border,
): Sentence[] | undefined {
  if (!isGiven(field)) return undefined
  if (!tokens) {
    lose('“sentences” without “tokens”', where)
    return undefined
  }
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
  if (!isGiven(field)) return undefined
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
