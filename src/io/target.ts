import { fstatSync, statSync, type BigIntStats } from 'node:fs'
import { NerError } from '../errors.js'
import { endOfLinks } from './folder.js'

/**
 * Where what is written to a path goes: a file, which is replaced as a whole, with the rights that it has; or a pipe, a
 * terminal or a device like them, which is written as it comes. `file` is a path, or the number of an open file.
 */
export type Target =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number | undefined }
  | { readonly kind: 'stream'; readonly file: string | number }

/**
 * Follows a path's links to what would be written: a link is never replaced itself. What is our own standard output or
 * error already, `/dev/stdout` say, is written there.
 *
 * @throws NerError `file/unwritable` for a folder, a disk, a socket, and a file that some process has open
 */
export function targetOf(path: string): Target {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return { kind: 'file', path: endOfLinks(path), mode: undefined }
  const own = [1, 2].find((number) => isSame(openStat(number), found))
  if (own !== undefined) return { kind: 'stream', file: own }
  if (found.isFIFO() || found.isCharacterDevice()) return { kind: 'stream', file: path }
  if (!found.isFile()) {
    const what = found.isDirectory() ? 'folder' : found.isSocket() ? 'socket' : 'disk'
    throw refused(path, `This is a ${what}, and no file.`)
  }
  const end = endOfLinks(path, (folder) => {
    if (!folder.startsWith('/proc/')) return
    throw refused(path, 'This is a file that a process has open, which cannot be replaced as a whole.')
  })
  return { kind: 'file', path: end, mode: Number(found.mode) & 0o777 }
}

/** Whether a path is written as it comes: nothing can be put beside it. @throws NerError as {@link targetOf} */
export const isStream = (path: string): boolean => targetOf(path).kind === 'stream'

const refused = (path: string, what: string) =>
  new NerError('file/unwritable', what, { where: path, mend: 'Name a file.' })

function openStat(number: number): BigIntStats | undefined {
  try {
    return fstatSync(number, { bigint: true })
  } catch {
    return undefined
  }
}

const isSame = (a: BigIntStats | undefined, b: BigIntStats) => a?.dev === b.dev && a.ino === b.ino
