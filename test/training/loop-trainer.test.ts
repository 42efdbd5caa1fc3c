import { afterAll, describe, expect, test } from 'vitest'
import type { Batch } from '../../src/features/batch.js'
import type { HeadKind } from '../../src/models/tagger.js'
import { createLoopTrainer } from '../../src/training/device/loop-trainer.js'
import { createDeviceTrainer } from '../../src/training/device/trainer.js'
import { taggingObjective } from '../../src/training/objective.js'
import type { Trainer } from '../../src/training/cpu/trainer.js'
import { distance } from '../models/graphs.js'
import { readGolden, tinyTagger, tinyStart, toBatch, type GoldenBatch } from './golden-model.js'

const { batch: golden } = readGolden('logits.json') as { batch: GoldenBatch }
const batch = toBatch(golden)
const rates = { encoder: 1e-3, head: 2e-3, crf: 1e-2 }
const options = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 0.5, seed: 1, threads: 1 }

/** The same pieces in another order of sentences, so that steps differ. */
function turned({ inputIds, attentionMask, wordIndex, lengths, tags }: GoldenBatch): Batch {
  const [sequence, sentences] = [inputIds[0]!.length, inputIds.length]
  const order = inputIds.map((_, i) => (i + 1) % sentences)
  const pick = <T>(rows: readonly T[]) => order.map((i) => rows[i]!)
  return toBatch({
    inputIds: pick(inputIds),
    attentionMask: pick(attentionMask),
    wordIndex: order.map((from, to) =>
      wordIndex[from]!.map((index) => (index === 0 ? 0 : index + (to - from) * sequence)),
    ),
    lengths: pick(lengths),
    tags: pick(tags),
  })
}

const other = turned(golden)
const trainers: Trainer[] = []
afterAll(async () => {
  for (const trainer of trainers) await trainer.release()
})

async function both(head: HeadKind, stepsPerRun: number) {
  const tagger = tinyTagger(head, 0.1)
  const weights = tinyStart(tagger)
  const objective = taggingObjective(tagger, { smoothing: 0, emissionLoss: 0.3 })
  const plain = await createDeviceTrainer(tagger, objective, weights, { ...options, stepsBetweenReads: 1 })
  const looped = await createLoopTrainer(tagger, objective, weights, { ...options, stepsPerRun })
  trainers.push(plain, looped)
  return { plain, looped }
}

async function expectSame(looped: Trainer, plain: Trainer, within: number) {
  const [ours, theirs] = [await looped.state(), await plain.state()]
  expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
  for (const [name, { data, shape }] of theirs) {
    expect(ours.get(name)!.shape, name).toEqual(shape)
    // Attention does not depend on the keys' bias: its gradient is rounding, of which Adam makes whole steps.
    if (!name.endsWith('key.bias')) expect(distance(ours.get(name)!.data, data), name).toBeLessThanOrEqual(within)
  }
}

describe.each(['softmax', 'crf'] as const)('steps in a loop, with %s and dropout', (head) => {
  test('are the steps one by one: losses, norms, weights, moments and logits, the last run shorter', async () => {
    const { plain, looped } = await both(head, 3)
    const losses: number[] = []
    for (let step = 1; step <= 6; step++) {
      const parts = [step % 2 === 0 ? batch : other]
      const theirs = await plain.step(parts, step, rates)
      losses.push(theirs.loss)
      const ours = await looped.step(parts, step, rates)
      // Runs are of step 1, of steps 2 to 4, and of what is there when the weights are asked for.
      const mean = step < 4 ? losses[0]! : (losses[1]! + losses[2]! + losses[3]!) / 3
      expect(Math.abs(ours.loss / mean - 1)).toBeLessThan(1e-5)
      if (step === 4) expect(Math.abs(ours.gradientNorm / theirs.gradientNorm - 1)).toBeLessThan(1e-5)
    }
    await expectSame(looped, plain, 1e-5)
    expect(distance(await looped.logits(batch), await plain.logits(batch))).toBeLessThan(1e-5)
  })

  test('of several batches add their gradients up', async () => {
    const { plain, looped } = await both(head, 4)
    for (let step = 1; step <= 5; step++) {
      const parts = step === 3 ? [batch] : [batch, other]
      await plain.step(parts, step, rates)
      await looped.step(parts, step, rates)
    }
    await expectSame(looped, plain, 1e-5)
  })
})

test('where runs begin and end makes no difference, to the bit, nor does stopping', async () => {
  const [{ looped: whole }, { looped: short }, { looped: stopped }] = [
    await both('crf', 8),
    await both('crf', 2),
    await both('crf', 8),
  ]
  for (let step = 1; step <= 6; step++) {
    const parts = [step % 2 === 0 ? batch : other]
    for (const trainer of [whole, short]) await trainer.step(parts, step, rates)
    if (step <= 3) await stopped.step(parts, step, rates)
  }
  const saved = new Map([...(await stopped.state())].map(([name, { data }]) => [name, { data: data.slice() }]))
  const { looped: resumed } = await both('crf', 8)
  await resumed.restore(saved)
  for (let step = 4; step <= 6; step++) await resumed.step([step % 2 === 0 ? batch : other], step, rates)
  for (const [name, { data }] of await whole.state()) {
    expect((await short.state()).get(name)!.data, name).toEqual(data)
    expect((await resumed.state()).get(name)!.data, name).toEqual(data)
  }
})

test('a loss that is no number stops it, names the step, and leaves the weights of the run before', async () => {
  const { looped } = await both('softmax', 2)
  await looped.step([batch], 1, rates)
  const before = new Map([...(await looped.state())].map(([name, { data }]) => [name, data.slice()]))
  await looped.step([batch], 2, { encoder: 1e30, head: 1e30, crf: 1e30 })
  await expect(looped.step([batch], 3, rates)).rejects.toThrow(/(loss|gradient) of step [23]/)
  for (const [name, { data }] of await looped.state()) expect(data, name).toEqual(before.get(name))
})
