import type { Batch } from '../../features/batch.js'
import type { Tensor } from '../../graph/types.js'
import { batchInputs } from '../step.js'
import type { FixedSizes } from './gradients.js'

/** 16, 32, 48, 64, 96, 128, 192, … : at most half as much again as is needed, and never many graphs. */
function roundUp(size: number): number {
  let step = 16
  while (size > step * 4) step *= 2
  return Math.ceil(size / step) * step
}

const powerOfTwo = (size: number) => 2 ** Math.ceil(Math.log2(size))

/**
 * The sizes that a batch is padded to. Every new combination is a graph to build and shaders to compile, so there are
 * few: lengths by `roundUp`, rows by powers of two.
 */
export function bucketOf({ batch, sequence, sentences, words }: Batch['sizes']): FixedSizes {
  return {
    batch: powerOfTwo(batch),
    sequence: roundUp(sequence),
    sentences: powerOfTwo(sentences),
    words: roundUp(words),
  }
}

/** The rows of the piece table that a step is given room for. */
export function rowBucket(touched: number, vocabulary: number): number {
  return Math.min(vocabulary, Math.max(64, powerOfTwo(touched)))
}

export const keyOf = ({ batch, sequence, sentences, words }: FixedSizes) =>
  [batch, sequence, sentences, words].join(' ')

/**
 * Steps of one run on CUDA. The Node binding cannot leave a tensor on such a device from one run to the next, so state
 * crosses the bus in every run, there and back: of BERT-base 110 M weights and as many of either moment, 1.3 GB each way.
 * At some 10 GB/s that is 0.26 s a run; 64 steps of 25 to 60 ms take 1.6 to 3.8 s, of which it adds 7 to 16 %.
 */
export const stepsPerRun = 64

/**
 * What the graph of a loop of steps like this one is built for. All of a step's batches are padded to the largest of
 * them, and there is room for every piece that they could hold: nothing of it depends on the steps around.
 */
export function loopBucket(batches: readonly Batch[], vocabulary = Infinity) {
  const largest = (size: keyof FixedSizes) => Math.max(...batches.map(({ sizes }) => sizes[size]))
  const sizes = bucketOf({
    batch: largest('batch'),
    sequence: largest('sequence'),
    sentences: largest('sentences'),
    words: largest('words'),
  })
  const rows = rowBucket(sizes.batch * sizes.sequence * batches.length, vocabulary)
  const accumulates = batches.length > 1
  return { sizes, rows, accumulates, key: [keyOf(sizes), rows, accumulates].join(' ') }
}

/** The batch laid out in a bucket's sizes: the same rows, more padding. */
export function padBatch(batch: Batch, sizes: FixedSizes): Batch {
  const { batch: rows, sequence } = batch.sizes
  const wordIndex = batch.wordIndex.map((index) => {
    const row = index / BigInt(sequence)
    return row * BigInt(sizes.sequence) + (index % BigInt(sequence))
  })
  const { sentences, words } = batch.sizes
  const grid = (values: BigInt64Array, from: readonly [number, number], to: readonly [number, number]) =>
    spread(values, new BigInt64Array(to[0] * to[1]), from, to[1])
  const pieces = [rows, sequence] as const
  const padded = [sizes.batch, sizes.sequence] as const
  const lengths = new BigInt64Array(sizes.sentences)
  lengths.set(batch.lengths)
  return {
    ...batch,
    sizes,
    inputIds: grid(batch.inputIds, pieces, padded),
    attentionMask: grid(batch.attentionMask, pieces, padded),
    wordIndex: grid(wordIndex, [sentences, words], [sizes.sentences, sizes.words]),
    lengths,
    ...(batch.tags && { tags: grid(batch.tags, [sentences, words], [sizes.sentences, sizes.words]) }),
    ...(batch.soft && { soft: padSoft(batch.soft, batch.sizes, sizes) }),
  }
}

function padSoft(soft: Float32Array, { sentences, words }: Batch['sizes'], to: FixedSizes): Float32Array {
  const labels = soft.length / (sentences * words)
  const padded = new Float32Array(to.sentences * to.words * labels)
  return spread(soft, padded, [sentences, words * labels], to.words * labels)
}

/** Copies rows of `width` into rows of `newWidth`. */
function spread<A extends BigInt64Array | Float32Array>(
  values: A,
  into: A,
  [rows, width]: readonly [number, number],
  newWidth: number,
): A {
  for (let row = 0; row < rows; row++)
    into.set(values.subarray(row * width, (row + 1) * width) as never, row * newWidth)
  return into
}

/** The real words of a padded [sentences, words, labels]. */
export function cropped(values: Float32Array, from: FixedSizes, to: Batch['sizes'], labels: number): Float32Array {
  const kept = new Float32Array(to.sentences * to.words * labels)
  const width = to.words * labels
  for (let row = 0; row < to.sentences; row++) {
    const at = row * from.words * labels
    kept.set(values.subarray(at, at + width), row * width)
  }
  return kept
}

/** Where the words of a batch are, in the types that a device takes; piece ids are fed as the graph wants them. */
export function indexFeeds({ sizes, attentionMask, wordIndex }: Batch): Record<string, Tensor> {
  return {
    [batchInputs.attentionMask]: {
      dtype: 'float32',
      dims: [sizes.batch, sizes.sequence],
      data: Float32Array.from(attentionMask, Number),
    },
    [batchInputs.wordIndex]: {
      dtype: 'int32',
      dims: [sizes.sentences, sizes.words],
      data: Int32Array.from(wordIndex, Number),
    },
  }
}
