import { basename } from 'node:path'
import { type Document, goldLayer } from '../data/document.js'
import { readAnnotations, type CorpusOptions } from '../data/read.js'

/** What one person or model labelled: a whole file, or the rows of one that bear the name. */
export interface Annotator {
  readonly name: string
  /** The file it was read from. */
  readonly file: string
  readonly documents: readonly Document[]
}

/**
 * Reads the annotators of one or more files: a file is by one, under the file's name, unless its rows say who labelled
 * them. Names are told apart by their folders, and by a number where one file is given twice.
 *
 * @throws NerError what `readDocuments` throws
 */
export async function readAnnotators(paths: readonly string[], options: CorpusOptions = {}): Promise<Annotator[]> {
  const annotators: Annotator[] = []
  for (const path of paths) {
    for (const { annotator, documents } of await readAnnotations(path, options)) {
      annotators.push({ name: annotator ?? basename(path), file: path, documents })
    }
  }
  return named(annotators)
}

function named(annotators: readonly Annotator[]): Annotator[] {
  const isTaken = (name: string) => name === goldLayer || annotators.filter((other) => other.name === name).length > 1
  const seen = new Map<string, number>()
  return annotators.map((annotator) => {
    const { name, file } = annotator
    const full = !isTaken(name) ? name : name === basename(file) ? file : `${name} in ${file}`
    const times = (seen.get(full) ?? 0) + 1
    seen.set(full, times)
    return { ...annotator, name: times > 1 ? `${full} (${times})` : full }
  })
}
