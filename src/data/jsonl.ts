import { NerError } from '../errors.js'
import { goldLayer, type Document, type Sentence, type SoftTags, type Span, type Token } from './document.js'
import { rejectInto, type ReadOptions, type Reject, type Source } from './source.js'

/*
 * JSONL with spans, one document a line, as spaCy, Prodigy and doccano write it. They count code points, as Python
 * does; so do files that do not say. Offsets are turned to UTF-16 here, at the border, and back on the way out.
 */

/** What a file's offsets count. */
export type OffsetUnit = 'code_point' | 'utf16'

export interface JsonlCorpus {
  readonly documents: Document[]
  readonly rejects: Reject[]
}

type Json = null | boolean | number | string | readonly Json[] | JsonObject
interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Fields that spans are found under: spaCy's and Prodigy's, spaCy's training data, doccano's first and later exports. */
const spanFields = ['spans', 'entities', 'labels', 'label'] as const

/**
 * Reads JSONL. `text` is needed; labels are `spans` (objects with `start`, `end`, `label`) or `entities`, `label`,
 * `labels` (triples, or objects with `start_offset`, `end_offset`). Optional: `id`, `tokens`, `sentences` (in tokens),
 * `soft_tags` (`{tags, rows}`, a row a token), `offset_unit`. Prodigy's rejected and ignored examples go to `rejects`.
 *
 * Throws `data/bad-row` or `data/bad-offset`, with file and line.
 */
export function readJsonl({ name, base, lines }: Source, options: ReadOptions = {}): JsonlCorpus {
  const documents: Document[] = []
  const rejects: Reject[] = []
  const reject = rejectInto(rejects, options.skipBad)
  let lineNumber = 0
  for (const line of lines) {
    lineNumber++
    if (line.trim() === '') continue
    const where = `${name}:${lineNumber}`
    try {
      const record = parseRecord(line, where)
      if (record['answer'] === 'reject' || record['answer'] === 'ignore') {
        rejects.push({ where, what: `The annotator’s answer is “${record['answer']}”.`, raw: line })
      } else {
        documents.push(documentOf(record, `${base}:${documents.length + 1}`, where, options))
      }
    } catch (error) {
      if (!(error instanceof NerError)) throw error
      reject(error, line)
    }
  }
  return { documents, rejects }
}

const badRow = (what: string, where: string, mend: string) => new NerError('data/bad-row', what, { where, mend })

const example = '{"text": "Ann went to Paris.", "spans": [{"start": 12, "end": 17, "label": "LOC"}]}'

function parseRecord(line: string, where: string): JsonObject {
  let value: Json
  try {
    value = JSON.parse(line) as Json
  } catch (cause) {
    const what = `The line is not JSON: ${(cause as Error).message}.`
    throw new NerError('data/bad-row', what, { where, mend: `Write one object a line, e.g. ${example}`, cause })
  }
  if (!isObject(value)) throw badRow('The line is not a JSON object.', where, `Write e.g. ${example}`)
  return value
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function documentOf(record: JsonObject, defaultId: string, where: string, options: ReadOptions): Document {
  const { text, id = defaultId } = record
  if (typeof text !== 'string') throw badRow('The record has no “text”.', where, `Write e.g. ${example}`)
  if (typeof id !== 'string' && typeof id !== 'number') {
    throw badRow('The record’s “id” is neither text nor a number.', where, 'Write "id": "some-name", or leave it out.')
  }
  const at = offsetReader(record, text, where)
  const tokens = readTokens(record, at, where)
  const spans = readSpans(record, at, where)
  const soft = readSoftTags(record, tokens, where)
  const sentences = readSentences(record, tokens, where)
  if (!spans && !soft && options.labels !== 'optional') {
    throw badRow('The record has no labels.', where, 'Write "spans": [] where a text has no entity.')
  }
  return {
    id: String(id),
    text,
    ...(tokens && { tokens }),
    ...(sentences && { sentences }),
    layers: spans ? { [options.layer ?? goldLayer]: spans } : {},
    ...(soft && { soft }),
  }
}

/** Checks a half-open range of the file's offsets and turns it to UTF-16. */
type RangeReader = (start: Json | undefined, end: Json | undefined, what: string) => Token

function offsetReader(record: JsonObject, text: string, where: string): RangeReader {
  const unit = record['offset_unit'] ?? 'code_point'
  if (unit !== 'code_point' && unit !== 'utf16') {
    const what = `The offset unit ${JSON.stringify(unit)} is not known.`
    throw badRow(what, where, 'Write "offset_unit": "code_point" or "utf16".')
  }
  const starts = unit === 'code_point' && hasSurrogates(text) ? codePointStarts(text) : undefined
  const length = starts ? starts.length - 1 : text.length
  const convert = (offset: number) => (starts ? starts[offset]! : offset)
  return (start, end, what) => {
    const bad = (why: string, mend: string) =>
      new NerError('data/bad-offset', `The ${what} ${JSON.stringify(start)}–${JSON.stringify(end)} ${why}.`, {
        where,
        mend,
      })
    if (typeof start !== 'number' || typeof end !== 'number' || !Number.isInteger(start) || !Number.isInteger(end)) {
      throw bad('has no whole numbers as ends', 'Give “start” and “end” as whole numbers; the end is exclusive.')
    }
    if (start < 0 || end > length) {
      throw bad(`lies outside the text of ${length} ${unit === 'utf16' ? 'UTF-16 units' : 'code points'}`, unitHint)
    }
    if (end <= start) throw bad('is empty', 'The end is exclusive, and greater than the start.')
    if (unit === 'utf16' && (splitsPair(text, start) || splitsPair(text, end))) {
      throw bad('has an end inside a surrogate pair', unitHint)
    }
    return { start: convert(start), end: convert(end) }
  }
}

const unitHint =
  'Offsets count code points, from 0, unless the record says "offset_unit": "utf16"; is the text the one that was labelled?'

const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000
const splitsPair = (text: string, offset: number) =>
  offset > 0 && isHigh(text.charCodeAt(offset - 1)) && isLow(text.charCodeAt(offset))

/** Where there are none, code points and UTF-16 units count the same. */
const hasSurrogates = (text: string) => /[\ud800-\udfff]/.test(text)

/** UTF-16 offset of every code point, and of the text's end. */
function codePointStarts(text: string): number[] {
  const starts: number[] = []
  for (let offset = 0; offset < text.length; offset++) if (!splitsPair(text, offset)) starts.push(offset)
  starts.push(text.length)
  return starts
}

function readTokens(record: JsonObject, at: RangeReader, where: string): Token[] | undefined {
  const field = record['tokens']
  if (field === undefined || field === null) return undefined
  if (!Array.isArray(field) || !field.every(isObject)) {
    throw badRow('“tokens” is not a list of objects.', where, 'Write [{"start": 0, "end": 3}, …], or leave it out.')
  }
  let previousEnd = 0
  return field.map(({ start, end }) => {
    const token = at(start, end, 'token')
    if (token.start < previousEnd) {
      throw badRow('Tokens overlap or are not in order.', where, 'Sort them by “start”.')
    }
    previousEnd = token.end
    return token
  })
}

function readSpans(record: JsonObject, at: RangeReader, where: string): Span[] | undefined {
  const name = spanFields.find((field) => Array.isArray(record[field]))
  if (!name) return undefined
  return (record[name] as readonly Json[]).map((entry) => {
    const [start, end, label, score] = isObject(entry)
      ? [entry['start'] ?? entry['start_offset'], entry['end'] ?? entry['end_offset'], entry['label'], entry['score']]
      : Array.isArray(entry)
        ? (entry as readonly Json[])
        : []
    if (typeof label !== 'string' || label === '') {
      const what = `An entry of “${name}” has no label: ${JSON.stringify(entry)}.`
      throw badRow(what, where, 'Write {"start": 12, "end": 17, "label": "LOC"} or [12, 17, "LOC"].')
    }
    return { ...at(start, end, `span ${label}`), label, ...(typeof score === 'number' && { score }) }
  })
}

function readSentences(
  record: JsonObject,
  tokens: readonly Token[] | undefined,
  where: string,
): Sentence[] | undefined {
  const field = record['sentences']
  if (field === undefined || field === null || !tokens) return undefined
  let position = 0
  const sentences = (Array.isArray(field) ? (field as readonly Json[]) : []).map((entry) => {
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

function readSoftTags(record: JsonObject, tokens: readonly Token[] | undefined, where: string): SoftTags | undefined {
  const field = record['soft_tags']
  if (field === undefined || field === null) return undefined
  const bad = (what: string) =>
    badRow(what, where, 'Write {"tags": ["O", "B-PER", …], "rows": [[0.9, 0.1, …], …]}, a row for each of “tokens”.')
  const { tags, rows } = isObject(field) ? field : {}
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) throw bad('“soft_tags” has no tags.')
  if (!Array.isArray(rows) || rows.length !== tokens?.length) throw bad('“soft_tags” has not one row for each token.')
  const isDistribution = (row: Json) =>
    Array.isArray(row) &&
    row.length === tags.length &&
    row.every((p) => typeof p === 'number' && p >= 0) &&
    Math.abs((row as readonly number[]).reduce((sum, p) => sum + p, 0) - 1) < 1e-3
  const wrong = rows.findIndex((row) => !isDistribution(row as Json))
  if (wrong >= 0) throw bad(`Row ${wrong + 1} of “soft_tags” is no distribution over ${tags.length} tags.`)
  return { tags, rows: rows as readonly (readonly number[])[] }
}

/** Documents as JSONL, a string with a line feed a document. Offsets count code points unless said otherwise. */
export function* formatJsonl(
  documents: Iterable<Document>,
  { layer = goldLayer, unit = 'code_point' }: { readonly layer?: string; readonly unit?: OffsetUnit } = {},
): Generator<string> {
  for (const { id, text, tokens, sentences, layers, soft } of documents) {
    const at = offsetWriter(text, unit)
    const record = {
      id,
      text,
      tokens: tokens?.map(({ start, end }, i) => ({
        text: text.slice(start, end),
        start: at(start),
        end: at(end),
        id: i,
      })),
      sentences,
      spans: layers[layer]?.map(({ start, end, label, score }) => ({ start: at(start), end: at(end), label, score })),
      soft_tags: soft,
      offset_unit: unit,
    }
    yield `${JSON.stringify(record)}\n`
  }
}

function offsetWriter(text: string, unit: OffsetUnit): (offset: number) => number {
  if (unit === 'utf16' || !hasSurrogates(text)) return (offset) => offset
  const codePoints = new Int32Array(text.length + 1)
  for (let offset = 0, count = 0; offset <= text.length; offset++) {
    if (offset > 0 && !splitsPair(text, offset)) count++
    codePoints[offset] = count
  }
  return (offset) => codePoints[offset]!
}
