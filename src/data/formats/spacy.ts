import type { Document } from '../document.js'
import { isList, isObject, type Json, type JsonObject } from '../json.js'
import type { Lose } from '../losses.js'
import { badRow } from '../ranges.js'
import { readRecords, type RecordCorpus, type RowContext } from './records.js'
import type { ReadOptions, Source } from '../source.js'
import { recordOf } from './to-record.js'

/*
 * spaCy's training tuples, which JSON writes as lists: ["Ann went to Paris.", {"entities": [[12, 17, "LOC"]]}]. Offsets
 * count code points.
 */

export const isSpacy = (row: Json): boolean =>
  isList(row) && row.length === 2 && typeof row[0] === 'string' && isObject(row[1])

/** Reads spaCy's tuples, as one list or one a line. Throws `data/bad-row` or `data/bad-offset`, with file and line. */
export const readSpacy = (source: Source, options: ReadOptions = {}): RecordCorpus =>
  readRecords(source, options, recordsOfTuple)

function recordsOfTuple(row: Json, { where, lose }: RowContext): readonly JsonObject[] {
  const [text, annotations] = isList(row) ? row : []
  if (typeof text !== 'string' || !isObject(annotations)) {
    throw badRow('The item is no pair of a text and its annotations.', where, 'Write ["Ann …", {"entities": […]}].')
  }
  const { entities, spans, ...rest } = annotations
  if (spans !== undefined && entities !== undefined) lose('“spans” beside “entities”', where)
  return [{ ...rest, text, spans: entities ?? spans }]
}

/** Documents as spaCy's tuples, which a JSON list holds. */
export function* tuples(
  documents: Iterable<Document>,
  { layer, lose }: { readonly layer: string; readonly lose: Lose },
): Generator<Json> {
  for (const document of documents) {
    const { id, text, spans, offset_unit: _, fields, ...lost } = recordOf(document, { layer })
    for (const key of ['id', ...Object.keys(lost), ...Object.keys(fields)]) lose(`“${key}”`, id)
    for (const { score } of spans ?? []) if (score !== undefined) lose('scores of spans', id)
    yield [text, spans ? { entities: spans.map(({ start, end, label }) => [start, end, label]) } : {}]
  }
}
