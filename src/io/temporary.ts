import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRunning } from './process.js'

/*
 * What is not whole yet has a name of our own, `.NAME.PID-HOSTRANDOM.tmp`, which says whose it is: where that process has
 * ended without a word, the next one that writes NAME removes it.
 */

const own = /^(\d+)-([0-9a-f]{4})[0-9a-f]{8}\.tmp$/

/** Any name of our own, of whatever comes of it. */
const anyOwn = /^\.(.+\.)?\d+-[0-9a-f]{12}\.tmp$/

/** Machines that write one disk have processes of the same ids. */
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 4)

/** What this process is at; another before it may have had its id. */
const ours = new Set<string>()

/** A place in a folder for what becomes `name` there, or in its parent; what was left of such by others is removed. */
export function temporaryIn(folder: string, name: string): string {
  const prefix = prefixOf(name)
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith(prefix) && isStale(entry.slice(prefix.length), join(folder, entry)))
      rmSync(join(folder, entry), { recursive: true, force: true })
  }
  const path = join(folder, `${prefix}${process.pid}-${host}${randomBytes(4).toString('hex')}.tmp`)
  ours.add(path)
  return path
}

/** Removes what is at a place that `temporaryIn` gave, if anything still is. */
export function removeTemporary(path: string): void {
  rmSync(path, { recursive: true, force: true })
  ours.delete(path)
}

/** Removes whatever others left half-written in a folder that nobody else writes, and in its own folders. */
export function removeTemporaries(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (anyOwn.test(entry.name) && !ours.has(path)) rmSync(path, { recursive: true, force: true })
  }
}

/** A name's beginning, so short that all of it fits where the name itself does. */
const prefixOf = (name: string) => (name === '' ? '.' : `.${[...name].slice(0, 50).join('')}.`)

function isStale(tag: string, path: string): boolean {
  const [, pid, from] = own.exec(tag) ?? []
  if (pid === undefined || from !== host || ours.has(path)) return false
  return Number(pid) === process.pid || !isRunning({ pid: Number(pid), host: hostname() })
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Calls `leave` before a signal ends the process; gives what ends that. */
export function beforeSignals(leave: () => void): () => void {
  const end = () => {
    for (const signal of signals) process.off(signal, interrupted)
  }
  const interrupted = (signal: NodeJS.Signals) => {
    end()
    leave()
    process.kill(process.pid, signal)
  }
  for (const signal of signals) process.on(signal, interrupted)
  return end
}
