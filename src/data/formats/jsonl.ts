import type { Document } from '../document.js'
import { isGiven, isList, isObject, without, type Json, type JsonObject } from '../json.js'
import { badRow } from '../ranges.js'
import { isTag, notATag, spansFromTags } from '../schemes.js'
import { areJoined, joinWords } from './columns/join.js'
import { readRecords, type RecordCorpus, type RowContext } from './records.js'
import type { ReadOptions, Source } from '../source.js'
import { recordOf, type RecordOptions } from './to-record.js'

/*
 * JSONL with spans, one document a line: this project's own form, which spaCy's and Prodigy's examples share. They count
 * code points, as Python does; so do files that do not say.
 */

/** Keys of labels: ours and Prodigy's; spaCy's and ours for predictions; spaCy's `Doc.to_json`; Argilla's. */
const spanKeys = ['spans', 'entities', 'ents', 'annotation'] as const

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
  if (isTagged(row)) return [recordOfTags(row, where)]
  const spanKey = spanKeys.find((key) => (key === 'spans' ? isGiven(row[key]) : isList(row[key])))
  const annotatorKey = annotatorKeys.find((key) => isGiven(row[key]))
  const id = row['id'] ?? row['_input_hash']
  const rest = without(row, ['id', 'spans', ...(spanKey ? [spanKey] : []), ...(annotatorKey ? [annotatorKey] : [])])
  return [
    {
      ...(id !== undefined && { id }),
      ...rest,
      // What an annotator accepted and marked nothing in has no entity.
      ...(spanKey
        ? { spans: spanKey === 'spans' ? row[spanKey] : spansOfEntities(row[spanKey]) }
        : row['answer'] === 'accept' && { spans: [] }),
      ...(annotatorKey && { annotator: row[annotatorKey] }),
    },
  ]
}

/** Keys of the words, and of their tags, in rows of Hugging Face's data sets. */
const wordKeys = ['tokens', 'words'] as const
const tagKeys = ['ner_tags', 'tags', 'labels', 'ner'] as const

const areTexts = (field: Json | undefined): field is readonly string[] =>
  isList(field) && field.every((item) => typeof item === 'string')

/** Whether a row has words and a tag for each: `{"tokens": ["Ann", …], "ner_tags": ["B-PER", …]}`. */
function isTagged(row: JsonObject): boolean {
  const words = wordKeys.map((key) => row[key]).find(areTexts)
  const tags = tagKeys.map((key) => row[key]).find(isList)
  return words !== undefined && words.length > 0 && tags !== undefined && row['text'] === undefined
}

function recordOfTags(row: JsonObject, where: string): JsonObject {
  const wordKey = wordKeys.find((key) => areTexts(row[key]))!
  const tagKey = tagKeys.find((key) => isList(row[key]))!
  const words = row[wordKey] as readonly string[]
  const tags = row[tagKey] as readonly Json[]
  if (tags.length !== words.length) {
    throw badRow(`The row has ${words.length} words and ${tags.length} tags.`, where, 'Write a tag for each word.')
  }
  if (!areTexts(tags)) {
    throw badRow(
      `The tags of “${tagKey}” are numbers, and their names are not in the row.`,
      where,
      `Write names: in Python, features["${tagKey}"].feature.int2str(tags).`,
    )
  }
  const foreign = tags.find((tag) => !isTag(tag))
  if (foreign !== undefined) throw notATag(foreign, where)
  const text = joinWords(words)
  let at = 0
  const tokens = words.map((word, i) => {
    const start = i > 0 && !areJoined(words[i - 1]!, word) ? at + 1 : at
    at = start + word.length
    return { start, end: at }
  })
  const spans = spansFromTags(tags, 'IOB2', 'conlleval').map(({ start, end, label }) => ({
    start: tokens[start]!.start,
    end: tokens[end - 1]!.end,
    label,
  }))
  return { ...without(row, [wordKey, tagKey]), text, tokens, spans, offset_unit: 'utf16' }
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
