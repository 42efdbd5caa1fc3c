import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/features/batch.js'
import { gradients } from '../../src/graph/autodiff.js'
import type { Tagger } from '../../src/models/tagger.js'
import { taggingLoss } from '../../src/models/tagger.js'
import { batchTargets, type TargetOptions } from '../../src/training/targets.js'
import { compile, distance, float32, int64 } from '../models/graphs.js'

interface Golden {
  readonly logits: number[][]
  readonly tags: number[]
  readonly soft: number[][]
  readonly classWeights: number[]
  readonly labelSmoothing: number
  readonly mean: Record<string, { readonly loss: number; readonly gradient: number[][] }>
}

const golden = JSON.parse(readFileSync(new URL('../golden/models/losses.json', import.meta.url), 'utf8')) as Golden
const labels = 5

/** The golden's six words as two sentences of four and two, so that there is padding. */
const lengths = [4, 2]
const [sentences, words] = [2, 4]
const firstWord = [0, 4]

/** Rows of six words spread over the rectangle, `filling` in the padding. */
function spread(rows: readonly (readonly number[])[], filling: number): number[] {
  return lengths.flatMap((length, sentence) =>
    Array.from({ length: words }, (_, word) =>
      word < length ? rows[firstWord[sentence]! + word]! : new Array<number>(labels).fill(filling),
    ).flat(),
  )
}

function makeBatch(targets: { tags: readonly number[] } | { soft: readonly (readonly number[])[] }): Batch {
  return {
    sizes: { batch: sentences, sequence: words, sentences, words },
    inputIds: new BigInt64Array(sentences * words),
    attentionMask: new BigInt64Array(sentences * words),
    wordIndex: new BigInt64Array(sentences * words),
    lengths: BigInt64Array.from(lengths, BigInt),
    rows: lengths.map((length, sentence) => ({
      document: sentence,
      firstWord: 0,
      window: new Int32Array(length),
      piece: new Int32Array(length),
      ...('soft' in targets && {
        soft: Float32Array.from(targets.soft.slice(firstWord[sentence], firstWord[sentence]! + length).flat()),
      }),
      ...('tags' in targets && {
        tags: Int32Array.from(targets.tags.slice(firstWord[sentence], firstWord[sentence]! + length)),
      }),
    })),
    pieceCount: 6,
    wordCount: 6,
  }
}

/** Mean loss and its gradient by the logits, of the six words and of the padding. */
async function lossOf(batch: Batch, options: TargetOptions) {
  const run = await compile((g) => {
    const logits = g.input('logits', 'float32', ['sentences', 'words', labels])
    const inputs = {
      targets: g.input('targets', 'float32', ['sentences', 'words', labels]),
      lengths: g.input('lengths', 'int64', ['sentences']),
      mask: g.input('mask', 'float32', ['sentences', 'words', 1]),
    }
    const weight = g.input('weight', 'float32', [])
    const softmax = { head: 'softmax' } as Tagger
    const loss = g.mul(
      taggingLoss(g, softmax, logits, inputs, () => {
        throw new Error('a softmax has no parameters of its own')
      }),
      weight,
    )
    return { loss, gradient: gradients(g, loss, [logits])[0]! }
  })
  const { targets, mask, total } = batchTargets(batch, options)
  const { loss, gradient } = await run({
    logits: float32([sentences, words, labels], spread(golden.logits, 7)),
    targets: float32([sentences, words, labels], targets),
    mask: float32([sentences, words, 1], mask),
    lengths: int64([sentences], lengths),
    weight: float32([], [1 / total]),
  })
  return { loss: loss![0]!, gradient: gradient! }
}

const plain = { labels, smoothing: 0 }

describe('cross entropy, as PyTorch computes it', () => {
  const { tags, soft, labelSmoothing: smoothing } = golden
  const classWeights = Float32Array.from(golden.classWeights)
  const cases: Record<string, { readonly batch: Batch; readonly options: TargetOptions }> = {
    hard: { batch: makeBatch({ tags }), options: plain },
    soft: { batch: makeBatch({ soft }), options: plain },
    labelSmoothing: { batch: makeBatch({ tags }), options: { labels, smoothing } },
    classWeights: { batch: makeBatch({ tags }), options: { ...plain, classWeights } },
  }

  test.each(Object.keys(golden.mean))('%s', async (name) => {
    const { batch, options } = cases[name]!
    const { loss, gradient } = await lossOf(batch, options)
    expect(loss).toBeCloseTo(golden.mean[name]!.loss, 5)
    expect(distance(gradient, spread(golden.mean[name]!.gradient, 0))).toBeLessThan(1e-6)
  })
})

describe('targets', () => {
  const hot = golden.tags.map((tag) => Array.from({ length: labels }, (_, other) => Number(other === tag)))

  test('a hard tag is a distribution with a single 1', () => {
    const hard = batchTargets(makeBatch({ tags: golden.tags }), plain)
    expect(hard).toEqual(batchTargets(makeBatch({ soft: hot }), plain))
    expect([...hard.targets]).toEqual(spread(hot, 0))
    expect([...hard.mask]).toEqual([1, 1, 1, 1, 1, 1, 0, 0])
    expect(hard.total).toBe(6)
  })

  test('smoothing keeps distributions that sum to 1, of soft targets too, and padding at 0', () => {
    const { targets } = batchTargets(makeBatch({ soft: golden.soft }), { labels, smoothing: 0.3 })
    const smoothed = golden.soft.map((row) => row.map((q) => 0.7 * q + 0.3 / labels))
    expect(distance(targets, spread(smoothed, 0))).toBeLessThan(1e-7)
  })

  test('a word whose soft tags are all 0 has none, and is not counted', () => {
    const known = golden.soft.map((row, word) => (word === 1 ? row.map(() => 0) : row))
    const { targets, mask, total } = batchTargets(makeBatch({ soft: known }), { labels, smoothing: 0.3 })
    expect(total).toBe(5)
    expect([...targets.subarray(labels, 2 * labels)]).toEqual(new Array(labels).fill(0))
    // It is still a word of its sentence.
    expect(mask[1]).toBe(1)
  })

  test("a batch's own soft targets are left as they are", () => {
    const batch = makeBatch({ soft: golden.soft })
    const before = batch.rows.map(({ soft }) => [...soft!])
    batchTargets(batch, { labels, smoothing: 0.3, classWeights: Float32Array.of(1, 2, 3, 4, 5) })
    expect(batch.rows.map(({ soft }) => [...soft!])).toEqual(before)
  })
})
