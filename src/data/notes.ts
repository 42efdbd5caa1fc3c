import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'

/** Something that was told, assumed or mended when a file was read. */
export interface ReadingNote {
  readonly file: string
  readonly note: string
}

/**
 * The channel that notes are published on. Nobody has to listen; the command line does, and prints them: which columns of a
 * file hold words and tags, say.
 */
const name = 'ner:reading'
const notes = channel(name)

export const tellReading = (note: ReadingNote): void => notes.publish(note)

/** Calls a function with each note from now on; gives what ends that. */
export function onReading(listen: (note: ReadingNote) => void): () => void {
  const hear = (message: unknown) => listen(message as ReadingNote)
  subscribe(name, hear)
  return () => void unsubscribe(name, hear)
}
