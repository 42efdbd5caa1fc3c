import type { Config } from '../config/schema.js'
import type { Document } from '../data/document.js'
import { checkGold, checkTypes, readLabelledFile } from '../data/labelled.js'
import type { Corpus } from '../data/read.js'
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

/** A CRF computes with every pair of tags: its memory grows with the square of their number. */
const mostTypes = 500

/**
 * Reads the files of a run. The training set decides which types there are, unless the tags are `known`.
 *
 * @throws NerError `config/bad-value` without a training set, `data/unseen-label` for a type that only dev or test has,
 *   `data/too-many-labels`,
 *   `data/empty` for a file without a labelled span, and what `readDocuments` throws
 */
export async function readCorpus({ data, model }: Config, known?: readonly string[]): Promise<TrainingCorpus> {
  if (data.train === null) {
    throw new NerError('config/bad-value', 'There is nothing to train on.', {
      where: 'data.train',
      mend: 'Name a file with `train`, or with data.train in the configuration.',
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
  if (types.size > mostTypes) {
    throw new NerError(
      'data/too-many-labels',
      `The training set has ${types.size} labels; at most ${mostTypes} are taken.`,
      {
        where: `${data.train}: ${[...types].slice(0, 3).join(', ')} …`,
        mend: 'Check that the labels are types, and not texts or ids.',
      },
    )
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

function typesOf(documents: readonly Document[], layer: string): Set<string> {
  const types = new Set<string>()
  for (const { layers, soft } of documents) {
    for (const { label } of layers[layer] ?? []) types.add(label)
    for (const label of tagLabels(soft?.tags ?? [])) types.add(label)
  }
  return types
}
