import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder, and those that it is in, where they are not there; where a link leads nowhere, the folder that it names.
 * One by one: what Node.js does for all at once has no end under /proc, and says of a read-only disk that it is not there.
 */
export function makeFolder(path: string): void {
  const folder = resolve(path)
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return
  if (found) throw Object.assign(new Error(`${folder} is no folder`), { code: 'EEXIST' })
  const end = endOfLinks(folder)
  if (end !== folder) {
    makeFolder(end)
    return
  }
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Somebody else may have been first.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}

/** Where a path leads when all links that it names are followed, be something there or not. */
export function endOfLinks(path: string, onLink: (link: string) => void = () => undefined): string {
  let end = path
  while (lstatSync(end, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    const folder = realpathSync(dirname(end))
    onLink(folder)
    end = resolve(folder, readlinkSync(end))
  }
  return end
}

/** Makes what was renamed in a folder last. */
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
