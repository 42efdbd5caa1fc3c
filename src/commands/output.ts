import { once } from 'node:events'

/** Writes a result on standard output, waiting for the reader where it is slower than we are. */
export async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
}
