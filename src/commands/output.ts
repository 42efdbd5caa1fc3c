import { unwritable } from '../io/write.js'

/**
 * Writes a result on standard output, waiting for the reader where it is slower than we are. False where the reader has
 * gone (`ner … | head`): that is no error, and what else it is told goes nowhere.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`
 */
export async function write(text: string): Promise<boolean> {
  const error = await new Promise<Error | null | undefined>((resolve) => {
    process.stdout.write(text, resolve)
  })
  if (!error) return true
  if ('code' in error && error.code === 'EPIPE') return false
  throw unwritable('standard output', error)
}
