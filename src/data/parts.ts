import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { NerError } from '../errors.js'
import { areColumns, documentStart, readConll } from './formats/conll.js'
import type { Document } from './document.js'
import { readJsonl } from './formats/jsonl.js'
import { isJson } from './read.js'
import type { Scheme } from './schemes.js'
import type { ReadOptions, Reject, Source } from './source.js'
import { linesOf, markLength } from '../io/lines.js'

/*
 * Files of any length, read in parts of some hundred kilobytes that hold whole documents, so that memory stays flat and
 * parts can be worked on side by side.
 */

/** `text` has a document on each line. */
export const partFormats = ['conll', 'jsonl', 'text'] as const
export type PartFormat = (typeof partFormats)[number]

/** Whole documents of a file, as bytes; can be handed to other threads. */
export interface Part {
  readonly file: string
  readonly format: PartFormat
  readonly bytes: Uint8Array
  readonly before: NonNullable<Source['before']>
  /** Of CoNLL tags, where the file has any. */
  readonly scheme?: Scheme
}

export interface PartOptions {
  /** Told by content unless said. */
  readonly format?: PartFormat
  readonly scheme?: Scheme
  /** Bytes; a part is as much longer as its last document needs. */
  readonly size?: number
}

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
  let wanted = headSize
  for await (const chunk of bytesOf(file, name)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (rest.length < wanted) continue
    kind ??= begin()
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
  while (rest.length > size) {
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
  /** Whether -DOCSTART- rows part documents. */
  readonly starts: boolean
}

/** Reads a part's documents. Labels are optional. Throws as `readConll` and `readJsonl`. */
export function readPart({ file, format, bytes, before, scheme }: Part, options: ReadOptions = {}) {
  const base = basename(file).replace(/\.gz$/, '')
  const source: Source = { name: file, base, lines: linesOf(bytes, file), before }
  const reading = { ...options, labels: 'optional', ...(scheme && { scheme }) } as const
  return readers[format](source, reading)
}

interface Content {
  readonly documents: readonly Document[]
  readonly rejects: readonly Reject[]
}

const readers: Record<PartFormat, (source: Source, options: ReadOptions) => Content> = {
  conll: readConll,
  jsonl: readJsonl,
  text: ({ base, lines, before }) => {
    const texts = [...lines].filter((line) => line.trim() !== '')
    const first = 1 + (before?.documents ?? 0)
    return { documents: texts.map((text, i) => ({ id: `${base}:${first + i}`, text, layers: {} })), rejects: [] }
  },
}

async function* bytesOf(file: string, name: string): AsyncGenerator<Buffer> {
  const unreadable = (what: string, cause: unknown) =>
    new NerError('file/unreadable', `${what}: ${(cause as Error).message}.`, {
      where: name,
      mend: 'Check the path, and that the file is whole.',
      cause,
    })
  const source = (
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 18 })
  ) as AsyncIterable<Buffer>
  const iterator = source[Symbol.asyncIterator]()
  try {
    const first = await iterator.next()
    if (first.done === true) return
    const all = (async function* () {
      yield first.value
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
    })()
    if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) yield* all
    else yield* gunzip(all)
  } catch (cause) {
    throw unreadable('The data file cannot be read', cause)
  }
}

async function* gunzip(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(bytes)
  const plain = createGunzip({ chunkSize: 1 << 18 })
  source.on('error', (error) => plain.destroy(error)).pipe(plain)
  yield* plain as AsyncIterable<Buffer>
}

/** Told by the first lines. */
function kindOf(head: Buffer, name: string, options: PartOptions): Kind {
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
  const format = options.format ?? formatOf(whole, name)
  if (format !== 'conll') return { format, starts: false }
  const starts = isStart(lines.find((line) => line.trim() !== '')!)
  if (options.scheme) return { format, starts, scheme: options.scheme }
  const kind = { format, starts }
  const end = head.length > headSize ? lastEnd(head, kind, headSize) : head.length
  const source = { name, base: name, lines: linesOf(head.subarray(0, end), name) }
  const { scheme } = readConll(source, { labels: 'optional', skipBad: true })
  return { ...kind, ...(scheme && { scheme }) }
}

const isStart = (line: string) => line.startsWith(documentStart)

/** JSONL where the first line is an object; a list is refused, since its parts are no lists. */
function formatOf(lines: readonly string[], name: string): PartFormat {
  const first = lines.find((line) => line.trim() !== '')!.trim()
  if (isStart(first) || areColumns(lines)) return 'conll'
  if (first.startsWith('{')) return 'jsonl'
  if (!isJson(first)) return 'text'
  throw new NerError('data/unknown-format', 'The file holds JSON lists, which are not read in parts.', {
    where: name,
    mend: 'Turn it into JSONL with ner data convert. If it is text, give `format` text.',
  })
}

/** Where the last document that begins in the first `size` bytes ends, or the first to end after them; 0 for nowhere. */
function lastEnd(bytes: Buffer, { format, starts }: Pick<Kind, 'format' | 'starts'>, size: number): number {
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
