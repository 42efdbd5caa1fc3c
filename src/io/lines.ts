import { TextDecoder } from 'node:util'
import { NerError } from '../errors.js'

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
    const line = linesBefore + 1 + lineOfFirstBad(bytes)
    const looksLike = encodingOf(bytes)
    throw new NerError('file/unreadable', `The file is not UTF-8 text: it looks like ${looksLike}.`, {
      where: `${name}:${line}`,
      mend: `Convert it: \`iconv -f ${looksLike} -t UTF-8 FILE > NEW\`.`,
      cause,
    })
  }
}

/** How many lines of some bytes come before the first that is not UTF-8. */
function lineOfFirstBad(bytes: Uint8Array): number {
  const strict = new TextDecoder('utf-8', { fatal: true })
  let lines = 0
  for (let start = 0; start < bytes.length; lines++) {
    const end = bytes.indexOf(newline, start)
    try {
      strict.decode(bytes.subarray(start, end < 0 ? bytes.length : end + 1))
    } catch {
      return lines
    }
    if (end < 0) break
    start = end + 1
  }
  return lines
}

/** What bytes that are not UTF-8 look like, as iconv names it. */
function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'UTF-16LE'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'UTF-16BE'
  // Windows has letters and quotes where ISO 8859 has control characters that no text holds.
  return bytes.some((byte) => byte >= 0x80 && byte < 0xa0) ? 'WINDOWS-1252' : 'ISO-8859-1'
}
