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

interface CrfCurve {
  readonly optimizer: Optimizer & {
    readonly learningRates: Record<'encoder' | 'head' | 'crf', number>
    readonly weightDecay: number
  }
  readonly batches: GoldenBatch[]
  readonly losses: number[]
  readonly gradientNorms: number[]
  readonly crf: { readonly transitions: number[][]; readonly start: number[]; readonly end: number[] }
}

const plain = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1, seed: 1 }

describe('tiny BERT, as PyTorch computes it', () => {
  test('logits within 1e-5', async () => {
    const { batch, logits } = readGolden('logits.json') as { batch: GoldenBatch; logits: number[][][] }
    const trainer = await tagTrainer(tinyTagger('softmax'), tinyWeights(), plain)
    const words = await trainer.logits(toBatch(batch))
    const pieces = logits.flat()
    const wordsPerSentence = batch.wordIndex[0]!.length
    batch.wordIndex.forEach((row, sentence) =>
      row
        .slice(0, batch.lengths[sentence])
        .forEach((piece, word) =>
          pieces[piece]!.forEach((logit, tag) =>
            expect(Math.abs(words[(sentence * wordsPerSentence + word) * 5 + tag]! - logit)).toBeLessThan(1e-5),
          ),
        ),
    )
    await trainer.release()
  })

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

  test.each(['decayWeights', 'decayStrong'])('a 20-step loss curve (%s) within 1e-3', async (run) => {
    const { optimizer, batches, runs } = readGolden('curve-adamw.json') as Curve
    const golden = runs[run]!
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

  test('a 20-step loss curve with a CRF and three learning rates within 1e-3', async () => {
    const { optimizer, batches, losses, gradientNorms, crf } = readGolden('curve-crf.json') as CrfCurve
    const start = { 'crf.transitions': crf.transitions.flat(), 'crf.start': crf.start, 'crf.end': crf.end }
    const trainer = await tagTrainer(tinyTagger('crf'), tinyWeights(start), {
      ...plain,
      weightDecay: optimizer.weightDecay,
      maxGradNorm: optimizer.clip,
    })
    for (let step = 0; step < optimizer.steps; step++) {
      const factor = scheduleFactor('linear', step, optimizer.steps, optimizer.warmup)
      const { encoder, head, crf: chain } = optimizer.learningRates
      const rates = { encoder: encoder * factor, head: head * factor, crf: chain * factor }
      const { loss, gradientNorm } = await trainer.step([toBatch(batches[step % batches.length]!)], step + 1, rates)
      expect(Math.abs(loss - losses[step]!) / losses[step]!, `step ${step}`).toBeLessThan(1e-3)
      if (step === 0) expect(Math.abs(gradientNorm - gradientNorms[0]!) / gradientNorms[0]!).toBeLessThan(1e-4)
    }
    await trainer.release()
  })

  test('a batch in two parts is the whole batch', async () => {
    const { batches } = readGolden('curve-adamw.json') as Curve
    const rates = { encoder: 1e-3, head: 1e-3, crf: 1e-3 }
    const whole = await tagTrainer(tinyTagger('softmax'), tinyWeights(), plain)
    const parts = await tagTrainer(tinyTagger('softmax'), tinyWeights(), plain)
    const golden = batches[0]!
    const half = (from: number, to: number) => {
      const rows = <T>(all: T[]) => all.slice(from, to)
      const shift = from * golden.inputIds[0]!.length
      return toBatch({
        inputIds: rows(golden.inputIds),
        attentionMask: rows(golden.attentionMask),
        wordIndex: rows(golden.wordIndex).map((row) => row.map((index) => Math.max(0, index - shift))),
        lengths: rows(golden.lengths),
        tags: rows(golden.tags),
      })
    }
    const a = await whole.step([toBatch(golden)], 1, rates)
    const b = await parts.step([half(0, 2), half(2, 4)], 1, rates)
    expect(b.loss).toBeCloseTo(a.loss, 5)
    expect(b.gradientNorm).toBeCloseTo(a.gradientNorm, 4)
    for (const [name, { data }] of Object.entries(whole.optimizer.weights)) {
      const other = parts.optimizer.weights[name]!.data
      data.forEach((value, i) => expect(Math.abs(Number(value) - Number(other[i]))).toBeLessThan(2e-5))
    }
    await whole.release()
    await parts.release()
  })
})

test('a scheme keeps its own transitions', () => {
  expect(legalTransitions(['O', 'B-X', 'I-X'], 'IOB2').start).toEqual([true, true, false])
})
