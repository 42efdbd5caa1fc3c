import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { NerError } from '../errors.js'
import { readConll } from './conll.js'
import type { Document } from './document.js'
import { readJsonl } from './jsonl.js'
import type { Scheme } from './schemes.js'
import { linesOf, type ReadOptions, type Reject } from './source.js'

export type Format = 'conll' | 'jsonl'

export interface Corpus {
  readonly documents: readonly Document[]
  readonly format: Format
  /** Of CoNLL tags; absent where there are none. */
  readonly scheme?: Scheme
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly hash: string
  /** What was left out. */
  readonly rejects: readonly Reject[]
}

export interface CorpusOptions extends ReadOptions {
  /** `auto` (the default) looks at the content. */
  readonly format?: Format | 'auto'
}

/**
 * Reads labelled documents from a file, CoNLL or JSONL, plain or gzipped; both are told by content, not by name.
 * Throws `file/unreadable`, `data/empty`, `data/unknown-format` and what `readConll` and `readJsonl` throw.
 */
export async function readDocuments(path: string, options: CorpusOptions = {}): Promise<Corpus> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const mend = 'Check the path, and that you may read it.'
    throw new NerError('file/unreadable', `The data file cannot be read: ${(cause as Error).message}.`, {
      where: path,
      mend,
      cause,
    })
  }
  return parseDocuments(bytes, path, options)
}

/** As `readDocuments`, from bytes that are already here, e.g. standard input. */
export function parseDocuments(bytes: Uint8Array, name: string, options: CorpusOptions = {}): Corpus {
  const hash = createHash('sha256').update(bytes).digest('hex')
  const plain = unzipped(bytes, name)
  const format = options.format && options.format !== 'auto' ? options.format : detectFormat(plain, name)
  const source = { name, base: basename(name).replace(/\.gz$/, ''), lines: linesOf(plain, name) }
  const { documents, rejects, scheme } =
    format === 'conll' ? readConll(source, options) : { ...readJsonl(source, options), scheme: undefined }
  if (documents.length === 0) {
    const left = rejects.length > 0 ? ` All ${rejects.length} were left out: ${rejects[0]!.what}` : ''
    throw empty(name, `The file holds no document.${left}`)
  }
  return { documents, format, ...(scheme && { scheme }), hash, rejects }
}

const empty = (name: string, what: string) =>
  new NerError('data/empty', what, {
    where: name,
    mend: 'Give CoNLL columns (`Paris B-LOC`, a blank line after each sentence) or JSONL (`{"text": …, "spans": […]}`).',
  })

function unzipped(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes)
  } catch (cause) {
    throw new NerError('file/unreadable', `The gzip file is damaged: ${(cause as Error).message}.`, {
      where: name,
      mend: 'Write or download it again; `gzip -t FILE` tests it.',
      cause,
    })
  }
}

/** Told by the first line that is not blank. */
function detectFormat(bytes: Uint8Array, name: string): Format {
  const unknown = (what: string, mend: string) => new NerError('data/unknown-format', what, { where: name, mend })
  if (bytes.subarray(0, 4096).includes(0)) {
    throw unknown('The file is binary, or UTF-16 text.', 'Give CoNLL or JSONL text in UTF-8.')
  }
  let first: string | undefined
  for (const line of linesOf(bytes, name)) {
    if (line.trim() === '') continue
    first = line.trim()
    break
  }
  if (first === undefined) throw empty(name, bytes.length === 0 ? 'The file is empty.' : 'The file is blank.')
  if (/^\{\s*("|\}$)/.test(first)) return 'jsonl'
  if (/^(\{|\[|\[\s*[[{"].*)$/.test(first)) {
    throw unknown(
      'The file is JSON over several lines or in one list, not JSONL.',
      'Write one object a line, e.g. `jq -c ".[]" FILE > NEW.jsonl`.',
    )
  }
  return 'conll'
}
