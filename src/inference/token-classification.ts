import type { TextPieces, Tokenizer } from '../features/tokenizer.js'
import { softmax } from './decode.js'

/*
 * Entities as the token-classification pipeline of Hugging Face's transformers makes them
 * (transformers/pipelines/token_classification.py): piece by piece, by argmax, without a CRF.
 */

/** How the pipeline puts pieces together: its `aggregation_strategy`. */
export const strategies = ['none', 'simple', 'first', 'average', 'max'] as const

export type Strategy = (typeof strategies)[number]

/** An entity, or with `none` a piece. Offsets count code points. */
export interface ClassifiedToken {
  readonly entity?: string
  readonly entity_group?: string
  readonly score: number
  /** Place among the pieces, the special ones counted. */
  readonly index?: number
  readonly word: string
  readonly start: number
  readonly end: number
}

/** A piece with the probabilities of its tags. */
interface Piece {
  readonly index: number
  readonly word: string
  readonly start: number
  readonly end: number
  readonly scores: Float64Array
  /** Whether it goes on with the word before it. */
  readonly goesOn: boolean
}

/** A piece or a word with its tag. */
interface Tagged {
  readonly entity: string
  readonly score: number
  readonly index?: number
  readonly word: string
  readonly start: number
  readonly end: number
}

/**
 * The entities of a text.
 *
 * `logits` are those of its pieces, [pieces × tags].
 */
export function classifyTokens(
  text: string,
  pieces: TextPieces,
  logits: Float32Array,
  { tokenizer, tags, strategy }: { tokenizer: Tokenizer; tags: readonly string[]; strategy: Strategy },
): ClassifiedToken[] {
  const scored = scoredPieces(text, pieces, softmax(logits, tags.length), tokenizer, tags.length)
  const best = (scores: Float64Array) => {
    const index = argmax(scores)
    return { entity: tags[index]!, score: scores[index]! }
  }
  if (strategy === 'none' || strategy === 'simple') {
    const tagged = scored.map(({ index, word, start, end, scores }) => ({ ...best(scores), index, word, start, end }))
    return strategy === 'none' ? tagged : grouped(tagged, tokenizer)
  }
  const words = wordsOf(scored).map((word) => ({
    ...best(wordScores[strategy](word)),
    word: tokenizer.joinPieces(word.map((piece) => piece.word)),
    start: word[0]!.start,
    end: word.at(-1)!.end,
  }))
  return grouped(words, tokenizer)
}

function scoredPieces(
  text: string,
  { ids, pieces, ranges }: TextPieces,
  probabilities: Float64Array,
  { prefix, unk, marksContinuation }: Tokenizer,
  labels: number,
): Piece[] {
  const characters = Array.from(text)
  return pieces.map((piece, i) => {
    const [start, end] = ranges[i]!
    const written = characters.slice(start, end).join('')
    const isUnknown = ids[i] === unk
    // A piece of a word is longer than what it stands for by its mark. Without marks, a word goes on until a space.
    const goesOn = marksContinuation
      ? Array.from(piece).length !== end - start
      : start > 0 && !characters.slice(start - 1, start + 1).includes(' ')
    return {
      index: prefix.length + i,
      word: isUnknown ? written : piece,
      start,
      end,
      scores: probabilities.subarray(i * labels, (i + 1) * labels),
      goesOn: goesOn && !isUnknown,
    }
  })
}

function wordsOf(pieces: readonly Piece[]): Piece[][] {
  const words: Piece[][] = []
  for (const piece of pieces) {
    if (piece.goesOn && words.length > 0) words.at(-1)!.push(piece)
    else words.push([piece])
  }
  return words
}

/** The probabilities of a word's tags, of those of its pieces. */
const wordScores: Readonly<Record<Exclude<Strategy, 'none' | 'simple'>, (word: readonly Piece[]) => Float64Array>> = {
  first: ([piece]) => piece!.scores,
  max: (word) => word.reduce((a, b) => (Math.max(...b.scores) > Math.max(...a.scores) ? b : a)).scores,
  average: (word) =>
    word[0]!.scores.map((_, tag) => word.reduce((sum, { scores }) => sum + scores[tag]!, 0) / word.length),
}

/** Neighbours of one type, none but the first of them marked B-, are one entity. */
function grouped(tagged: readonly Tagged[], tokenizer: Tokenizer): ClassifiedToken[] {
  const groups: Tagged[][] = []
  let last = ''
  for (const one of tagged) {
    const type = one.entity.replace(/^[BI]-/, '')
    if (groups.length > 0 && type === last && !one.entity.startsWith('B-')) groups.at(-1)!.push(one)
    else groups.push([one])
    last = type
  }
  return groups.map((group) => ({
    // The pipeline cuts at the first dash here, whatever stands before it.
    entity_group: group[0]!.entity.replace(/^[^-]*-/s, ''),
    score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
    word: tokenizer.joinPieces(group.map(({ word }) => word)),
    start: group[0]!.start,
    end: group.at(-1)!.end,
  }))
}

function argmax(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
