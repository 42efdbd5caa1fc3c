import type { Config } from '../config/schema.js'
import { goldLayer, type Document } from '../data/document.js'
import { readDocuments, type Corpus } from '../data/read.js'
import type { ReadOptions } from '../data/source.js'
import { schemeTags, tagLabels } from '../data/schemes.js'
import { NerError } from '../errors.js'

export type Split = 'train' | 'dev' | 'test'

/** The documents of a run, and the tags that its training set calls for. */
export interface TrainingCorpus {
  readonly train: Corpus
  readonly dev: Corpus | undefined
  readonly test: Corpus | undefined
  /** 'O' first. */
  readonly tags: readonly string[]
}

/**
 * Reads the files of a run. The training set decides which types there are, unless the tags are `known`.
 *
 * @throws NerError `config/bad-value` without a training set, `data/unseen-label` for a type that only dev or test has,
 *   `data/empty` for a file without a labelled span, and what `readDocuments` throws
 */
export async function readCorpus({ data, model }: Config, known?: readonly string[]): Promise<TrainingCorpus> {
  if (data.train === null) {
    throw new NerError('config/bad-value', 'There is nothing to train on.', {
      where: 'data.train',
      mend: 'Name a file with --train, or with data.train in the configuration.',
    })
  }
  const train = await readLabelledFile(data.train, data, 'soft')
  const types = known ? tagLabels(known) : typesOf(train.documents, data.layer)
  if (known) checkTypes(train.documents, data.layer, types, data.train)
  if (types.size === 0) {
    throw new NerError('data/empty', 'The training set has no labelled span.', {
      where: data.train,
      mend: `Spans are read into the layer '${data.layer}'; check data.layer, or whether the file is labelled.`,
    })
  }
  const held = async (split: 'dev' | 'test') => {
    const path = data[split]
    if (path === null) return undefined
    const corpus = await readLabelledFile(path, data)
    checkGold(corpus.documents, data.layer, types, path)
    return corpus
  }
  return { train, dev: await held('dev'), test: await held('test'), tags: known ?? schemeTags(types, model.scheme) }
}

/** How a labelled file is read; by default any format, in its own scheme, with the layer `gold` as right. */
export type Reading = { readonly [K in 'format' | 'layer' | 'scheme']?: Config['data'][K] | undefined }

/** A labelled file, read as a configuration's `data` or a command's flags say. @throws NerError as `readDocuments` */
export const readLabelledFile = (
  path: string,
  { format = 'auto', layer = goldLayer, scheme = 'auto' }: Reading,
  labels: NonNullable<ReadOptions['labels']> = 'required',
): Promise<Corpus> => readDocuments(path, { format, layer, labels, ...(scheme !== 'auto' && { scheme }) })

function typesOf(documents: readonly Document[], layer: string): Set<string> {
  const types = new Set<string>()
  for (const { layers, soft } of documents) {
    for (const { label } of layers[layer] ?? []) types.add(label)
    for (const label of tagLabels(soft?.tags ?? [])) types.add(label)
  }
  return types
}

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
