import { unwritable } from '../io/write.js'
import { printable } from '../terminal.js'

/**
 * Writes a result on standard output, waiting for the reader where it is slower than we are. False where the reader has
 * gone (`ner … | head`): that is no error, and what else it is told goes nowhere. JSON stays what it is.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`
 */
export const write = (text: string): Promise<boolean> => writeAsIs(printable(text))

/** Writes what would else be a file's content: as it is, unless it is a terminal that would read it. Throws as `write`. */
export const writeData = (text: string): Promise<boolean> => (process.stdout.isTTY ? write(text) : writeAsIs(text))

/** Writes what has colours of our own, and is printable else. Throws as `write`. */
export async function writeAsIs(text: string): Promise<boolean> {
  const error = await new Promise<Error | null | undefined>((resolve) => {
    process.stdout.write(text, resolve)
  })
  if (!error) return true
  if ('code' in error && error.code === 'EPIPE') return false
  throw unwritable('standard output', error)
}
