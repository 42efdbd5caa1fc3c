import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { makeFolder, syncFolder } from './folder.js'
import { unwritable } from './write.js'

/** Where the folder that is being replaced is while it has no name of its own. */
const asideOf = (folder: string) => join(dirname(folder), `.${basename(folder)}.before.tmp`)

/** How often a reader may put the old folder back between the two renames. */
const attempts = 5

/**
 * Puts a whole folder, made beside it, in the place of `folder`: what is read there is the old one or the new one, never
 * some of both. Between two renames there is neither; where the process ends just there, `restoreFolder` puts the old
 * one back.
 *
 * @throws NerError `file/*`, and the old folder is there
 */
export function replaceFolder(made: string, folder: string): void {
  const aside = asideOf(folder)
  try {
    for (let attempt = 1; ; attempt++) {
      rmSync(aside, { recursive: true, force: true })
      if (isThere(folder) && readdirSync(folder).length > 0) renameSync(folder, aside)
      try {
        renameSync(made, folder)
        break
      } catch (error) {
        restoreFolder(folder)
        const isTaken =
          error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code))
        if (!isTaken || attempt === attempts) throw error
      }
    }
    syncFolder(dirname(folder))
    rmSync(aside, { recursive: true, force: true })
  } catch (error) {
    throw unwritable(folder, error)
  }
}

/** Puts back a folder that `replaceFolder` had no time to replace. Does nothing where there is one. */
export function restoreFolder(folder: string): void {
  const path = resolve(folder)
  if (isThere(path) || !isThere(asideOf(path))) return
  try {
    renameSync(asideOf(path), path)
  } catch (error) {
    // Somebody else did, or the new one has come.
    if (!isThere(path)) throw unwritable(path, error)
  }
}

/**
 * Reads a folder that may be replaced meanwhile: what is read is all of one. `read` is called again where it was not, and
 * what it gave is let go.
 */
export async function readFolder<T>(folder: string, read: () => Promise<T>, release: (read: T) => Promise<void>) {
  for (let attempt = 1; ; attempt++) {
    restoreFolder(folder)
    const before = identity(folder)
    try {
      const result = await read()
      if (identity(folder) === before || attempt === attempts) return result
      await release(result)
    } catch (error) {
      if (identity(folder) === before || attempt === attempts) throw error
    }
  }
}

/** Files of a folder in another, without their content being copied where the file system can do that. */
export function linkFiles(from: string, to: string, isWanted: (path: string) => boolean): void {
  const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
  for (const { parentPath, name } of files) {
    const path = relative(from, join(parentPath, name))
    const target = join(to, path)
    if (!isWanted(path) || existsSync(target)) continue
    makeFolder(dirname(target))
    try {
      linkSync(join(from, path), target)
    } catch {
      copyFileSync(join(from, path), target)
    }
  }
}

/** The folder itself where a path leads through links. */
export const realFolder = (folder: string): string => (isThere(folder) ? realpathSync(folder) : resolve(folder))

const isThere = (path: string): boolean => existsSync(path)

function identity(folder: string): string | undefined {
  const found: Stats | undefined = statSync(folder, { throwIfNoEntry: false })
  return found && `${found.dev} ${found.ino}`
}
