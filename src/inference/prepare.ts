import type { Document } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import type { Example } from '../features/batch.js'
import { buildExamples } from '../features/examples.js'
import type { ModelFolder } from '../artifacts/model.js'

/** Documents as a model reads them. */
export interface Prepared {
  /** With the words and sentences that they had, or that were found in them. */
  readonly documents: readonly SegmentedDocument[]
  /** Windows of pieces, with a place for every word. */
  readonly examples: readonly Example[]
}

/** Finds words and sentences, and lays them out in windows. Nothing is truncated: long sentences have several. */
export function prepare(
  documents: readonly Document[],
  { tokenizer, ner }: Pick<ModelFolder, 'tokenizer' | 'ner'>,
): Promise<Prepared> {
  return buildExamples(documents, tokenizer, { task: 'predict', ...ner })
}
