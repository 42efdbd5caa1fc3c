import { NerError } from '../errors.js'
import type { Layout } from './formats/columns/layout.js'
import { areColumns, documentStart, readConll } from './formats/conll.js'
import { readDoccano } from './formats/doccano.js'
import { readJsonl } from './formats/jsonl.js'
import { firstRows, rowsForFormat } from './formats/records.js'
import { foreignBytes, foreignText } from './formats/foreign.js'
import { detectFormat, isJson, jsonFormat, parseDocuments, refuseForeign, type Content, type Format } from './read.js'
import type { Scheme } from './schemes.js'
import { tellReading } from './notes.js'
import { baseOf, type ReadOptions, type Source } from './source.js'
import { linesOf, markLength } from '../io/lines.js'
import { mostUnpacked, readStream } from '../io/open.js'

/*
 * Files of any format and length. Those that can be cut between documents are read in parts of some hundred kilobytes, so
 * that memory stays flat and parts can be worked on side by side; of others the one part is the whole file.
 */

/** Formats that can be said. `text` has a document on each line. */
export const partFormats = ['conll', 'jsonl', 'text'] as const

/** `whole`: a format whose documents do not stand on lines of their own, as in a JSON list. */
export type PartFormat = (typeof partFormats)[number] | 'doccano' | 'whole'

/** How much of a file came before a part. */
export interface Before extends NonNullable<Source['before']> {
  /** Unpacked. */
  readonly bytes: number
}

/** Whole documents of a file, as bytes; can be handed to other threads. */
export interface Part {
  readonly file: string
  readonly bytes: Uint8Array
  readonly before: Before
  /** The same of all parts of a file. */
  readonly kind: Kind
}

/** What a file's beginning told of all of it. */
export interface Kind {
  readonly format: PartFormat
  /** Of CoNLL tags, where the file has any. */
  readonly scheme?: Scheme
  /** Of columns. */
  readonly layout?: Layout
  /** Whether -DOCSTART- rows part documents. */
  readonly starts: boolean
  /** The format that was said, of a file that is read whole. */
  readonly named?: Format
}

/** Where reading a file can go on: what was told of it, and how much of it is read. JSON holds it. */
export interface Cursor {
  readonly kind: Kind
  readonly before: Before
}

export interface PartOptions {
  /** Told by content unless said. */
  readonly format?: (typeof partFormats)[number] | Format
  /** The file is labelled data: what is no JSON is columns, and these, where they are not long, are one part. */
  readonly isLabelled?: boolean
  /** Where an earlier reading of the same file stopped. */
  readonly from?: Cursor
  readonly scheme?: Scheme
  /** Bytes; a part is as much longer as its last document needs. */
  readonly size?: number
}

/** Enough for a file's format to be told. */
const firstLook = 1 << 16

/** Enough of a CoNLL file for its tags' scheme to be told; a file that is no longer is told by all of it. */
const headSize = 1 << 21

/** The same where labels matter: a file that is no longer is read as one. */
const labelledHeadSize = 1 << 24

/**
 * The parts of a file, plain or gzipped; `-` is standard input.
 *
 * @throws NerError `file/unreadable`, `data/empty`, `data/unknown-format`, `data/unknown-scheme`, `data/ambiguous-scheme`
 */
export async function* partsOf(file: string, options: PartOptions = {}): AsyncGenerator<Part> {
  const { size = 1 << 19 } = options
  const name = file === '-' ? 'standard input' : file
  const longHead = options.isLabelled === true ? labelledHeadSize : headSize
  let rest: Buffer = Buffer.alloc(0)
  let kind = options.from?.kind
  let before = options.from?.before ?? { bytes: 0, lines: 0, documents: 0 }
  const begin = (isAll: boolean) => {
    // A byte-order mark is no part of the first line, which tells the format.
    const mark = markLength(rest)
    rest = rest.subarray(mark)
    before = { ...before, bytes: mark }
    const found = kindOf(rest, name, options, longHead)
    return found.format === 'conll' && isAll && options.isLabelled === true
      ? ({ format: 'whole', named: 'conll', starts: false } as const)
      : found
  }
  const part = (bytes: Buffer): Part => {
    // A copy: another thread would be handed all of the memory that it is a view of.
    const made = { file: name, bytes: new Uint8Array(bytes), before, kind: kind! }
    before = {
      bytes: before.bytes + bytes.length,
      lines: before.lines + lineEnds(bytes),
      documents: before.documents + documentsIn(bytes, kind!),
    }
    return made
  }
  let wanted = firstLook
  for await (const chunk of skipping(readStream(file), before.bytes)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (rest.length < wanted) continue
    if (kind === undefined && wanted < longHead && needsLongHead(rest, options)) {
      wanted = longHead
      continue
    }
    kind ??= begin(false)
    if (kind.format === 'whole' && rest.length > mostUnpacked) throw tooLong(name)
    wanted = size
    // The head is long enough for several parts.
    while (rest.length >= wanted) {
      const end = lastEnd(rest, kind, size)
      if (end === 0) {
        wanted = 2 * rest.length
        break
      }
      yield part(rest.subarray(0, end))
      rest = rest.subarray(end)
      wanted = size
    }
  }
  kind ??= begin(true)
  while (rest.length > size && kind.format !== 'whole') {
    const end = lastEnd(rest, kind, size) || rest.length
    yield part(rest.subarray(0, end))
    rest = rest.subarray(end)
  }
  if (rest.length > 0) yield part(rest)
}

/** Bytes without the first of them. */
async function* skipping(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left > 0 ? chunk.subarray(left) : chunk
    left = Math.max(0, left - chunk.length)
  }
}

/** How a part is read. Labels are optional. */
export interface PartReading extends Omit<ReadOptions, 'labels'> {
  /** Of text: whether a blank line is a document, too. */
  readonly blankLines?: boolean
}

/** What a part holds. */
export interface PartContent extends Content {
  /** Absent of plain text. */
  readonly format?: Format
}

/** Reads a part's documents. Throws as `readDocuments`. */
export function readPart({ file, bytes, before, kind }: Part, options: PartReading = {}): PartContent {
  const { format, scheme, layout, named } = kind
  // The first part has the row that names the columns.
  const rest = layout && { layout: before.lines > 0 ? { ...layout, header: false } : layout }
  const reading = { ...options, ...rest, labels: 'optional', ...(scheme && { scheme }) } as const
  if (format === 'whole') {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    return parseDocuments(all, file, { ...reading, ...(named && { format: named }) })
  }
  const source = { name: file, base: baseOf(file), lines: linesOf(bytes, file), before }
  return format === 'text' ? readTexts(source, options) : { ...readers[format](source, reading), format }
}

const readers = { conll: readConll, jsonl: readJsonl, doccano: readDoccano } as const

function readTexts({ base, lines, before }: Source, { blankLines }: PartReading): PartContent {
  const texts = [...lines].filter((line) => blankLines === true || line.trim() !== '')
  const first = 1 + (before?.documents ?? 0)
  const documents = texts.map((text, i) => ({ id: `${base}:${first + i}`, text, layers: {} }))
  return { documents, rejects: [], losses: [] }
}

/** Told by the first lines. */
function kindOf(head: Buffer, name: string, options: PartOptions, longHead: number): Kind {
  if (options.format === undefined) refuseForeign(foreignBytes(head), name)
  const text = head.subarray(0, 1 << 16)
  if (text.subarray(0, 4096).includes(0)) {
    throw new NerError('data/unknown-format', 'The file is binary, or UTF-16 text.', {
      where: name,
      mend: 'Give CoNLL, JSONL or plain text in UTF-8.',
    })
  }
  const lines = text.toString('utf8').split(/\r?\n/)
  if (lines.every((line) => line.trim() === '')) {
    throw new NerError('data/empty', 'The file holds no document.', { where: name, mend: 'Give some text.' })
  }
  // The last line may be cut.
  const whole = lines.length > 1 && head.length > text.length ? lines.slice(0, -1) : lines
  const format = options.format ?? (options.isLabelled === true ? labelledFormat(head, name) : formatOf(whole, name))
  if (format === 'label-studio' || format === 'spacy') return { format: 'whole', named: format, starts: false }
  const isList = whole
    .find((line) => line.trim() !== '')!
    .trimStart()
    .startsWith('[')
  if (format === 'whole' || (format !== 'conll' && format !== 'text' && isList)) {
    return { format: 'whole', ...(format !== 'whole' && { named: format }), starts: false }
  }
  if (format !== 'conll') return { format, starts: false }
  return columnsOf(head, name, isStart(lines.find((line) => line.trim() !== '')!), options, longHead)
}

function columnsOf(head: Buffer, name: string, starts: boolean, options: PartOptions, longHead: number): Kind {
  const kind = { format: 'conll', starts } as const
  const end = head.length > longHead ? lastEnd(head, kind, longHead) : head.length
  const source = { name, base: name, lines: linesOf(head.subarray(0, end), name) }
  const { scheme, layout, notes } = readConll(source, {
    labels: 'optional',
    skipBad: true,
    ...(options.scheme && { scheme: options.scheme }),
  })
  for (const note of notes) tellReading({ file: name, note })
  return { ...kind, layout, ...(scheme && { scheme }) }
}

/** Of labelled data, told as for a file that is read whole, by all that is there of it but a line that may be cut. */
function labelledFormat(head: Buffer, name: string): Format {
  const end = head.lastIndexOf(0x0a)
  const lines = end < 0 ? head : head.subarray(0, end + 1)
  return detectFormat(lines, { name, base: name, lines: linesOf(lines, name) })
}

/** Columns tell their scheme late, and rows of JSON may be long. */
function needsLongHead(head: Buffer, { format, scheme, isLabelled }: PartOptions): boolean {
  // The last line may be cut.
  const lines = head.subarray(0, firstLook).toString('utf8').split(/\r?\n/).slice(0, -1)
  if (format === undefined && isJson(lines.find((line) => line.trim() !== '')?.trim() ?? '{'))
    return isLabelled === true && lines.length < rowsForFormat
  return (
    (scheme === undefined || isLabelled === true) && (format === 'conll' || (format === undefined && areColumns(lines)))
  )
}

const tooLong = (name: string) =>
  new NerError('file/too-large', `The file has one list of more than ${mostUnpacked / 2 ** 30} GiB.`, {
    where: name,
    mend: 'Turn it into JSONL, a document on each line, which is read as it comes.',
  })

const isStart = (line: string) => line.startsWith(documentStart)

function formatOf(lines: readonly string[], name: string): PartFormat {
  const first = lines.find((line) => line.trim() !== '')!.trim()
  if (!first.startsWith('<')) refuseForeign(foreignText(first), name)
  if (isStart(first) || areColumns(lines)) return 'conll'
  if (!isJson(first)) return 'text'
  return jsonFormat(firstRows({ name, base: name, lines })) === 'jsonl' && first.startsWith('{') ? 'jsonl' : 'whole'
}

/** Where the last document that begins in the first `size` bytes ends, or the first to end after them; 0 for nowhere. */
function lastEnd(bytes: Buffer, { format, starts }: Kind, size: number): number {
  if (format === 'whole') return 0
  const [mark, length] = format !== 'conll' ? ['\n', 1] : starts ? ['\n-DOCSTART-', 1] : [blankLine(bytes), 2]
  const last = bytes.lastIndexOf(mark, size)
  const end = last > 0 ? last : bytes.indexOf(mark, size)
  return end < 0 ? 0 : end + (mark === '\n\r\n' ? 3 : length)
}

const blankLine = (bytes: Buffer) => (bytes.includes('\n\r\n') ? '\n\r\n' : '\n\n')

/** Lines are short: to look at each byte takes less time than a search for each end. */
function lineEnds(bytes: Buffer): number {
  let found = 0
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0x0a) found++
  return found
}

function documentStarts(bytes: Buffer): number {
  const mark = '\n-DOCSTART-'
  let found = Number(bytes.indexOf('-DOCSTART-') === 0)
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) found++
  return found
}

/** How many documents a part would have if none is bad. */
function documentsIn(bytes: Buffer, { format, starts }: Kind): number {
  if (starts) return documentStarts(bytes)
  let documents = 0
  let blank = true
  for (let at = 0; at < bytes.length;) {
    const next = bytes.indexOf(10, at)
    const end = next < 0 ? bytes.length : next
    let first = at
    while (first < end && (bytes[first] === 0x20 || bytes[first] === 0x09 || bytes[first] === 0x0d)) first++
    const isBlank = first === end
    if (!isBlank && (format !== 'conll' || blank)) documents++
    blank = isBlank
    at = end + 1
  }
  return documents
}
