import { closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { NerError } from '../errors.js'
import { makeFolder, syncFolder } from './folder.js'
import { targetOf, type Target } from './target.js'
import { beforeSignals, removeTemporary, temporaryIn } from './temporary.js'

/**
 * Writes a file so that its name holds either the old content or the whole new one, whenever the process or the
 * machine stops: a temporary file in the same folder, fsync, rename, fsync of the folder. The folder is made if absent. A
 * link is followed; a pipe or a terminal is written as it comes.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`; the temporary file is removed.
 */
export function writeFileAtomically(path: string, data: FileData): void {
  try {
    const target = targetOf(path)
    if (target.kind === 'stream') writeStream(target, chunks(data))
    else replaceFile(target, chunks(data))
  } catch (error) {
    throw unwritable(path, error)
  }
}

function replaceFile({ path, mode }: FileTarget, data: readonly Uint8Array[]): void {
  const draft = openDraft(path, mode)
  try {
    for (const chunk of data) writeWhole(draft.file, chunk)
    draft.publish()
  } finally {
    draft.close()
  }
}

function writeStream({ file }: StreamTarget, data: readonly Uint8Array[]): void {
  const stream = typeof file === 'number' ? file : openSync(file, 'w')
  try {
    for (const chunk of data) writeWhole(stream, chunk)
  } finally {
    if (stream !== file) closeSync(stream)
  }
}

/**
 * As `writeFileAtomically`, chunk by chunk as they come. What `chunks` throws is thrown on, and nothing is left behind, nor
 * where a signal ends the process.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`
 */
export async function streamAtomically(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const orUnwritable = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw unwritable(path, error)
    }
  }
  const target = orUnwritable(() => targetOf(path))
  const put = async (file: number) => {
    for await (const chunk of chunks) {
      orUnwritable(() => {
        writeWhole(file, chunk)
      })
    }
  }
  if (target.kind === 'stream') {
    await throughStream(target, path, put)
    return
  }
  const draft = orUnwritable(() => openDraft(target.path, target.mode))
  const endSignals = beforeSignals(() => {
    draft.close()
  })
  try {
    await put(draft.file)
    orUnwritable(() => {
      draft.publish()
    })
  } finally {
    endSignals()
    draft.close()
  }
}

/** A pipe that nobody reads yet is waited for where a signal can still end the process. */
async function throughStream(
  { file }: StreamTarget,
  path: string,
  put: (file: number) => Promise<void>,
): Promise<void> {
  if (typeof file === 'number') return put(file)
  const handle = await open(file, 'w').catch((error: unknown) => {
    throw unwritable(path, error)
  })
  try {
    await put(handle.fd)
  } finally {
    await handle.close()
  }
}

type FileTarget = Extract<Target, { kind: 'file' }>
type StreamTarget = Extract<Target, { kind: 'stream' }>

/** A file that is being written under another name. */
interface Draft {
  readonly file: number
  /** Gives it its name, for good. */
  publish(): void
  /** Leaves nothing behind where it was not published. */
  close(): void
}

function openDraft(path: string, mode: number | undefined): Draft {
  const folder = dirname(path)
  makeFolder(folder)
  const temporary = temporaryIn(folder, basename(path))
  const file = openSync(temporary, 'wx')
  let isOpen = true
  const release = () => {
    if (!isOpen) return
    isOpen = false
    closeSync(file)
  }
  return {
    file,
    publish() {
      if (mode !== undefined) fchmodSync(file, mode)
      fsyncSync(file)
      release()
      renameSync(temporary, path)
      syncFolder(folder)
    },
    close() {
      release()
      removeTemporary(temporary)
    },
  }
}

/**
 * Puts files into a folder together: `write` makes them in a place of their own, and when all are whole they are moved to
 * where they belong, `last` as the last of them. What goes wrong before leaves the folder as it was.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`, and what `write` throws
 */
export function fillFolder(folder: string, write: (aside: string) => void, last?: string): void {
  let aside: string | undefined
  try {
    makeFolder(folder)
    aside = temporaryIn(folder, '')
    mkdirSync(aside)
    write(aside)
    const files = readdirSync(aside, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const isLast = ({ name }: { readonly name: string }) => Number(name === last)
    for (const { parentPath, name } of files.sort((a, b) => isLast(a) - isLast(b))) {
      moveFile(join(parentPath, name), join(folder, relative(aside, parentPath), name))
    }
  } catch (error) {
    throw unwritable(folder, error)
  } finally {
    if (aside !== undefined) removeTemporary(aside)
  }
}

/** Moves a file within its file system, whole or not at all. @throws NerError `file/unwritable` */
export function moveFile(from: string, to: string): void {
  try {
    makeFolder(dirname(to))
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
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a file of that name is in the way',
  EISDIR: 'a folder of that name is in the way',
  EFBIG: 'the file is too large for the file system',
  EIO: 'the disk reports an error',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENXIO: 'there is no such device',
  EPIPE: 'nobody reads it any more',
}

/** One piece after the other; together they may be longer than the longest string. */
type FileData = string | Uint8Array | readonly (string | Uint8Array)[]

const chunks = (data: FileData): readonly Uint8Array[] =>
  typeof data === 'string' ? [Buffer.from(data)] : data instanceof Uint8Array ? [data] : data.flatMap(chunks)

function writeWhole(file: number, chunk: Uint8Array): void {
  // write(2) may write less than asked, and at most 2 GiB.
  for (let at = 0; at < chunk.byteLength;) at += writeSome(file, chunk, at)
}

function writeSome(file: number, chunk: Uint8Array, at: number): number {
  for (;;) {
    try {
      return writeSync(file, chunk, at, Math.min(chunk.byteLength - at, 1 << 30))
    } catch (error) {
      // A pipe that somebody else has made non-blocking, and that is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
