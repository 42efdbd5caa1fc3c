import { random, shuffle } from '../random.js'
import type { Batch, Example, ExampleSentence } from './batch.js'

export interface BatchOptions {
  /** Most sentences in a batch. No limit by default. */
  readonly sentences?: number
  /** Most pieces in a batch, padding included. An example that is larger makes a batch of its own. */
  readonly tokens: number
  /** Number of tags: the width of soft targets. */
  readonly labels: number
  readonly padId: number
  /** Padded lengths are rounded up to a multiple of this: fewer distinct shapes. 1 by default. */
  readonly roundTo?: number
  /** A new order each epoch, the same for the same seed. Without it, the longest examples come first. */
  readonly shuffle?: { readonly seed: number; readonly epoch: number }
}

/** An epoch's batches, in order. */
export function* batches(examples: readonly Example[], options: BatchOptions): Generator<Batch> {
  for (const plan of planBatches(examples, options))
    yield fillBatch(
      plan.map((example) => examples[example]!),
      options,
    )
}

/** How many batches `batches` gives with the same options. */
export function countBatches(examples: readonly Example[], options: BatchOptions): number {
  return planBatches(examples, options).length
}

/** Batches in one pool: within it examples are sorted by length, so that a batch has little padding. */
const poolBatches = 50

/**
 * Which examples go into which batch, by index.
 *
 * Shuffled, the corpus is cut into pools of some 50 batches, each pool is sorted by length and cut, and the batches are
 * shuffled: lengths are even within a batch and random between batches.
 */
export function planBatches(examples: readonly Example[], options: BatchOptions): number[][] {
  const shapes = examples.map((example) => shapeOf(example, options.roundTo ?? 1))
  const order = Array.from(examples, (_, i) => i)
  const byLength = (a: number, b: number) => shapes[b]!.length - shapes[a]!.length || a - b
  if (!options.shuffle) return cut(order.sort(byLength), shapes, options)

  const next = random('batches', options.shuffle.seed, options.shuffle.epoch)
  const pools = cutPools(shuffle(order, next), shapes, options)
  return shuffle(
    pools.flatMap((pool) => cut(pool.sort(byLength), shapes, options)),
    next,
  )
}

/** What an example costs: the rows it adds to a batch, their padded length, and its sentences. */
interface Shape {
  readonly rows: number
  readonly length: number
  readonly sentences: number
}

function shapeOf({ windows, sentences }: Example, roundTo: number): Shape {
  let longest = 0
  for (const window of windows) longest = Math.max(longest, window.length)
  return { rows: windows.length, length: Math.ceil(longest / roundTo) * roundTo, sentences: sentences.length }
}

/** Cuts an order, longest first, into batches within the budget. */
function cut(order: readonly number[], shapes: readonly Shape[], { tokens, sentences = Infinity }: BatchOptions) {
  const plan: number[][] = []
  let rows = 0
  let length = 0
  let count = 0
  for (const example of order) {
    const shape = shapes[example]!
    rows += shape.rows
    count += shape.sentences
    if (plan.length > 0 && rows * length <= tokens && count <= sentences) plan.at(-1)!.push(example)
    else {
      plan.push([example])
      ;({ rows, length, sentences: count } = shape)
    }
  }
  return plan
}

/** Cuts a shuffled order into pools. They are measured without padding, most of which sorting takes away. */
function cutPools(order: readonly number[], shapes: readonly Shape[], { tokens, sentences = Infinity }: BatchOptions) {
  const pools: number[][] = []
  let pieces = Infinity
  let count = 0
  for (const example of order) {
    const shape = shapes[example]!
    pieces += shape.rows * shape.length
    count += shape.sentences
    if (pieces <= tokens * poolBatches && count <= sentences * poolBatches) pools.at(-1)!.push(example)
    else {
      pools.push([example])
      pieces = shape.rows * shape.length
      count = shape.sentences
    }
  }
  return pools
}

/** Lays examples out as one batch. Targets are there when every sentence has them; a tag beside soft tags is one-hot. */
export function fillBatch(
  examples: readonly Example[],
  { padId, labels, roundTo = 1 }: Pick<BatchOptions, 'padId' | 'labels' | 'roundTo'>,
): Batch {
  const rows: ExampleSentence[] = []
  const firstWindows: number[] = []
  let batch = 0
  let sequence = 0
  let words = 0
  for (const { windows, sentences } of examples) {
    for (const window of windows) sequence = Math.max(sequence, window.length)
    for (const sentence of sentences) {
      rows.push(sentence)
      firstWindows.push(batch)
      words = Math.max(words, sentence.piece.length)
    }
    batch += windows.length
  }
  sequence = Math.ceil(sequence / roundTo) * roundTo

  const inputIds = new BigInt64Array(batch * sequence)
  const attentionMask = new BigInt64Array(batch * sequence)
  const ids = lowWords(inputIds)
  const mask = lowWords(attentionMask)
  let row = 0
  let pieceCount = 0
  if (padId !== 0) for (let i = 0; i < ids.length; i += 2) ids[i] = padId
  for (const { windows } of examples)
    for (const window of windows) {
      const start = 2 * sequence * row++
      for (let i = 0; i < window.length; i++) {
        ids[start + 2 * i] = window[i]!
        mask[start + 2 * i] = 1
      }
      pieceCount += window.length
    }

  const wordIndex = new BigInt64Array(rows.length * words)
  const lengths = new BigInt64Array(rows.length)
  const index = lowWords(wordIndex)
  let wordCount = 0
  for (const [r, { window, piece }] of rows.entries()) {
    const start = 2 * words * r
    for (let i = 0; i < piece.length; i++) index[start + 2 * i] = (firstWindows[r]! + window[i]!) * sequence + piece[i]!
    lengths[r] = BigInt(piece.length)
    wordCount += piece.length
  }
  return {
    sizes: { batch, sequence, sentences: rows.length, words },
    inputIds,
    attentionMask,
    wordIndex,
    lengths,
    ...(rows.every(({ tags }) => tags) && { tags: fillTags(rows, words) }),
    ...(rows.some(({ soft }) => soft) && rows.every(({ tags, soft }) => tags ?? soft)
      ? { soft: fillSoft(rows, words, labels) }
      : {}),
    rows,
    pieceCount,
    wordCount,
  }
}

function fillTags(rows: readonly ExampleSentence[], words: number): BigInt64Array {
  const filled = new BigInt64Array(rows.length * words)
  const low = lowWords(filled)
  for (const [r, { tags }] of rows.entries())
    for (let i = 0; i < tags!.length; i++) low[2 * (words * r + i)] = tags![i]!
  return filled
}

function fillSoft(rows: readonly ExampleSentence[], words: number, labels: number): Float32Array {
  const filled = new Float32Array(rows.length * words * labels)
  for (const [r, { soft, tags }] of rows.entries()) {
    const start = r * words * labels
    if (soft) filled.set(soft, start)
    else for (let i = 0; i < tags!.length; i++) filled[start + i * labels + tags![i]!] = 1
  }
  return filled
}

/**
 * The int64s as pairs of int32s, the low one first: ten times as fast to fill as through BigInt. What is written here
 * is never negative, so the high half stays 0. Every platform that ONNX Runtime's packages support is little-endian.
 */
function lowWords(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2)
}
