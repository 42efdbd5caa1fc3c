import { Readable } from 'node:stream'
import { parse as csv } from 'csv-parse'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { isList, isObject, type Json, type JsonObject } from '../data/json.js'
import type { Reject } from '../data/source.js'
import { decoded, streamedLines } from '../io/lines.js'
import { readStream } from '../io/open.js'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'

/** What a knowledge base says of one thing. */
export interface Entry {
  /** Its names, the first its main one; a name may be given as its words. */
  readonly surfaces: readonly (string | readonly string[])[]
  readonly type?: string
  readonly id?: string
  readonly popularity?: number
}

export interface KnowledgeBaseOptions {
  readonly columns: Readonly<Record<'surface' | 'type' | 'id' | 'aliases' | 'popularity', string>>
  readonly aliasSeparator: string
  /** Told of a bad row, which is then left out; without it a bad row is an error. */
  readonly onReject?: (reject: Reject) => void
}

/** A row as its format gives it, and its place. */
interface Row {
  /** Throws `weak/bad-entry` where the row breaks its format. */
  readonly value: () => Json
  readonly where: string
  readonly raw: () => string
}

const formats: Readonly<Record<string, (file: string, options: KnowledgeBaseOptions) => AsyncIterable<Row>>> = {
  csv: (file, options) => tableRows(file, ',', options),
  tsv: (file, options) => tableRows(file, '\t', options),
  json: jsonRows,
  jsonl: jsonlRows,
  ndjson: jsonlRows,
  parquet: parquetRows,
}

/**
 * Reads a knowledge base, an entry after the other: CSV or TSV with a header, JSON, JSONL or Parquet, the former four
 * also gzipped. JSON is a list of entries or, as skweak writes it, of lists by type; an entry is an object, a name, or a
 * name's words. Text is UTF-8. Lines of spaCy's EntityRuler, `{label, pattern}`, are entries too where the pattern is a text.
 *
 * @throws NerError `file/unreadable`, `data/unknown-format`, `weak/bad-entry` with file and row
 */
export async function* readKnowledgeBase(file: string, options: KnowledgeBaseOptions): AsyncGenerator<Entry> {
  const format = /\.([^./]+?)(?:\.gz)?$/.exec(file)?.[1] ?? ''
  const rows = formats[format.toLowerCase()]
  if (rows === undefined) {
    throw new NerError('data/unknown-format', 'The name of a knowledge base tells its format, and this one does not.', {
      where: file,
      mend: `Let it end with ${Object.keys(formats).join(', .')}; all but Parquet may be gzipped (.gz).`,
    })
  }
  try {
    for await (const { value, where, raw } of rows(file, options)) {
      try {
        yield entryOf(value(), where, options)
      } catch (error) {
        if (!(error instanceof NerError) || error.detail.where === file || !options.onReject) throw error
        options.onReject({ where, what: error.what, raw: raw() })
      }
    }
  } catch (error) {
    throw error instanceof NerError ? error : unreadable(file, error)
  }
}

function unreadable(file: string, cause: unknown): NerError {
  return new NerError('file/unreadable', `The knowledge base cannot be read: ${(cause as Error).message}.`, {
    where: file,
    mend: 'Check the path, and that the file is whole.',
    cause,
  })
}

const bad = (what: string, where: string, mend: string) => new NerError('weak/bad-entry', what, { where, mend })

const skipHint = 'Mend the row, or leave bad rows out with `skip-bad`.'

function entryOf(value: Json, where: string, { columns, aliasSeparator }: KnowledgeBaseOptions): Entry {
  if (typeof value === 'string' || isList(value)) return { surfaces: [surfaceOf(value, where)] }
  if (!isObject(value)) throw bad('An entry is an object or a name.', where, skipHint)
  const { [columns.type]: type = value['label'], [columns.id]: id, [columns.popularity]: popularity } = value
  const surface = value[columns.surface] ?? value['pattern']
  if (surface === undefined) throw missingColumn(columns.surface, Object.keys(value), where)
  if (isList(surface) && surface.some(isObject)) {
    throw bad('This is a token pattern, not a name.', where, 'Load the file in a function of kind token_patterns.')
  }
  const weight = numberOf(popularity, where, columns.popularity)
  return {
    surfaces: [surfaceOf(surface, where), ...aliasesOf(value[columns.aliases], aliasSeparator, where)],
    ...(isName(type) && { type: String(type) }),
    ...(isName(id) && { id: String(id) }),
    ...(weight !== undefined && { popularity: weight }),
  }
}

const isName = (value: Json | undefined): value is string | number =>
  (typeof value === 'string' && value !== '') || typeof value === 'number'

function surfaceOf(value: Json, where: string): string | string[] {
  const words = isList(value) ? value : [value]
  const named = words.every((word) => typeof word === 'string' && word.trim() !== '')
  if (!named || words.length === 0) throw bad(`The surface is no text: ${JSON.stringify(value)}.`, where, skipHint)
  return isList(value) ? (words as string[]) : (value as string)
}

function aliasesOf(value: Json | undefined, separator: string, where: string): (string | string[])[] {
  if (value === undefined || value === null || value === '') return []
  if (isList(value)) return value.map((alias) => surfaceOf(alias, where))
  if (typeof value !== 'string') throw bad(`The aliases are no texts: ${JSON.stringify(value)}.`, where, skipHint)
  return value.split(separator).flatMap((alias) => (alias.trim() === '' ? [] : [alias.trim()]))
}

function numberOf(value: Json | undefined, where: string, column: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const number = Number(value)
  if (Number.isFinite(number) && number >= 0) return number
  throw bad(`The ${column} is no number from 0 up: ${JSON.stringify(value)}.`, where, skipHint)
}

function missingColumn(column: string, present: readonly string[], where: string): NerError {
  const meant = nearest(column, present) ?? present[0] ?? '…'
  const what = `There is no column ${column}; there are ${present.join(', ') || 'none'}.`
  return bad(what, where, `Name the column in the function: columns: {surface: ${meant}}`)
}

async function* tableRows(file: string, delimiter: string, { columns }: KnowledgeBaseOptions): AsyncGenerator<Row> {
  const parser = csv({ delimiter, info: true, relax_column_count: true, relax_quotes: delimiter === '\t' })
  const source = Readable.from(decoded(readStream(file), file)).on('error', (error) => parser.destroy(error))
  let header: readonly string[] | undefined
  for await (const read of source.pipe(parser)) {
    const { record, info } = read as { readonly record: readonly string[]; readonly info: { readonly lines: number } }
    const where = `${file}:${info.lines}`
    if (header === undefined) {
      header = record.map((name) => name.trim())
      if (!header.includes(columns.surface)) throw missingColumn(columns.surface, header, where)
      continue
    }
    if (record.length === 1 && record[0] === '') continue
    const names = header
    yield { value: () => rowObject(names, record, where), where, raw: () => record.join(delimiter) }
  }
  if (header === undefined) throw bad('The file is empty.', file, `Give a header, e.g. ${columns.surface}`)
}

function rowObject(header: readonly string[], cells: readonly string[], where: string): JsonObject {
  if (cells.length === header.length) return Object.fromEntries(header.map((name, i) => [name, cells[i]!]))
  throw bad(`The row has ${cells.length} cells where the header has ${header.length}.`, where, skipHint)
}

async function* jsonRows(file: string): AsyncGenerator<Row> {
  let text = ''
  for await (const chunk of decoded(readStream(file), file)) text += chunk
  const tree = parseJson(text, file)
  if (isList(tree)) yield* itemsOf(tree, file)
  else if (isObject(tree)) {
    for (const [type, names] of Object.entries(tree)) {
      if (!isList(names ?? null)) throw bad(`“${type}” is not a list of names.`, file, 'Write {"TYPE": ["name", …]}.')
      const typed = (names as readonly Json[]).map((name) =>
        isObject(name) ? { type, ...name } : { type, surface: name },
      )
      yield* itemsOf(typed, `${file}, ${type}`)
    }
  } else throw bad('The file is no list of names.', file, 'Write ["name", …] or {"TYPE": ["name", …]}.')
}

function* itemsOf(items: readonly Json[], where: string): Generator<Row> {
  for (const [i, value] of items.entries()) {
    yield { value: () => value, where: `${where}, item ${i + 1}`, raw: () => JSON.stringify(value) }
  }
}

async function* jsonlRows(file: string): AsyncGenerator<Row> {
  let line = 0
  for await (const text of streamedLines(readStream(file), file)) {
    line++
    const where = `${file}:${line}`
    if (text.trim() !== '') yield { value: () => parseJson(text, where), where, raw: () => text }
  }
}

function parseJson(text: string, where: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    throw bad(`This is not JSON: ${(cause as Error).message}.`, where, skipHint)
  }
}

/** Rows read at once of a Parquet file. */
const rowsAtOnce = 1 << 16

async function* parquetRows(file: string, { columns: names }: KnowledgeBaseOptions): AsyncGenerator<Row> {
  const buffer = await asyncBufferFromFile(file)
  const metadata = await parquetMetadataAsync(buffer)
  const present = metadata.schema.slice(1).map(({ name }) => name)
  if (!present.includes(names.surface)) throw missingColumn(names.surface, present, file)
  const columns = Object.values(names).filter((name) => present.includes(name))
  const rows = Number(metadata.num_rows)
  for (let start = 0; start < rows; start += rowsAtOnce) {
    const end = Math.min(rows, start + rowsAtOnce)
    const read = await parquetReadObjects({
      file: buffer,
      metadata,
      columns,
      rowStart: start,
      rowEnd: end,
      compressors,
    })
    for (const [i, row] of read.entries()) {
      const value = plain(row)
      yield { value: () => value, where: `${file}, row ${start + i + 1}`, raw: () => JSON.stringify(value) }
    }
  }
}

/** Parquet's whole numbers may be BigInts. */
const plain = (row: Record<string, unknown>): JsonObject =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, (typeof value === 'bigint' ? Number(value) : value) as Json]),
  )
