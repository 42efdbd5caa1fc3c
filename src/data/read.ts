import { NerError } from '../errors.js'
import { hashBytes } from '../io/hash.js'
import { foreignBytes, foreignText } from './formats/foreign.js'
import { readConll } from './formats/conll.js'
import { isDoccano, readDoccano } from './formats/doccano.js'
import { goldLayer, type Document } from './document.js'
import { readJsonl } from './formats/jsonl.js'
import { isObject, type Json } from './json.js'
import { isLabelStudio, readLabelStudio } from './formats/label-studio.js'
import type { Loss } from './losses.js'
import { firstRows } from './formats/records.js'
import type { OffsetUnit } from './offsets.js'
import type { Scheme } from './schemes.js'
import { baseOf, type ReadOptions, type Reject, type Source } from './source.js'
import { linesOf } from '../io/lines.js'
import { readWhole, unpacked } from '../io/open.js'
import { tellReading } from './notes.js'
import { isSpacy, readSpacy } from './formats/spacy.js'

export type Format = 'conll' | 'jsonl' | 'doccano' | 'label-studio' | 'spacy'

/** What is read of a file, whatever its format. */
export interface Content {
  readonly documents: readonly Document[]
  /** Of CoNLL tags; absent where there are none. */
  readonly scheme?: Scheme
  /** What was left out: rows that are malformed, and what annotators declined to label. */
  readonly rejects: readonly Reject[]
  /** What the file holds and documents do not. */
  readonly losses: readonly Loss[]
  /** What was told, assumed or mended in reading, a line each. */
  readonly notes?: readonly string[]
  /** What offsets count, where the file does not say and its words do. */
  readonly unit?: OffsetUnit
}

export interface Corpus extends Content {
  readonly format: Format
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly hash: string
}

export interface CorpusOptions extends ReadOptions {
  /** `auto` (the default) looks at the content. */
  readonly format?: Format | 'auto'
}

const readers: Record<Format, (source: Source, options: ReadOptions) => Content> = {
  conll: readConll,
  jsonl: readJsonl,
  doccano: readDoccano,
  'label-studio': readLabelStudio,
  spacy: readSpacy,
}

export const formats = Object.keys(readers) as Format[]

/** What files of a format are called. */
export const extensions: Readonly<Record<Format, string>> = {
  conll: '.conll',
  jsonl: '.jsonl',
  doccano: '.jsonl',
  'label-studio': '.json',
  spacy: '.json',
}

/**
 * Reads labelled documents from a file of any format, plain or gzipped; the format is told by content, not by name.
 * Throws `file/unreadable`, `data/empty`, `data/unknown-format` and what the format's reader throws.
 */
export async function readDocuments(path: string, options: CorpusOptions = {}): Promise<Corpus> {
  const { bytes, hash } = await readWhole(path)
  const corpus = parseDocuments(bytes, path, options)
  if (corpus.format !== 'conll' && isUnlabelled(corpus.documents, options.layer)) {
    const rows = firstRows({ name: path, base: path, lines: linesOf(bytes, path) }).filter(isObject)
    const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    const seen = keys.length === 0 ? '' : `; records have the keys ${keys.join(', ')}`
    tellReading({ file: path, note: `no document has labels${seen}` })
  }
  return { ...corpus, hash }
}

/** Whether no document has labels: not even that it has no entity. */
export const isUnlabelled = (documents: readonly Document[], layer = goldLayer): boolean =>
  documents.every(({ layers, soft }) => layers[layer] === undefined && soft === undefined)

/** What one person labelled; `null` stands for rows that name nobody. */
export interface Annotations {
  readonly annotator: string | null
  readonly documents: readonly Document[]
}

/**
 * Reads a file whose rows name their annotator (Prodigy's `_annotator_id` or `_session_id`, Label Studio's
 * `completed_by`, doccano's users) as one list of documents for each. Other files give one list.
 * Throws as `readDocuments`.
 */
export async function readAnnotations(path: string, options: CorpusOptions = {}): Promise<Annotations[]> {
  const { documents } = await readDocuments(path, options)
  const byName = new Map<string | null, Document[]>()
  for (const document of documents) {
    const theirs = byName.get(document.annotator ?? null)
    if (theirs) theirs.push(document)
    else byName.set(document.annotator ?? null, [document])
  }
  return [...byName].map(([annotator, theirs]) => ({ annotator, documents: theirs }))
}

/** As `readDocuments`, from bytes that are already here, e.g. standard input. */
export function parseDocuments(bytes: Buffer, name: string, options: CorpusOptions = {}): Corpus {
  const hash = hashBytes(bytes)
  const plain = unpacked(bytes, name)
  const source = () => ({ name, base: baseOf(name), lines: linesOf(plain, name) })
  const format = options.format && options.format !== 'auto' ? options.format : detectFormat(plain, source())
  const content = readers[format](source(), options)
  const { documents, rejects, notes = [] } = content
  for (const note of notes) tellReading({ file: name, note })
  if (documents.length === 0) {
    throw noDocuments(name, rejects)
  }
  return { ...content, format, hash }
}

/** The error of a file without a document; of rows that were left out, the first says why. */
export function noDocuments(name: string, rejects: readonly Pick<Reject, 'what'>[]): NerError {
  const left = rejects.length > 0 ? ` All ${rejects.length} were left out: ${rejects[0]!.what}` : ''
  return empty(name, `The file holds no document.${left}`)
}

const empty = (name: string, what: string) =>
  new NerError('data/empty', what, {
    where: name,
    mend: 'Give CoNLL columns (`Paris B-LOC`, a blank line after each sentence) or JSONL (`{"text": …, "spans": […]}`).',
  })

/** Told by the first line that is not blank, and in JSON by the first row. */
export function detectFormat(bytes: Uint8Array, source: Source): Format {
  const { name } = source
  const unknown = (what: string, mend: string) => new NerError('data/unknown-format', what, { where: name, mend })
  refuseForeign(foreignBytes(bytes), name)
  if (bytes.subarray(0, 4096).includes(0)) {
    throw unknown('The file is binary, or UTF-16 text.', 'Give CoNLL or JSON text in UTF-8.')
  }
  let first: string | undefined
  for (const line of linesOf(bytes, name)) {
    if (line.trim() === '') continue
    first = line.trim()
    break
  }
  if (first === undefined) throw empty(name, bytes.length === 0 ? 'The file is empty.' : 'The file is blank.')
  refuseForeign(foreignText(first), name)
  if (first === '{') {
    throw unknown(
      'The file is one JSON object over several lines.',
      'Write one object a line, e.g. `jq -c . FILE > NEW.jsonl`, or a list of objects.',
    )
  }
  if (isJson(first)) return jsonFormat(firstRows(source))
  if (/^(\w+\s*=\s*)?\[?\s*\(\s*["'].*["']\s*,/.test(first)) {
    throw unknown(
      'The file is Python code, not JSON.',
      'Write the list from Python with json.dump: tuples become lists, which are read.',
    )
  }
  return 'conll'
}

/** @throws NerError `data/unknown-format` for a format that is known, and not read */
export function refuseForeign(foreign: ReturnType<typeof foreignText>, name: string): void {
  if (foreign === undefined) return
  throw new NerError('data/unknown-format', `This looks like ${foreign.what}, which is not read.`, {
    where: name,
    mend: foreign.mend,
  })
}

/** Whether a file's first line that is not blank begins JSON: text, too, may begin with a bracket. */
export const isJson = (line: string) => /^(\{\s*("|\}?$)|\[\s*([[{"].*)?$)/.test(line)

/** The first format that a row has the marks of. What is no JSON is left to the reader of JSONL to complain of. */
export function jsonFormat(rows: readonly Json[]): Format {
  if (rows.some(isSpacy)) return 'spacy'
  if (rows.some(isLabelStudio)) return 'label-studio'
  return rows.some(isDoccano) ? 'doccano' : 'jsonl'
}
