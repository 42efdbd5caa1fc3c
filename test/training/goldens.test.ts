import { describe, expect, test } from 'vitest'
import { legalTransitions } from '../../src/data/schemes.js'
import { taggerParameters } from '../../src/models/tagger.js'
import { scheduleFactor } from '../../src/training/schedule.js'
import {
  readGolden,
  readTensors,
  tagTrainer,
  tinyTagger,
  tinyWeights,
  toBatch,
  type GoldenBatch,
} from './golden-model.js'

interface Optimizer {
  readonly steps: number
  readonly warmup: number
  readonly clip: number
}

interface Curve {
  readonly optimizer: Optimizer & { readonly learningRate: number }
  readonly batches: GoldenBatch[]
  readonly runs: Record<string, { readonly weightDecay: number; readonly losses: number[] }>
}

const plain = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1, seed: 1 }

describe('tiny BERT, as PyTorch computes it', () => {
  test('loss, every gradient within 1e-4, and their norm', async () => {
    const { batch, loss, globalNorm } = readGolden('gradients.json') as {
      batch: GoldenBatch
      loss: number
      globalNorm: number
    }
    const tagger = tinyTagger('softmax')
    const trainer = await tagTrainer(tagger, tinyWeights(), plain)
    const zero = { encoder: 0, head: 0, crf: 0 }
    const result = await trainer.step([toBatch(batch)], 1, zero)
    expect(result.loss).toBeCloseTo(loss, 5)
    expect(Math.abs(result.gradientNorm - globalNorm)).toBeLessThan(1e-3)
    const golden = readTensors('gradients.safetensors')
    const dense = trainer.optimizer.gradients('gradients')
    for (const { name } of taggerParameters(tagger)) {
      if (name === tagger.encoder.pieceTable) continue
      const expected = golden.get(name)!.data
      const actual = dense[name]!.data as Float32Array
      expect(expected.length, name).toBe(actual.length)
      for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!), name).toBeLessThan(1e-4)
    }
    await trainer.release()
  })

  test('losses of 20 steps with a weight decay that tells within 1e-3', async () => {
    const { optimizer, batches, runs } = readGolden('curve-adamw.json') as Curve
    const golden = runs['decayStrong']!
    const trainer = await tagTrainer(tinyTagger('softmax'), tinyWeights(), {
      ...plain,
      weightDecay: golden.weightDecay,
      maxGradNorm: optimizer.clip,
    })
    for (let step = 0; step < optimizer.steps; step++) {
      const rate = optimizer.learningRate * scheduleFactor('linear', step, optimizer.steps, optimizer.warmup)
      const batch = toBatch(batches[step % batches.length]!)
      const { loss } = await trainer.step([batch], step + 1, { encoder: rate, head: rate, crf: rate })
      expect(Math.abs(loss - golden.losses[step]!) / golden.losses[step]!, `step ${step}`).toBeLessThan(1e-3)
    }
    await trainer.release()
  })
})

test('a scheme keeps its own transitions', () => {
  expect(legalTransitions(['O', 'B-X', 'I-X'], 'IOB2').start).toEqual([true, true, false])
})
