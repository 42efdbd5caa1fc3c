import { NerError } from '../../errors.js'
import type { Document } from '../document.js'
import { isList, isObject, type Json, type JsonObject } from '../json.js'
import { type Lose, type Loss, tally } from '../losses.js'
import { badRow } from '../ranges.js'
import type { OffsetUnit } from '../offsets.js'
import { documentFrom } from './record.js'
import { rejectInto, type ReadOptions, type Reject, type Source } from '../source.js'

export interface RecordCorpus {
  readonly documents: Document[]
  readonly rejects: Reject[]
  /** What the file holds and no document does. */
  readonly losses: Loss[]
  /** What was told or assumed, a line each. */
  readonly notes?: readonly string[]
  /** What offsets count, where the file does not say and its words do. */
  readonly unit?: OffsetUnit
}

/** What a tool's reader may do besides giving records. */
export interface RowContext {
  /** File and line, or file and item. */
  readonly where: string
  readonly lose: Lose
  /** Leaves out what an annotator declined to label, which is no error. */
  readonly decline: (what: string) => void
}

/**
 * What a tool writes for one text, in this project's own form (see `record.ts`): one record for each person who
 * labelled it.
 */
export type RowReader = (row: Json, context: RowContext) => readonly JsonObject[]

/** Reads rows of JSON into documents. Throws `data/bad-row` or `data/bad-offset`, with file and line. */
export function readRecords(source: Source, options: ReadOptions, read: RowReader): RecordCorpus {
  const documents: Document[] = []
  const rejects: Reject[] = []
  const { lose, losses } = tally()
  const reject = rejectInto(rejects, options.skipBad)
  for (const { value, where, raw } of rowsOf(source)) {
    const decline = (what: string) => void rejects.push({ where, what, raw: raw() })
    const id = `${source.base}:${(source.before?.documents ?? 0) + documents.length + 1}`
    try {
      const records = read(value(), { where, lose, decline })
      documents.push(...records.map((record) => documentFrom(record, { id, where, lose, options })))
    } catch (error) {
      if (!(error instanceof NerError)) throw error
      reject(error, raw())
    }
  }
  return { documents, rejects, losses: losses() }
}

/** A line of JSONL or an item of a JSON list. */
interface Row {
  /** Throws `data/bad-row` where the line is not JSON. */
  readonly value: () => Json
  readonly where: string
  /** One line of text. */
  readonly raw: () => string
}

/** The rows of a file that are JSON. */
export function* goodRows(source: Source): Generator<Json> {
  for (const { value } of rowsOf(source)) {
    let row: Json
    try {
      row = value()
    } catch {
      continue
    }
    yield row
  }
}

/** Rows looked at for a file's format to be told: the first may have no labels. */
export const rowsForFormat = 50

/** The first rows of a file; none where there are none or they are not JSON. */
export function firstRows(source: Source): Json[] {
  const rows: Json[] = []
  for (const { value } of rowsOf(source)) {
    try {
      rows.push(value())
    } catch {
      break
    }
    if (rows.length === rowsForFormat) break
  }
  return rows
}

/** Rows of JSONL, or the items of a file that is one JSON list, on one line or on many. */
function* rowsOf({ name, lines, before }: Source): Generator<Row> {
  let lineNumber = before?.lines ?? 0
  let first = true
  const iterator = lines[Symbol.iterator]()
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    const line = next.value
    lineNumber++
    if (line.trim() === '') continue
    if (first && line.trimStart().startsWith('[') && !isTuple(tryParse(line))) {
      yield* itemsOf(name, [line, ...rest(iterator)].join('\n'))
      return
    }
    first = false
    const where = `${name}:${lineNumber}`
    yield { value: () => parse(line, where), where, raw: () => line }
  }
}

function* rest(iterator: Iterator<string>): Generator<string> {
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) yield next.value
}

/** A list that is a row by itself: spaCy's text and annotations. */
const isTuple = (value: Json | undefined) =>
  isList(value) && value.length === 2 && typeof value[0] === 'string' && isObject(value[1])

function* itemsOf(name: string, text: string): Generator<Row> {
  const list = parse(text, name)
  for (const [i, value] of (list as readonly Json[]).entries()) {
    yield { value: () => value, where: `${name}, item ${i + 1}`, raw: () => JSON.stringify(value) }
  }
}

function tryParse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function parse(text: string, where: string): Json {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch (cause) {
    throw badRow(`This is not JSON: ${(cause as Error).message}.`, where, 'Write one object a line, or one list.')
  }
  if (!isDeep(text)) return value
  throw badRow(`Its lists and objects are nested more than ${deepest} deep.`, where, 'Leave out what is nested so.')
}

/** What is nested deeper is read, but neither walked nor written again. */
const deepest = 500

/** Looks at each character only where there are enough brackets. */
function isDeep(json: string): boolean {
  let brackets = 0
  for (const mark of ['[', '{']) {
    for (let at = json.indexOf(mark); at >= 0 && brackets <= deepest; at = json.indexOf(mark, at + 1)) brackets++
  }
  return brackets > deepest && depthOf(json) > deepest
}

function depthOf(json: string): number {
  let [depth, most, isText] = [0, 0, false]
  for (let at = 0; at < json.length; at++) {
    const mark = json[at]
    if (isText && mark === '\\') at++
    else if (mark === '"') isText = !isText
    else if (!isText && (mark === '[' || mark === '{')) most = Math.max(most, ++depth)
    else if (!isText && (mark === ']' || mark === '}')) depth--
  }
  return most
}
