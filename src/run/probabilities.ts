import type { SegmentedDocument } from '../features/segment.js'
import { marginals } from '../models/decode.js'
import type { ModelFolder } from '../models/folder.js'
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
      yield { document, start, end, probabilities: chain ? marginals(own, chain) : softmax(own, labels) }
    }
  }
}

/** By row. */
function softmax(logits: Float32Array, width: number): Float64Array {
  const shares = new Float64Array(logits.length)
  for (let at = 0; at < logits.length; at += width) {
    const row = logits.subarray(at, at + width)
    const peak = row.reduce((a, b) => Math.max(a, b), -Infinity)
    let total = 0
    for (let i = 0; i < width; i++) total += shares[at + i] = Math.exp(row[i]! - peak)
    for (let i = 0; i < width; i++) shares[at + i]! /= total
  }
  return shares
}
