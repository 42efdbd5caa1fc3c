import { describe, expect, test } from 'vitest'
import { gradients } from '../../src/graph/autodiff.js'
import { noDropout, type Dropout } from '../../src/models/layers.js'
import { collectDropout, createMasks, type DropoutSite } from '../../src/training/dropout.js'
import { buildStep } from '../../src/training/step.js'
import { compile, float32 } from '../models/graphs.js'
import { readGolden, tagTrainer, tinyTagger, tinyWeights, toBatch, type GoldenBatch } from './golden-model.js'

const sites: readonly DropoutSite[] = [
  { input: 'dropout.0', rate: 0.1, shape: ['batch*sequence', 8] },
  { input: 'dropout.1', rate: 0.5, shape: ['batch', 4, 'sequence', 'sequence'] },
  { input: 'dropout.2', rate: 0.1, shape: ['12*batch', 3] },
]
const small = { batch: 2, sequence: 5 }
const large = { batch: 16, sequence: 64 }

describe('masks', () => {
  test('have the shape of what they are multiplied with', () => {
    const masks = createMasks(1)(sites, small, 1, 0)
    expect(Object.entries(masks).map(([name, { dims }]) => [name, dims])).toEqual([
      ['dropout.0', [10, 8]],
      ['dropout.1', [2, 4, 5, 5]],
      ['dropout.2', [24, 3]],
    ])
    for (const { dims, data } of Object.values(masks)) expect(data.length).toBe(dims.reduce((a, b) => a * b, 1))
  })

  test('depend on seed, step, part and site alone, whatever was asked for before', () => {
    const fresh = createMasks(7)(sites, small, 3, 1)
    const masks = createMasks(7)
    masks(sites, large, 4, 0)
    masks(sites.slice(1), small, 3, 1)
    expect(masks(sites, small, 3, 1)).toEqual(fresh)
  })

  test('of another seed, step, part or site are others', () => {
    const keys = [
      [1, 1, 0],
      [2, 1, 0],
      [1, 2, 0],
      [1, 1, 1],
    ] as const
    const seen = keys.map(([seed, step, part]) =>
      String(createMasks(seed)([sites[1]!], large, step, part)['dropout.1']!.data.slice(0, 200)),
    )
    expect(new Set(seen).size).toBe(keys.length)
    const twice = createMasks(1)([sites[1]!, { ...sites[1]!, input: 'other' }], large, 1, 0)
    expect(twice['dropout.1']!.data).not.toEqual(twice['other']!.data)
  })

  test('drop the share they should, and scale the rest by 1 / (1 − rate)', () => {
    const masks = createMasks(3)
    for (const rate of [0.1, 0.3, 0.5]) {
      const site = { input: 'x', rate, shape: ['batch', 4, 'sequence', 'sequence'] }
      let [zeros, kept, count] = [0, 0, 0]
      for (let step = 1; step <= 4; step++) {
        for (const value of masks([site], large, step, 0)['x']!.data as Float32Array) {
          if (value === 0) zeros++
          else if (value === Math.fround(1 / (1 - rate))) kept++
          count++
        }
      }
      expect(Math.abs(zeros / count - rate)).toBeLessThan(0.003)
      // The rest is kept, and scaled so that the expectation is that of the value itself.
      expect(zeros + kept).toBe(count)
    }
  })
})

describe('in a graph', () => {
  test('a mask multiplies the value and its gradient', async () => {
    const collected: DropoutSite[] = []
    const run = await compile((g) => {
      const x = g.input('x', 'float32', [4])
      const y = collectDropout(collected)(g, x, 0.5)
      return { y, gradient: gradients(g, g.sum(g.mul(y, y), [0], 0), [x])[0]! }
    })
    expect(collected).toEqual([{ input: 'dropout.0', rate: 0.5, shape: [4] }])
    const { y, gradient } = await run({ x: float32([4], [1, 2, 3, 4]), 'dropout.0': float32([4], [2, 0, 0, 2]) })
    expect([...y!]).toEqual([2, 0, 0, 8])
    expect([...gradient!]).toEqual([8, 0, 0, 32])
  })

  test('a rate of 0 adds nothing', async () => {
    const nodes = async (dropout: Dropout) => {
      let count = 0
      await compile((g) => {
        const y = dropout(g, g.exp(g.input('x', 'float32', [4])), 0)
        count = g.nodes.length
        return { y }
      })
      return count
    }
    expect(await nodes(collectDropout([]))).toBe(await nodes(noDropout))
    expect(buildStep(tinyTagger('crf', 0)).dropoutSites).toEqual([])
  })

  test('a BERT drops out embeddings, attention, both sums of every layer, and words before the head', () => {
    const { dropoutSites } = buildStep(tinyTagger('crf', 0.1))
    expect(dropoutSites.length).toBe(1 + 2 * 3 + 1)
    expect(new Set(dropoutSites.map(({ input }) => input)).size).toBe(8)
  })
})

describe('training with dropout', () => {
  const { batch } = readGolden('logits.json') as { batch: GoldenBatch }
  const rates = { encoder: 1e-3, head: 1e-3, crf: 1e-3 }
  const options = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 }

  /** Losses, weights and logits after three steps. */
  async function train(seed: number, dropout: number) {
    const trainer = await tagTrainer(tinyTagger('softmax', dropout), tinyWeights(), { ...options, seed, threads: 1 })
    const before = await trainer.logits(toBatch(batch))
    const losses: number[] = []
    for (let step = 1; step <= 3; step++) losses.push((await trainer.step([toBatch(batch)], step, rates)).loss)
    const weights = new Map([...trainer.optimizer.state()].map(([name, { data }]) => [name, data.slice()]))
    await trainer.release()
    return { before, losses, weights }
  }

  test('is the same for the same seed, to the bit, and another for another', async () => {
    const [one, same, other] = [await train(1, 0.2), await train(1, 0.2), await train(2, 0.2)]
    expect(same).toEqual(one)
    expect(other.losses).not.toEqual(one.losses)
  })

  test('reads logits without it, and is not training without it', async () => {
    const [dropped, whole] = [await train(1, 0.2), await train(1, 0)]
    expect(dropped.before).toEqual(whole.before)
    expect(dropped.losses[0]).not.toBe(whole.losses[0])
  })

  test('at a rate of 0 does not depend on the seed', async () => {
    expect(await train(2, 0)).toEqual(await train(1, 0))
  })
})
