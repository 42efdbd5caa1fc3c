import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { NerError } from '../errors.js'

/**
 * Writes a file so that its name holds either the old content or the whole new one, whenever the process or the
 * machine stops: a temporary file in the same folder, fsync, rename, fsync of the folder. The folder is made if absent.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`; the temporary file is removed.
 */
export function writeFileAtomically(path: string, data: FileData): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    mkdirSync(dirname(path), { recursive: true })
    try {
      writeDurably(temporary, chunks(data))
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
    syncFolder(dirname(path))
  } catch (error) {
    throw unwritable(path, error)
  }
}

/**
 * As `writeFileAtomically`, chunk by chunk as they come. What `chunks` throws is thrown on, and nothing is left behind.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`
 */
export async function streamAtomically(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const orUnwritable = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw unwritable(path, error)
    }
  }
  const file = orUnwritable(() => {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(temporary, 'wx')
  })
  try {
    try {
      for await (const chunk of chunks) {
        orUnwritable(() => {
          writeWhole(file, chunk)
        })
      }
      orUnwritable(() => {
        fsyncSync(file)
      })
    } finally {
      closeSync(file)
    }
    orUnwritable(() => {
      renameSync(temporary, path)
      syncFolder(dirname(path))
    })
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/**
 * Puts files into a folder together: `write` makes them in a place of their own, and when all are whole they are moved to
 * where they belong, `last` as the last of them. What goes wrong before leaves the folder as it was.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`, and what `write` throws
 */
export function fillFolder(folder: string, write: (aside: string) => void, last?: string): void {
  const aside = join(folder, `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    mkdirSync(aside, { recursive: true })
    write(aside)
    const files = readdirSync(aside, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const isLast = ({ name }: { readonly name: string }) => Number(name === last)
    for (const { parentPath, name } of files.sort((a, b) => isLast(a) - isLast(b))) {
      moveFile(join(parentPath, name), join(folder, relative(aside, parentPath), name))
    }
  } catch (error) {
    throw unwritable(folder, error)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** Moves a file within its file system, whole or not at all. @throws NerError `file/unwritable` */
export function moveFile(from: string, to: string): void {
  try {
    mkdirSync(dirname(to), { recursive: true })
    renameSync(from, to)
    syncFolder(dirname(to))
  } catch (error) {
    throw unwritable(to, error)
  }
}

/** Turns a failed write into an error the user can mend; any other error is returned as it is. */
export function unwritable(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new NerError('file/disk-full', 'There is no room left to write a file.', {
      where: path,
      mend: 'Free some space or name a folder on another disk; what was complete before is untouched.',
      cause: error,
    })
  }
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error
  return new NerError('file/unwritable', `Cannot write here: ${reasons[code] ?? code}.`, {
    where: path,
    mend: 'Check the path and its permissions, or name another folder.',
    cause: error,
  })
}

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a file of that name is in the way',
  EISDIR: 'a folder of that name is in the way',
  EFBIG: 'the file is too large for the file system',
  EIO: 'the disk reports an error',
}

/** One piece after the other; together they may be longer than the longest string. */
type FileData = string | Uint8Array | readonly (string | Uint8Array)[]

const chunks = (data: FileData): readonly Uint8Array[] =>
  typeof data === 'string' ? [Buffer.from(data)] : data instanceof Uint8Array ? [data] : data.flatMap(chunks)

function writeDurably(path: string, data: readonly Uint8Array[]): void {
  const file = openSync(path, 'wx')
  try {
    for (const chunk of data) writeWhole(file, chunk)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function writeWhole(file: number, chunk: Uint8Array): void {
  // write(2) may write less than asked, and at most 2 GiB.
  for (let at = 0; at < chunk.byteLength;) at += writeSync(file, chunk, at, Math.min(chunk.byteLength - at, 1 << 30))
}

export function syncFolder(folder: string): void {
  // Windows cannot open a folder; its rename is durable by itself.
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
