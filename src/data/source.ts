import { TextDecoder } from 'node:util'
import { NerError } from '../errors.js'
import type { OffsetUnit } from './offsets.js'
import type { Scheme } from './schemes.js'

/** A data file as it is read. */
export interface Source {
  /** The path as the user gave it, for messages. */
  readonly name: string
  /** What document ids begin with where the file gives none. */
  readonly base: string
  /** Lines without their ends; may be walked once. */
  readonly lines: Iterable<string>
  /** How much of the file came before, where it is read in parts. */
  readonly before?: { readonly lines: number; readonly documents: number }
}

export interface ReadOptions {
  /** The layer that the file's labels are read into; `gold` unless said. */
  readonly layer?: string
  /** The scheme of CoNLL tags; detected unless said. */
  readonly scheme?: Scheme
  /**
   * `required`, unless said: every document has spans in the layer. `soft`: spans or soft tags. `optional`: a file or
   * document without either is no error, and gets no layer.
   */
  readonly labels?: 'required' | 'soft' | 'optional'
  /** Collect what is malformed in `rejects` instead of stopping at the first. */
  readonly skipBad?: boolean
  /** What offsets count where the file does not say; code points unless said. */
  readonly offsetUnit?: OffsetUnit
  /**
   * Told of each span and tag that is wrong, instead of refusing the whole row: a span is left out, tags are read as the
   * conlleval script reads them, by the scheme that they are closest to.
   */
  readonly onProblem?: (problem: Problem) => void
}

/** A span or tag that is wrong, in a row that can be read without it. */
export interface Problem {
  /** `empty` spans say nothing, `offset`s do not fit their text, `scheme` is a tag that cannot stand where it does. */
  readonly kind: 'empty' | 'offset' | 'scheme'
  /** Absent where the whole file is meant. */
  readonly document?: string
  /** File and line. */
  readonly where: string
  /** UTF-16 offsets, of a tag's token. */
  readonly start?: number
  readonly end?: number
  readonly what: string
  readonly mend: string
}

/** A sentence or record that was left out. */
export interface Reject {
  /** File and line. */
  readonly where: string
  readonly what: string
  readonly mend?: string | undefined
  /** Its lines, to be written to a file and mended; a sentence may have lost its middle columns. */
  readonly raw: string
}

/** Where the bad rows of one file go: thrown, or collected if the user said so. */
export function rejectInto(rejects: Reject[], skipBad: boolean | undefined) {
  return (error: NerError, raw: string): void => {
    if (!skipBad) throw error
    rejects.push({ where: error.detail.where ?? '', what: error.what, mend: error.detail.mend, raw })
  }
}

const newline = 0x0a

/** How many of a file's first bytes are a byte-order mark. */
export const markLength = (bytes: Uint8Array) => (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0)

/**
 * Bytes of UTF-8 as lines, without their ends (LF or CRLF) or a byte-order mark. Decodes some megabytes at a time: a
 * file may be longer than the longest string. Throws `file/unreadable` on bytes that are not UTF-8.
 */
export function* linesOf(bytes: Uint8Array, name: string, chunkSize = 1 << 23): Generator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let lineNumber = 0
  for (let start = markLength(bytes); start < bytes.length;) {
    const lineEnd = start + chunkSize < bytes.length ? bytes.indexOf(newline, start + chunkSize) : -1
    const end = lineEnd < 0 ? bytes.length : lineEnd + 1
    const chunk = decode(decoder, bytes.subarray(start, end), name, lineNumber)
    for (let from = 0; from < chunk.length;) {
      const to = chunk.indexOf('\n', from)
      const stop = to < 0 ? chunk.length : to
      yield chunk.slice(from, chunk[stop - 1] === '\r' && stop > from ? stop - 1 : stop)
      lineNumber++
      from = stop + 1
    }
    start = end
  }
}

/** Bytes of UTF-8 as text, as they come, without a byte-order mark. @throws NerError `file/unreadable` */
export async function* decoded(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let linesBefore = 0
  for await (const bytes of stream) {
    const text = decode(decoder, bytes, name, linesBefore, { stream: true })
    linesBefore += text.split('\n').length - 1
    yield text
  }
  yield decode(decoder, new Uint8Array(), name, linesBefore)
}

/** As {@link linesOf}, of bytes as they come. */
export async function* streamedLines(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  let rest = ''
  for await (const text of decoded(stream, name)) {
    rest += text
    if (!text.includes('\n')) continue
    const lines = rest.split(/\r?\n/)
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest.replace(/\r$/, '')
}

/** Whether bytes are the beginning of a gzip file. */
export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b

function decode(
  decoder: TextDecoder,
  bytes: Uint8Array,
  name: string,
  linesBefore: number,
  options: { stream?: boolean } = {},
): string {
  try {
    return decoder.decode(bytes, options)
  } catch (cause) {
    if (linesBefore === 0 && isGzip(bytes)) {
      throw new NerError('file/unreadable', 'The text is gzipped.', {
        where: name,
        mend: 'Unzip it first, e.g. `gzip -dc FILE > NEW`.',
        cause,
      })
    }
    throw new NerError('file/unreadable', 'The file is not UTF-8 text.', {
      where: `${name}, after line ${linesBefore}`,
      mend: 'Convert it, e.g. `iconv -f ENCODING -t UTF-8 FILE > NEW`; `file FILE` guesses the encoding.',
      cause,
    })
  }
}
