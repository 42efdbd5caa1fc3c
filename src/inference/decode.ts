import type { Sentence, Span } from '../data/document.js'
import { spansFromTags, type Scheme, type WordSpan } from '../data/schemes.js'
import type { SegmentedDocument } from '../data/segment.js'
import type { ModelFolder } from '../artifacts/model.js'
import type { Chain } from '../models/transitions.js'

/** What turns emissions into spans. */
export interface Decoding {
  readonly tags: readonly string[]
  readonly scheme: Scheme
  /** A CRF's scores. Without them each word has its likeliest tag. */
  readonly chain: Chain | undefined
}

/** A model's own way of decoding. */
export const decodingOf = ({ tagger, ner, chain }: Pick<ModelFolder, 'tagger' | 'ner' | 'chain'>): Decoding => ({
  tags: tagger.tags,
  scheme: ner.scheme,
  chain,
})

/** The same by plain argmax, as tools that know of no CRF decode. */
export const withoutChain = (decoding: Decoding): Decoding => ({ ...decoding, chain: undefined })

/** A sentence's tags, and the spans that they make. */
export interface DecodedSentence {
  /** Words of the document. */
  readonly range: Sentence
  readonly tags: readonly string[]
  /** Probability of each word's tag. */
  readonly probabilities: Float64Array
  /** By words of the sentence. */
  readonly spans: readonly WordSpan[]
}

export type ScoredSpan = Span & { readonly score: number }

/**
 * Decodes a document sentence by sentence: a CRF's best path of tags with their marginal probabilities, or each word's
 * likeliest tag, by softmax. Tags that break the scheme are no entity, as in strict scoring.
 */
export function decodeSentences(
  { sentences }: Pick<SegmentedDocument, 'sentences'>,
  emissions: Emissions,
  { tags: names, scheme, chain }: Decoding,
): DecodedSentence[] {
  const labels = names.length
  return sentences.map((range) => {
    const own = emissions.subarray(range.start * labels, range.end * labels)
    const { tags: path, probabilities } = chain ? decodeChain(own, chain) : decodeArgmax(own, labels)
    const tags = Array.from(path, (tag) => names[tag]!)
    return { range, tags, probabilities, spans: spansFromTags(tags, scheme) }
  })
}

/** The entities of a document, in order, none overlapping. A score is the mean probability of the entity's words' tags. */
export function decodeSpans(document: SegmentedDocument, emissions: Emissions, decoding: Decoding): ScoredSpan[] {
  const { tokens } = document
  return decodeSentences(document, emissions, decoding).flatMap(({ range, probabilities, spans }) =>
    spans.map((span) => ({
      start: tokens[range.start + span.start]!.start,
      end: tokens[range.start + span.end - 1]!.end,
      label: span.label,
      score: confidence(span, probabilities),
    })),
  )
}

/** Tag indices of a sentence, with the probability of each word's tag. */
export interface Decoded {
  readonly tags: Int32Array
  readonly probabilities: Float64Array
}

/** Emissions of one sentence: [words × labels], flat. */
export type Emissions = Float32Array

/** The best path of the chain (Viterbi), with each word's marginal probability of its tag. */
export function decodeChain(emissions: Emissions, chain: Chain): Decoded {
  const tags = viterbi(emissions, chain)
  const marginal = marginals(emissions, chain)
  return { tags, probabilities: Float64Array.from(tags, (tag, word) => marginal[word * chain.labels + tag]!) }
}

/** Each word's best tag by itself, with its softmax probability. */
export function decodeArgmax(emissions: Emissions, labels: number): Decoded {
  const words = emissions.length / labels
  const tags = new Int32Array(words)
  const probabilities = new Float64Array(words)
  for (let word = 0; word < words; word++) {
    const row = emissions.subarray(word * labels, (word + 1) * labels)
    let best = 0
    for (let tag = 1; tag < labels; tag++) if (row[tag]! > row[best]!) best = tag
    let total = 0
    for (let tag = 0; tag < labels; tag++) total += Math.exp(row[tag]! - row[best]!)
    tags[word] = best
    probabilities[word] = 1 / total
  }
  return { tags, probabilities }
}

/** How sure the model is of a span: the mean probability of its words' tags. */
export function confidence(
  { start, end }: { readonly start: number; readonly end: number },
  probabilities: Float64Array,
): number {
  let sum = 0
  for (let word = start; word < end; word++) sum += probabilities[word]!
  return sum / (end - start)
}

/** Viterbi (1967). Of paths that score the same, the one with the lower tag indices from the end. */
export function viterbi(emissions: Emissions, { labels, transitions, start, end }: Chain): Int32Array {
  const words = emissions.length / labels
  const path = new Int32Array(words)
  if (words === 0) return path
  let scores = Float64Array.from(start, (score, tag) => score + emissions[tag]!)
  let next = new Float64Array(labels)
  const back = new Uint16Array(words * labels)
  for (let word = 1; word < words; word++) {
    for (let to = 0; to < labels; to++) {
      let best = 0
      let bestScore = -Infinity
      for (let from = 0; from < labels; from++) {
        const score = scores[from]! + transitions[from * labels + to]!
        if (score > bestScore) [best, bestScore] = [from, score]
      }
      back[word * labels + to] = best
      next[to] = bestScore + emissions[word * labels + to]!
    }
    ;[scores, next] = [next, scores]
  }
  let tag = 0
  for (let other = 1; other < labels; other++) if (scores[other]! + end[other]! > scores[tag]! + end[tag]!) tag = other
  for (let word = words - 1; word >= 0; word--) {
    path[word] = tag
    tag = back[word * labels + tag]!
  }
  return path
}

/** p(tag of word | emissions) for every word and tag, [words × labels]: forward–backward in probability space. */
export function marginals(emissions: Emissions, chain: Chain): Float64Array {
  const { labels } = chain
  const words = emissions.length / labels
  const potentials = new Float64Array(emissions.length)
  for (let word = 0; word < words; word++) {
    const row = emissions.subarray(word * labels, (word + 1) * labels)
    const peak = row.reduce((a, b) => Math.max(a, b), -Infinity)
    for (let tag = 0; tag < labels; tag++) potentials[word * labels + tag] = Math.exp(row[tag]! - peak)
  }
  const step = chain.transitions.map(Math.exp)
  const alpha = new Float64Array(emissions.length)
  const beta = new Float64Array(emissions.length)
  for (let word = 0; word < words; word++) {
    const at = word * labels
    for (let to = 0; to < labels; to++) {
      let sum = 0
      if (word === 0) sum = Math.exp(chain.start[to]!)
      else for (let from = 0; from < labels; from++) sum += alpha[at - labels + from]! * step[from * labels + to]!
      alpha[at + to] = sum * potentials[at + to]!
    }
    normalise(alpha, at, labels)
  }
  for (let word = words - 1; word >= 0; word--) {
    const at = word * labels
    for (let from = 0; from < labels; from++) {
      let sum = 0
      if (word === words - 1) sum = Math.exp(chain.end[from]!)
      else {
        for (let to = 0; to < labels; to++)
          sum += step[from * labels + to]! * beta[at + labels + to]! * potentials[at + labels + to]!
      }
      beta[at + from] = sum
    }
    normalise(beta, at, labels)
  }
  for (let i = 0; i < alpha.length; i++) alpha[i]! *= beta[i]!
  for (let word = 0; word < words; word++) normalise(alpha, word * labels, labels)
  return alpha
}

/** The probability of every tag for every word of a sentence, [words × labels]: the chain's marginals, or softmax. */
export function tagProbabilities(emissions: Emissions, labels: number, chain: Chain | undefined): Float64Array {
  return chain ? marginals(emissions, chain) : softmax(emissions, labels)
}

/** By row. */
export function softmax(logits: Float32Array, width: number): Float64Array {
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

function normalise(values: Float64Array, from: number, count: number): void {
  let total = 0
  for (let i = from; i < from + count; i++) total += values[i]!
  if (total > 0) for (let i = from; i < from + count; i++) values[i]! /= total
}
