import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Example } from '../../src/features/batch.js'
import { batches, countBatches, fillBatch, planBatches, type BatchOptions } from '../../src/features/batches.js'

/** An example whose ids tell which it is: window w of example e is filled with 1000·e + w + 1. */
function exampleOf(
  e: number,
  lengths: readonly number[],
  sentences: readonly (readonly [number, number])[][],
): Example {
  return {
    windows: lengths.map((length, w) => new Int32Array(length).fill(1000 * e + w + 1)),
    sentences: sentences.map((words, s) => ({
      document: e,
      firstWord: 100 * s,
      window: Int32Array.from(words, ([window]) => window),
      piece: Int32Array.from(words, ([, piece]) => piece),
      tags: Int32Array.from(words, (_, i) => (e + i) % 3),
    })),
  }
}

const randomExamples = fc
  .array(
    fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }).chain((lengths) =>
      fc.record({
        lengths: fc.constant(lengths),
        sentences: fc.array(
          fc.array(
            fc.nat(lengths.length - 1).chain((window) => fc.tuple(fc.constant(window), fc.nat(lengths[window]! - 1))),
            { minLength: 1, maxLength: 9 },
          ),
          { minLength: 1, maxLength: 3 },
        ),
      }),
    ),
    { maxLength: 40 },
  )
  .map((all) => all.map(({ lengths, sentences }, e) => exampleOf(e, lengths, sentences)))

const randomOptions: fc.Arbitrary<BatchOptions> = fc
  .record(
    {
      sentences: fc.integer({ min: 1, max: 8 }),
      tokens: fc.integer({ min: 1, max: 200 }),
      roundTo: fc.constantFrom(1, 8),
      shuffle: fc.record({ seed: fc.nat(), epoch: fc.nat(5) }),
    },
    { requiredKeys: ['tokens'] },
  )
  .map((options) => ({ ...options, labels: 3, padId: 7 }))

describe('batches', () => {
  it('takes every example once, within the budget', () => {
    fc.assert(
      fc.property(randomExamples, randomOptions, (examples, options) => {
        const plan = planBatches(examples, options)
        expect(plan.flat().sort((a, b) => a - b)).toEqual(examples.map((_, i) => i))
        expect(countBatches(examples, options)).toBe(plan.length)
        const filled = [...batches(examples, options)]
        expect(filled).toHaveLength(plan.length)
        for (const [i, { sizes }] of filled.entries()) {
          expect(sizes.sequence % (options.roundTo ?? 1)).toBe(0)
          if (plan[i]!.length === 1) continue
          expect(sizes.batch * sizes.sequence).toBeLessThanOrEqual(options.tokens)
          expect(sizes.sentences).toBeLessThanOrEqual(options.sentences ?? Infinity)
        }
      }),
    )
  })

  it('holds every piece, word and tag where it says', () => {
    fc.assert(
      fc.property(randomExamples, randomOptions, (examples, options) => {
        for (const batch of batches(examples, options)) {
          const { batch: rows, sequence, words } = batch.sizes
          const ids = [...batch.inputIds]
          expect(ids).toHaveLength(rows * sequence)
          expect(ids.map((id) => (id === 7n ? 0n : 1n))).toEqual([...batch.attentionMask])
          expect(batch.pieceCount).toBe(ids.filter((id) => id !== 7n).length)
          expect(batch.wordCount).toBe(batch.rows.reduce((sum, { piece }) => sum + piece.length, 0))
          for (const [r, { document, window, piece, tags }] of batch.rows.entries()) {
            expect(batch.lengths[r]).toBe(BigInt(piece.length))
            for (let i = 0; i < words; i++) {
              const flat = Number(batch.wordIndex[r * words + i])
              if (i >= piece.length) {
                expect([flat, batch.tags![r * words + i]]).toEqual([0, 0n])
                continue
              }
              expect(ids[flat]).toBe(BigInt(1000 * document + window[i]! + 1))
              expect(flat % sequence).toBe(piece[i])
              expect(batch.tags![r * words + i]).toBe(BigInt(tags![i]!))
            }
          }
        }
      }),
    )
  })

  const many = Array.from({ length: 500 }, (_, e) => exampleOf(e, [1 + ((e * 37) % 60)], [[[0, 0]]]))
  const options = { sentences: 8, tokens: 512, labels: 3, padId: 0 }

  it('has a new order each epoch, and the same for the same seed', () => {
    const plan = (seed: number, epoch: number) => planBatches(many, { ...options, shuffle: { seed, epoch } })
    expect(plan(1, 0)).toEqual(plan(1, 0))
    expect(plan(1, 0)).not.toEqual(plan(1, 1))
    expect(plan(1, 0)).not.toEqual(plan(2, 0))
  })

  it('puts like lengths together and the batches in random order', () => {
    const shuffled = [...batches(many, { ...options, shuffle: { seed: 1, epoch: 0 } })]
    const real = shuffled.reduce((sum, { pieceCount }) => sum + pieceCount, 0)
    const padded = shuffled.reduce((sum, { sizes }) => sum + sizes.batch * sizes.sequence, 0)
    expect(real / padded).toBeGreaterThan(0.9)
    const lengths = shuffled.map(({ sizes }) => sizes.sequence)
    expect(lengths).not.toEqual(lengths.toSorted((a, b) => b - a))
  })

  it('has the longest first without shuffling', () => {
    const lengths = [...batches(many, options)].map(({ sizes }) => sizes.sequence)
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a))
  })
})

describe('fillBatch', () => {
  const options = { tokens: 100, labels: 3, padId: 0 }
  const plain = exampleOf(1, [2], [[[0, 0]], [[0, 1]]])
  const { tags: _, ...untagged } = plain.sentences[0]!

  it('has no tags unless every sentence has', () => {
    expect(fillBatch([plain, { ...plain, sentences: [untagged] }], options).tags).toBeUndefined()
  })

  it('writes a tag beside soft tags as one-hot', () => {
    const soft = { ...untagged, soft: Float32Array.of(0.5, 0.25, 0.25) }
    const batch = fillBatch([plain, { ...plain, sentences: [soft] }], options)
    expect([...batch.soft!]).toEqual([0, 1, 0, 0, 1, 0, 0.5, 0.25, 0.25])
    expect(fillBatch([{ ...plain, sentences: [soft, untagged] }], options).soft).toBeUndefined()
  })
})
