import { readFile, stat } from 'node:fs/promises'
import { NerError } from '../../errors.js'
import { hashBytes } from '../../io/hash.js'

export interface Watched {
  /** A file, or an address of http or https. */
  readonly source: string
  readonly max_bytes: number
  readonly checksum: boolean
}

/** What is known of the bytes that were read last. */
export interface Seen {
  readonly sha256: string
  /** An address' ETag, or a file's size and times. */
  readonly tag: string | undefined
}

export interface Fetched extends Seen {
  readonly bytes: Uint8Array
}

/** Milliseconds that an address has for all its bytes. */
const patience = 60_000

export const isAddress = (source: string): boolean => /^https?:\/\//.test(source)

/**
 * The bytes of a file or an address, or nothing where they are those that were seen.
 *
 * @throws NerError `serve/bad-list` where they cannot be read, are too many, or are not those of the checksum
 */
export async function fetchIfChanged(watched: Watched, seen: Seen | undefined): Promise<Fetched | undefined> {
  const { source, checksum } = watched
  const read = isAddress(source) ? await fromAddress(watched, seen?.tag) : await fromFile(watched, seen?.tag)
  if (read === undefined) return undefined
  const sha256 = hashBytes(read.bytes)
  if (sha256 === seen?.sha256) return undefined
  if (checksum) {
    const expected = await fetchIfChanged(
      { source: `${source}.sha256`, max_bytes: 1 << 10, checksum: false },
      undefined,
    )
    const [hash] = Buffer.from(expected!.bytes).toString('latin1').trim().toLowerCase().split(/\s+/)
    if (hash !== sha256) throw bad(source, `The bytes have another hash than ${source}.sha256 says`)
  }
  return { ...read, sha256 }
}

interface Read {
  readonly bytes: Uint8Array
  readonly tag: string | undefined
}

async function fromFile({ source, max_bytes: most }: Watched, tag: string | undefined): Promise<Read | undefined> {
  try {
    const { size, mtimeMs, ctimeMs, ino } = await stat(source)
    const now = [size, mtimeMs, ctimeMs, ino].join(' ')
    if (now === tag) return undefined
    if (size > most) throw tooLarge(source, most)
    return { bytes: await readFile(source), tag: now }
  } catch (cause) {
    throw cause instanceof NerError ? cause : bad(source, `It cannot be read: ${(cause as Error).message}`)
  }
}

async function fromAddress({ source, max_bytes: most }: Watched, tag: string | undefined): Promise<Read | undefined> {
  try {
    const response = await fetch(source, {
      headers: tag === undefined ? {} : { 'if-none-match': tag },
      signal: AbortSignal.timeout(patience),
    })
    if (response.status === 304) return undefined
    if (!response.ok) throw bad(source, `The address answers ${response.status}`)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body ?? []) {
      size += (chunk as Uint8Array).length
      if (size > most) throw tooLarge(source, most)
      chunks.push(chunk as Uint8Array)
    }
    return { bytes: Buffer.concat(chunks), tag: response.headers.get('etag') ?? undefined }
  } catch (cause) {
    throw cause instanceof NerError ? cause : bad(source, `It cannot be read: ${(cause as Error).message}`)
  }
}

const tooLarge = (source: string, most: number) => bad(source, `It has more than ${most} bytes`)

const bad = (where: string, what: string) =>
  new NerError('serve/bad-list', `${what}.`, { where, mend: 'Mend the source; what was read before it is kept.' })
