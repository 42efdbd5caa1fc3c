import type { Example, ExampleSentence } from '../../features/batch.js'
import { crfNames } from '../../models/crf.js'
import { tagProbabilities } from '../../inference/decode.js'
import { makeChain } from '../../models/transitions.js'
import type { ParameterData } from '../../models/parameters.js'
import type { Tagger } from '../../models/tagger.js'
import type { CachedLogits } from './teacher-logits.js'

/** Examples as a model labels them: soft tags, rows of 0 for words of which it is not sure. */
export interface PseudoLabels {
  readonly examples: readonly Example[]
  /** Words that the model labelled, and how many of them it is sure of. */
  readonly words: number
  readonly confident: number
}

/**
 * The targets of a round of self-training: what the model says of every word, by its CRF where it has one, sharpened,
 * where it is sure enough. Sentences that `isChecked` keep the labels they have.
 */
export function pseudoLabels(
  examples: readonly Example[],
  logits: Pick<CachedLogits, 'sentence'>,
  { tagger, weights }: { readonly tagger: Tagger; readonly weights: ParameterData },
  {
    confidence,
    isChecked,
  }: { readonly confidence: number; readonly isChecked: (sentence: ExampleSentence) => boolean },
): PseudoLabels {
  const labels = tagger.tags.length
  const chain = tagger.head === 'crf' ? chainOf(tagger, weights) : undefined
  const labelled = examples.flatMap(({ sentences }) => sentences.filter((sentence) => !isChecked(sentence)))
  const words = labelled.reduce((sum, { piece }) => sum + piece.length, 0)
  const shares = new Float32Array(words * labels)
  const soft = new Map<ExampleSentence, Float32Array>()
  let at = 0
  for (const sentence of labelled) {
    const own = shares.subarray(at, (at += sentence.piece.length * labels))
    own.set(tagProbabilities(logits.sentence(sentence), labels, chain))
    soft.set(sentence, own)
  }
  sharpen(shares, labels)
  const confident = dropUnsure(shares, labels, confidence)
  const relabelled = examples.map(({ windows, sentences }) => ({
    windows,
    sentences: sentences.map((sentence) => {
      const own = soft.get(sentence)
      return own ? { ...sentence, soft: own } : sentence
    }),
  }))
  return { examples: relabelled, words, confident }
}

function chainOf({ legal }: Tagger, weights: ParameterData) {
  const [transitions, start, end] = [crfNames.transitions, crfNames.start, crfNames.end].map((name) =>
    weights.get(name)!,
  ) as [Float32Array, Float32Array, Float32Array]
  return makeChain({ transitions, start, end }, legal)
}

/**
 * q(c) ∝ p(c)² / Σ p(c) over all words, by word: the squares favour what is likely already, and dividing by how often a
 * tag is given at all keeps O from taking everything (Xie et al. 2016, eq. 3, as BOND has it). `shares` are [words ×
 * labels], and changed in place.
 */
export function sharpen(shares: Float32Array, labels: number): void {
  const totals = new Float64Array(labels)
  for (let i = 0; i < shares.length; i++) totals[i % labels]! += shares[i]!
  const squares = new Float64Array(labels)
  for (let word = 0; word < shares.length; word += labels) {
    let sum = 0
    for (let tag = 0; tag < labels; tag++)
      sum += squares[tag] = totals[tag] === 0 ? 0 : shares[word + tag]! ** 2 / totals[tag]!
    for (let tag = 0; tag < labels; tag++) shares[word + tag] = squares[tag]! / sum
  }
}

/** Makes 0 of the rows in which no share reaches the threshold, in place; gives the number of the others. */
export function dropUnsure(shares: Float32Array, labels: number, threshold: number): number {
  let sure = 0
  for (let word = 0; word < shares.length; word += labels) {
    const row = shares.subarray(word, word + labels)
    if (row.some((share) => share >= threshold)) sure++
    else row.fill(0)
  }
  return sure
}
