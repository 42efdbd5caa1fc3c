import type { Document } from '../document.js'
import { isGiven, isList, isObject, without, type Json, type JsonObject } from '../json.js'
import { badRow } from '../ranges.js'
import { readRecords, type RecordCorpus, type RowContext } from './records.js'
import type { ReadOptions, Source } from '../source.js'
import { recordOf, type RecordOptions } from './to-record.js'

/*
 * JSONL with spans, one document a line: this project's own form, which spaCy's and Prodigy's examples share. They count
 * code points, as Python does; so do files that do not say.
 */

/** Names that a row's annotator goes by: Prodigy's, then this project's own. */
const annotatorKeys = ['_annotator_id', '_session_id', 'annotator'] as const

/**
 * Reads JSONL, or a JSON list of the same objects. Labels are `spans`, or `entities`: spaCy's triples, or what `ner predict`
 * and Hugging Face's pipelines write; the keys of a row are those of `record.ts`. Prodigy's rejected and ignored examples go to `rejects`; its input hash is an id.
 *
 * Throws `data/bad-row` or `data/bad-offset`, with file and line.
 */
export const readJsonl = (source: Source, options: ReadOptions = {}): RecordCorpus =>
  readRecords(source, options, recordsOfRow)

function recordsOfRow(row: Json, { where, decline }: RowContext): readonly JsonObject[] {
  if (!isObject(row)) throw badRow('The row is not a JSON object.', where, 'Write {"text": "…", "spans": […]}.')
  if (row['answer'] === 'reject' || row['answer'] === 'ignore') {
    decline(`The annotator’s answer is “${row['answer']}”.`)
    return []
  }
  const spanKey = isGiven(row['spans']) ? 'spans' : isList(row['entities']) ? 'entities' : undefined
  const annotatorKey = annotatorKeys.find((key) => isGiven(row[key]))
  const id = row['id'] ?? row['_input_hash']
  const rest = without(row, ['id', 'spans', ...(spanKey ? [spanKey] : []), ...(annotatorKey ? [annotatorKey] : [])])
  return [
    {
      ...(id !== undefined && { id }),
      ...rest,
      ...(spanKey && { spans: spanKey === 'entities' ? spansOfEntities(row[spanKey]) : row[spanKey] }),
      ...(annotatorKey && { annotator: row[annotatorKey] }),
    },
  ]
}

/** Predictions name their type `entity_group`, and quote the text as `word`, which follows from the offsets. */
const spansOfEntities = (entities: Json | undefined): Json | undefined =>
  isList(entities)
    ? entities.map((entity) =>
        isObject(entity) && isGiven(entity['entity_group'])
          ? { ...without(entity, ['entity_group', 'word']), label: entity['entity_group'] }
          : entity,
      )
    : entities

/**
 * Documents as JSONL, a string with a line feed a document. The named layer is written as `spans`, the others, where
 * there are any, under `layers`. Offsets count code points unless said otherwise.
 */
export function* formatJsonl(documents: Iterable<Document>, options: RecordOptions = {}): Generator<string> {
  for (const document of documents) {
    const { annotator, fields, ...record } = recordOf(document, options)
    yield `${JSON.stringify({ ...record, ...(annotator !== undefined && { _annotator_id: annotator }), ...fields })}\n`
  }
}
