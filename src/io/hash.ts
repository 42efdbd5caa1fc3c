import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'

export const hashBytes = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** SHA-256 of a file of any size. */
export function hashFile(path: string): string {
  const hash = createHash('sha256')
  const chunk = new Uint8Array(1 << 22)
  const file = openSync(path, 'r')
  try {
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk))
      hash.update(chunk.subarray(0, count))
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}
