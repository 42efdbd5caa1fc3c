import { createReadStream, type ReadStream, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline, Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import { hashBytes } from './hash.js'

/*
 * Every file that users hand over is opened here: plain, or packed by gzip or zstd, which its first bytes tell.
 */

/** Bytes that a packed file which is read whole may unpack to. */
export const mostUnpacked = 2 ** 30

/** A file read whole. */
export interface WholeFile {
  /** Unpacked. */
  readonly bytes: Buffer
  /** SHA-256 of the file as it lies there. */
  readonly hash: string
}

/**
 * Reads a file into memory.
 *
 * @throws NerError `file/unreadable`, also where it is damaged; `file/too-large` where it unpacks to more than a bound
 */
export async function readWhole(path: string): Promise<WholeFile> {
  const packed: Buffer[] = []
  try {
    for await (const chunk of rawStream(path)) packed.push(chunk as Buffer)
  } catch (cause) {
    throw unreadable(path, cause)
  }
  const bytes = Buffer.concat(packed)
  return { bytes: unpacked(bytes, path), hash: hashBytes(bytes) }
}

/** What packed bytes hold; others are given back as they are. @throws NerError as {@link readWhole} */
export function unpacked(bytes: Buffer, name: string): Buffer {
  const packing = packingOf(bytes)
  if (packing === undefined) return bytes
  try {
    return packings[packing].whole(name)(bytes, { maxOutputLength: mostUnpacked })
  } catch (cause) {
    if (cause instanceof NerError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(name, cause)
    throw damaged(packing, name, cause)
  }
}

/**
 * The bytes of a file as they come, unpacked; `-` is standard input. Memory stays flat, so that nothing bounds them.
 *
 * @throws NerError `file/unreadable`
 */
export async function* readStream(path: string): AsyncGenerator<Buffer> {
  const name = path === '-' ? 'standard input' : path
  const source: Readable = path === '-' ? process.stdin : rawStream(path)
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let packing: Packing | undefined
  try {
    // A packing's mark has four bytes, and a pipe may give fewer at once.
    let head: Buffer = Buffer.alloc(0)
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
      if (head.length >= 4) break
    }
    const all = rest(head, chunks)
    packing = packingOf(head)
    if (packing === undefined) yield* all
    else yield* through(all, packings[packing].stream(name))
  } catch (cause) {
    if (cause instanceof NerError) throw cause
    throw packing !== undefined && isOfZlib(cause) ? damaged(packing, name, cause) : unreadable(name, cause)
  } finally {
    if (path !== '-') source.destroy()
  }
}

const rawStream = (path: string): ReadStream => createReadStream(path, { highWaterMark: 1 << 18 })

async function* rest(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
}

async function* through(bytes: AsyncIterable<Buffer>, unpack: Transform): AsyncGenerator<Buffer> {
  pipeline(Readable.from(bytes), unpack, () => undefined)
  yield* unpack as AsyncIterable<Buffer>
}

type Packing = 'gzip' | 'zstd'

const packingOf = (head: Uint8Array): Packing | undefined =>
  head[0] === 0x1f && head[1] === 0x8b
    ? 'gzip'
    : head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd
      ? 'zstd'
      : undefined

type Unpack = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer

interface Unpacker {
  readonly whole: (name: string) => Unpack
  readonly stream: (name: string) => Transform
}

/** zstd came with Node.js 22.15. */
const { zstdDecompressSync, createZstdDecompress } = zlib as {
  readonly zstdDecompressSync?: Unpack
  readonly createZstdDecompress?: () => Transform
}

const packings: Readonly<Record<Packing, Unpacker>> = {
  gzip: {
    whole: () => zlib.gunzipSync,
    stream: () => zlib.createGunzip({ chunkSize: 1 << 18 }),
  },
  zstd: {
    whole: (name) => zstdDecompressSync ?? noZstd(name),
    stream: (name) => (createZstdDecompress ?? noZstd(name))(),
  },
}

function noZstd(name: string): never {
  throw new NerError(
    'file/unreadable',
    `The file is packed by zstd, which Node.js ${process.versions.node} does not unpack.`,
    {
      where: name,
      mend: 'Unpack it first (zstd -d FILE), or take Node.js 22.15 or later.',
    },
  )
}

const isOfZlib = (cause: unknown) => /^(Z_|ZSTD_|ERR_ZSTD)/.test(String((cause as NodeJS.ErrnoException).code))

const damaged = (packing: Packing, name: string, cause: unknown) =>
  new NerError('file/unreadable', `The ${packing} file is damaged: ${(cause as Error).message}.`, {
    where: name,
    mend: `Write or download it again; \`${packing} -t FILE\` tests it.`,
    cause,
  })

const tooLarge = (name: string, cause: unknown) =>
  new NerError('file/too-large', `The file unpacks to more than ${mostUnpacked / 2 ** 30} GiB.`, {
    where: name,
    mend: 'If that is meant, unpack it to a file, and divide it.',
    cause,
  })

/** What keeps a file from being read, as an error that the user can mend: with the name that was probably meant. */
export function unreadable(path: string, cause: unknown): NerError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  if (code === 'ENOENT') {
    const meant = nearestFile(path)
    return new NerError('file/unreadable', 'There is no such file.', {
      where: path,
      mend: meant === undefined ? 'Check the path.' : `Did you mean ${meant}?`,
      cause,
    })
  }
  return new NerError('file/unreadable', `The file cannot be read: ${reasons[code] ?? (cause as Error).message}.`, {
    where: path,
    mend: code === 'EISDIR' ? 'Name a file in it.' : 'Check the path, and that you may read it.',
    cause,
  })
}

const reasons: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of the path is a file',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the disk reports an error',
}

/** The file beside a path's place that its name is nearest to: spelled nearly so, or the same but for its ending. */
function nearestFile(path: string): string | undefined {
  const folder = dirname(path)
  let names: string[]
  try {
    names = readdirSync(folder).filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
  } catch {
    return undefined
  }
  const wanted = basename(path)
  const found = names.find((name) => name.startsWith(`${wanted}.`)) ?? nearest(wanted, names)
  return found === undefined ? undefined : join(folder, found)
}
