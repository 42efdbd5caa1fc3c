import { NerError } from '../errors.js'
import { goldLayer, type Document } from './document.js'
import type { ChosenColumns } from './formats/columns/layout.js'
import { readDocuments, type Corpus, type Format } from './read.js'
import type { Scheme } from './schemes.js'
import type { ReadOptions } from './source.js'

/** How a labelled file is read; by default any format, in its own scheme, with the layer `gold` as right. */
export interface Reading {
  readonly format?: Format | 'auto' | undefined
  readonly layer?: string | undefined
  readonly scheme?: Scheme | 'auto' | undefined
  /** Which columns hold words and tags, from 1. */
  readonly columns?: ChosenColumns | null | undefined
}

/** A labelled file, read as a configuration's `data` or a command's flags say. @throws NerError as `readDocuments` */
export const readLabelledFile = (
  path: string,
  { format = 'auto', layer = goldLayer, scheme = 'auto', columns }: Reading,
  labels: NonNullable<ReadOptions['labels']> = 'required',
): Promise<Corpus> =>
  readDocuments(path, { format, layer, labels, ...(scheme !== 'auto' && { scheme }), ...(columns && { columns }) })

/** What a model is scored by has a labelled span, and none of a type that is not known. */
export function checkGold(
  documents: readonly Document[],
  layer: string,
  known: ReadonlySet<string>,
  path: string,
): void {
  checkTypes(documents, layer, known, path)
  if (documents.some(({ layers }) => (layers[layer] ?? []).length > 0)) return
  throw new NerError('data/empty', 'The file has no labelled span to score by.', {
    where: path,
    mend: `Spans are read from the layer '${layer}'; check its name, or whether the file is labelled.`,
  })
}

/** Every label of a file must be known. */
export function checkTypes(
  documents: readonly Document[],
  layer: string,
  known: ReadonlySet<string>,
  path: string,
): void {
  for (const { id, layers } of documents) {
    const unseen = layers[layer]?.find(({ label }) => !known.has(label))
    if (!unseen) continue
    throw new NerError('data/unseen-label', `The label ${unseen.label} is not in the training data.`, {
      where: `${path}, document ${id}`,
      mend: `Known are ${[...known].sort().join(', ')}. Correct the label, or add examples of it to the training data.`,
    })
  }
}
