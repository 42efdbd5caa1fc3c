import type { SegmentedDocument } from '../data/segment.js'
import { tagProbabilities } from './decode.js'
import type { ModelFolder } from '../artifacts/model.js'
import type { TaggedDocument } from './tag.js'

/** A sentence with the probability of every tag for every word of it, [words × tags]. */
export interface SentenceProbabilities {
  readonly document: SegmentedDocument
  /** Words of the document. */
  readonly start: number
  readonly end: number
  readonly probabilities: Float64Array
}

/** What a model makes of each sentence: marginals of its CRF, or softmax without one. */
export function* sentenceProbabilities(
  { tagger: { tags }, chain }: Pick<ModelFolder, 'tagger' | 'chain'>,
  tagged: readonly TaggedDocument[],
): Generator<SentenceProbabilities> {
  const labels = tags.length
  for (const { document, emissions } of tagged) {
    for (const { start, end } of document.sentences) {
      const own = emissions.subarray(start * labels, end * labels)
      yield { document, start, end, probabilities: tagProbabilities(own, labels, chain) }
    }
  }
}
