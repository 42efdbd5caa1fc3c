import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { NerError } from '../errors.js'
import { unwritable } from './write.js'

const owner = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When it took the folder, ISO 8601. */
  since: z.string(),
  /** When the process started, as the system tells it: a number that another process of this id does not have. */
  start: z.string().optional(),
})

/** The process that writes a folder. */
export type Owner = Readonly<z.output<typeof owner>>

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
    mkdirSync(folder, { recursive: true })
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
  const own: Owner = { pid: process.pid, host: hostname(), since: new Date().toISOString(), ...startOf(process.pid) }
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  writeFileSync(draft, JSON.stringify(own))
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft, { force: true })
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
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    renameSync(path, aside)
  } catch {
    return false
  }
  const isOther = JSON.stringify(readOwner(aside)) !== JSON.stringify(stale)
  if (isOther) linkSync(aside, path)
  rmSync(aside, { force: true })
  return !isOther
}

function isRunning({ pid, host, start }: Owner): boolean {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Else it is somebody else's, and runs.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(pid).start
  return start === undefined || now === undefined || now === start
}

/** When a process started, in ticks since the machine did: the 22nd field of its `stat`, where the system has that. */
function startOf(pid: number): Pick<Owner, 'start'> {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, a name in parentheses, may hold anything.
    const start = fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19]
    return start === undefined ? {} : { start }
  } catch {
    return {}
  }
}

const locked = (folder: string, { pid, host, since }: Owner) =>
  new NerError('output/locked', `Another run writes this folder: process ${pid} on ${host}, since ${since}.`, {
    where: folder,
    mend: `Wait for it, or name another folder with \`out\`. If it has ended, remove ${nameOf(folder)}.`,
  })

/** Our own files that were never finished: `.NAME.123456789abc.tmp`. */
const temporary = /^\.(.+\.)?[0-9a-f]{12}\.tmp$/

/** Removes what a process that was killed left half-written in a folder that is locked. */
function removeTemporaries(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (temporary.test(entry.name)) rmSync(join(entry.parentPath, entry.name), { recursive: true, force: true })
  }
}
