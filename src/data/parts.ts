import { NerError } from '../errors.js'
import type { Layout } from './formats/columns/layout.js'
import { areColumns, documentStart, readConll } from './formats/conll.js'
import type { Document } from './document.js'
import { readJsonl } from './formats/jsonl.js'
import { firstRows } from './formats/records.js'
import { foreignBytes, foreignText } from './formats/foreign.js'
import { isJson, jsonFormat, parseDocuments, refuseForeign } from './read.js'
import type { Scheme } from './schemes.js'
import { tellReading } from './notes.js'
import { baseOf, type ReadOptions, type Reject, type Source } from './source.js'
import { linesOf, markLength } from '../io/lines.js'
import { mostUnpacked, readStream } from '../io/open.js'

/*
 * Files of any format and length. Those that can be cut between documents are read in parts of some hundred kilobytes, so
 * that memory stays flat and parts can be worked on side by side; of others the one part is the whole file.
 */

/** Formats that can be said. `text` has a document on each line. */
export const partFormats = ['conll', 'jsonl', 'text'] as const

/** `whole`: a format whose documents do not stand on lines of their own, as in a JSON list. */
export type PartFormat = (typeof partFormats)[number] | 'whole'

/** Whole documents of a file, as bytes; can be handed to other threads. */
export interface Part {
  readonly file: string
  readonly format: PartFormat
  readonly bytes: Uint8Array
  readonly before: NonNullable<Source['before']>
  /** Of CoNLL tags, where the file has any. */
  readonly scheme?: Scheme
  /** Of columns, as the file's beginning told it. */
  readonly layout?: Layout
}

export interface PartOptions {
  /** Told by content unless said. */
  readonly format?: (typeof partFormats)[number]
  readonly scheme?: Scheme
  /** Bytes; a part is as much longer as its last document needs. */
  readonly size?: number
}

/** Enough for a file's format to be told. */
const firstLook = 1 << 16

/** Enough of a CoNLL file for its tags' scheme to be told; a file that is no longer is told by all of it. */
const headSize = 1 << 21

/**
 * The parts of a file, plain or gzipped; `-` is standard input.
 *
 * @throws NerError `file/unreadable`, `data/empty`, `data/unknown-format`, `data/unknown-scheme`, `data/ambiguous-scheme`
 */
export async function* partsOf(file: string, options: PartOptions = {}): AsyncGenerator<Part> {
  const { size = 1 << 19 } = options
  const name = file === '-' ? 'standard input' : file
  let rest: Buffer = Buffer.alloc(0)
  let kind: Kind | undefined
  let before = { lines: 0, documents: 0 }
  const begin = () => {
    // A byte-order mark is no part of the first line, which tells the format.
    rest = rest.subarray(markLength(rest))
    return kindOf(rest, name, options)
  }
  const part = (bytes: Buffer): Part => {
    // A copy: another thread would be handed all of the memory that it is a view of.
    const made = { file: name, bytes: new Uint8Array(bytes), before, ...kind! }
    before = {
      lines: before.lines + lineEnds(bytes),
      documents: before.documents + documentsIn(bytes, kind!),
    }
    return made
  }
  let wanted = firstLook
  for await (const chunk of readStream(file)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (rest.length < wanted) continue
    if (kind === undefined && wanted < headSize && looksLikeColumns(rest, options)) {
      wanted = headSize
      continue
    }
    kind ??= begin()
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
  kind ??= begin()
  while (rest.length > size && kind.format !== 'whole') {
    const end = lastEnd(rest, kind, size) || rest.length
    yield part(rest.subarray(0, end))
    rest = rest.subarray(end)
  }
  if (rest.length > 0) yield part(rest)
}

/** What is the same of all parts of a file. */
interface Kind {
  readonly format: PartFormat
  readonly scheme?: Scheme
  /** Of columns. */
  readonly layout?: Layout
  /** Whether -DOCSTART- rows part documents. */
  readonly starts: boolean
}

/** How a part is read. Labels are optional. */
export interface PartReading extends Omit<ReadOptions, 'labels'> {
  /** Of text: whether a blank line is a document, too. */
  readonly blankLines?: boolean
}

/** Reads a part's documents. Throws as `readDocuments`. */
export function readPart(part: Part, options: PartReading = {}): Content {
  const { file, format, bytes, before, scheme, layout } = part
  // The first part has the row that names the columns.
  const rest = layout && { layout: before.lines > 0 ? { ...layout, header: false } : layout }
  const reading = { ...options, ...rest, labels: 'optional', ...(scheme && { scheme }) } as const
  if (format === 'whole')
    return parseDocuments(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), file, reading)
  return readers[format]({ name: file, base: baseOf(file), lines: linesOf(bytes, file), before }, reading)
}

interface Content {
  readonly documents: readonly Document[]
  readonly rejects: readonly Reject[]
}

const readers: Record<Exclude<PartFormat, 'whole'>, (source: Source, options: ReadOptions & PartReading) => Content> = {
  conll: readConll,
  jsonl: readJsonl,
  text: ({ base, lines, before }, { blankLines }) => {
    const texts = [...lines].filter((line) => blankLines === true || line.trim() !== '')
    const first = 1 + (before?.documents ?? 0)
    return { documents: texts.map((text, i) => ({ id: `${base}:${first + i}`, text, layers: {} })), rejects: [] }
  },
}

/** Told by the first lines. */
function kindOf(head: Buffer, name: string, options: PartOptions): Kind {
  const text = head.subarray(0, 1 << 16)
  if (options.format === undefined) refuseForeign(foreignBytes(head), name)
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
  const format = options.format ?? formatOf(whole, name)
  if (format !== 'conll') return { format, starts: false }
  const starts = isStart(lines.find((line) => line.trim() !== '')!)
  const kind = { format, starts }
  const end = head.length > headSize ? lastEnd(head, kind, headSize) : head.length
  const source = { name, base: name, lines: linesOf(head.subarray(0, end), name) }
  const { scheme, layout, notes } = readConll(source, {
    labels: 'optional',
    skipBad: true,
    ...(options.scheme && { scheme: options.scheme }),
  })
  for (const note of notes) tellReading({ file: name, note })
  return { ...kind, layout, ...(scheme && { scheme }) }
}

const looksLikeColumns = (head: Buffer, { format, scheme }: PartOptions): boolean =>
  scheme === undefined && (format === 'conll' || (format === undefined && areColumns(linesOfHead(head))))

/** The last line may be cut. */
const linesOfHead = (head: Buffer) => head.subarray(0, firstLook).toString('utf8').split(/\r?\n/).slice(0, -1)

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
function lastEnd(bytes: Buffer, { format, starts }: Pick<Kind, 'format' | 'starts'>, size: number): number {
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
