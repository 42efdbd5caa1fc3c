import type { Document } from '../document.js'
import { isGiven, isList, isObject, nameOf, without, type Json, type JsonObject } from '../json.js'
import type { Lose } from '../losses.js'
import { badRow } from '../ranges.js'
import { goodRows, readRecords, type RecordCorpus, type RowContext } from './records.js'
import { tellUnit, type Stretch } from './unit.js'
import type { ReadOptions, Source } from '../source.js'
import { recordOf } from './to-record.js'

/*
 * doccano's exports of sequence labelling, by generation:
 *   2018       {"doc_id": 1, "text": "…", "entities": [[0, 2, "ORG"]], "username": "ann"}, a row a person
 *   1.0        {"id": 1, "text": "…", "annotations": [{"label": 2, "start_offset": 0, "end_offset": 2, "user": 1}]},
 *              labels by number; or, as “text labels”, {"id": 1, "text": "…", "labels": [[0, 2, "ORG"]]}
 *   1.2–1.5    {"id": 1, "data": "…", "label": [[0, 2, "ORG"]]}
 *   later      {"id": 1, "text": "…", "label": [[0, 2, "ORG"]]}; with relations
 *              "entities": [{"id": 1, "label": "ORG", "start_offset": 0, "end_offset": 2}]
 * (github.com/doccano/doccano, pull requests 46 and 1703, issues 113, 1291 and 1795). Offsets count code points, or, as some
 * releases wrote them, UTF-16 units.
 */

const spanKeys = ['label', 'labels', 'entities', 'annotations'] as const

export const isDoccano = (row: Json): boolean =>
  isObject(row) &&
  !isList(row['spans']) &&
  ('doc_id' in row ||
    typeof row['data'] === 'string' ||
    isList(row['label']) ||
    isList(row['labels']) ||
    [...spansIn(row['entities']), ...spansIn(row['annotations'])].some((span) => 'start_offset' in span))

const spansIn = (field: Json | undefined): JsonObject[] => (isList(field) ? field.filter(isObject) : [])

/** Reads doccano's export, of any generation. Throws `data/bad-row` or `data/bad-offset`, with file and line. */
export function readDoccano(source: Source, options: ReadOptions = {}): RecordCorpus {
  if (options.offsetUnit !== undefined) return readRecords(source, options, recordsOfRow)
  const lines = [...source.lines]
  // Where every character is one unit long, the units are the same.
  if (!lines.some((line) => /[\ud800-\udbff]|\\u[dD][89abAB]/.test(line))) {
    return readRecords({ ...source, lines }, options, recordsOfRow)
  }
  const { unit, isTold, note } = tellUnit(stretchesOf(goodRows({ ...source, lines })))
  const corpus = readRecords({ ...source, lines }, { ...options, offsetUnit: unit }, recordsOfRow)
  return { ...corpus, ...(note !== undefined && { notes: [note] }), ...(isTold && { unit }) }
}

/** What rows without a unit of their own have labelled. */
function* stretchesOf(rows: Iterable<Json>): Generator<Stretch> {
  for (const row of rows) {
    if (!isObject(row) || isGiven(row['offset_unit'])) continue
    const text = row['text'] ?? row['data']
    const spans = spanKeys.map((name) => row[name]).find(isList)
    if (typeof text !== 'string' || spans === undefined) continue
    for (const span of spans) {
      const [start, end, label] = isList(span)
        ? span
        : isObject(span)
          ? [span['start_offset'], span['end_offset'], span['label']]
          : []
      const surface = isObject(span) ? span['text'] : undefined
      if (typeof start !== 'number' || typeof end !== 'number') continue
      yield { text, start, end, label: JSON.stringify(label), ...(typeof surface === 'string' && { surface }) }
    }
  }
}

function recordsOfRow(row: Json, { where, lose }: RowContext): readonly JsonObject[] {
  if (!isObject(row)) throw badRow('The row is not a JSON object.', where, 'Export as JSONL from doccano.')
  const key = spanKeys.find((name) => isList(row[name]))
  const text = row['text'] ?? row['data']
  const { relations, ...others } = row
  if (isList(relations) && relations.length > 0) lose('relations', where)
  const shared = {
    ...without(others, ['id', 'doc_id', 'text', 'data', 'username', ...(key === undefined ? [] : [key])]),
    ...((row['id'] ?? row['doc_id']) !== undefined && { id: row['id'] ?? row['doc_id'] }),
    text,
  }
  if (key === undefined) {
    const other = spanKeys.find((name) => isGiven(row[name]))
    // The format is told by rows with labels: one without has no entity.
    if (other === undefined) return [{ ...without(shared, [...spanKeys]), spans: [] }]
    throw badRow(
      `The labels (“${other}”) are no list.`,
      where,
      'Write e.g. "label": [[0, 2, "ORG"]], or leave them out.',
    )
  }
  const spans = (row[key] as readonly Json[]).map((entry) => ({ entry, user: isObject(entry) ? entry['user'] : null }))
  const users = new Set(spans.map(({ user }) => nameOf(user)))
  if (users.size === 0) users.add(undefined)
  return [...users].map((user) => {
    const annotator = nameOf(row['username']) ?? user
    return {
      ...shared,
      ...(annotator !== undefined && { annotator }),
      spans: spans.filter((span) => nameOf(span.user) === user).map(({ entry }) => plainSpan(entry, where, lose)),
    }
  })
}

/** A span with the keys that records have. A label that is only a number stays one, as text. */
function plainSpan(entry: Json, where: string, lose: Lose): Json {
  if (!isObject(entry)) return entry
  const { start_offset: start, end_offset: end, label, ...rest } = entry
  if (typeof label === 'number') lose('names of labels, which the file gives by number', where)
  return {
    ...without(rest, ['id', 'user', 'document', 'prob', 'manual', 'created_at', 'updated_at']),
    start,
    end,
    label: typeof label === 'number' ? String(label) : label,
  }
}

/** What a field of the user's cannot be called: doccano, of one generation or another, reads it as its own. */
const ownKeys: readonly string[] = [...spanKeys, 'id', 'doc_id', 'text', 'data', 'username', 'relations', 'offset_unit']

/** Documents as doccano's current JSONL, a string with a line feed a document. */
export function* formatDoccano(
  documents: Iterable<Document>,
  { layer, lose }: { readonly layer: string; readonly lose: Lose },
): Generator<string> {
  for (const document of documents) {
    const { id, text, annotator, spans, offset_unit, fields, ...lost } = recordOf(document, { layer })
    const theirs = Object.keys(fields).filter((key) => ownKeys.includes(key))
    for (const key of [...Object.keys(lost), ...theirs]) lose(`“${key}”`, id)
    for (const { score } of spans ?? []) if (score !== undefined) lose('scores of spans', id)
    const row = {
      id,
      text,
      ...(spans && { label: spans.map(({ start, end, label }) => [start, end, label]) }),
      ...(annotator !== undefined && { username: annotator }),
      offset_unit,
      ...without(fields, ownKeys),
    }
    yield `${JSON.stringify(row)}\n`
  }
}
