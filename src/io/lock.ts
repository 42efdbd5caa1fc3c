import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NerError } from '../errors.js'
import { makeFolder } from './folder.js'
import { isRunning, owner, thisProcess, type Owner } from './process.js'
import { removeTemporaries, removeTemporary, temporaryIn } from './temporary.js'
import { unwritable } from './write.js'

/** A folder that nobody else writes meanwhile. */
export interface Lock {
  /** Whose lock was there before, where that process has ended without taking it away. */
  readonly stale: Owner | undefined
  release(): void
}

const nameOf = (folder: string) => join(folder, '.lock')

/**
 * Takes a folder for this process, made where it is absent. A lock of a process of this machine that is gone is taken over;
 * of another machine's, nobody here can tell. What such a process left half-written is removed.
 *
 * @throws NerError `output/locked` naming its owner, `file/unwritable`
 */
export function lockFolder(folder: string): Lock {
  const path = nameOf(folder)
  try {
    makeFolder(folder)
    let stale: Owner | undefined
    while (!taken(path)) {
      const before = readOwner(path)
      if (before && isRunning(before)) throw locked(folder, before)
      if (removeStale(path, before)) stale = before
    }
    removeTemporaries(folder)
    return { stale, release: () => rmSync(path, { force: true }) }
  } catch (error) {
    throw unwritable(folder, error)
  }
}

/** Makes the lock, if none is there: a whole file under another name is linked to it, which fails where there is one. */
function taken(path: string): boolean {
  const draft = temporaryIn(dirname(path), 'lock')
  writeFileSync(draft, JSON.stringify(thisProcess()))
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    removeTemporary(draft)
  }
}

/** Whose lock it is; undefined where it has just gone, or nobody can read it. */
function readOwner(path: string): Owner | undefined {
  try {
    return owner.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** Takes a lock away, unless it is another one by now: then that is put back. */
function removeStale(path: string, stale: Owner | undefined): boolean {
  const aside = temporaryIn(dirname(path), 'lock')
  try {
    renameSync(path, aside)
  } catch {
    return false
  }
  const isOther = JSON.stringify(readOwner(aside)) !== JSON.stringify(stale)
  if (isOther) linkSync(aside, path)
  removeTemporary(aside)
  return !isOther
}

const locked = (folder: string, { pid, host, since }: Owner) =>
  new NerError('output/locked', `Another run writes this folder: process ${pid} on ${host}, since ${since}.`, {
    where: folder,
    mend: `Wait for it, or name another folder with \`out\`. If it has ended, remove ${nameOf(folder)}.`,
  })
