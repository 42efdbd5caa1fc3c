import { afterAll, describe, expect, test } from 'vitest'
import type { Batch } from '../../src/features/batch.js'
import type { HeadKind } from '../../src/models/tagger.js'
import { createDeviceTrainer } from '../../src/training/device/trainer.js'
import { taggingObjective } from '../../src/training/objective.js'
import { createTrainer, type Trainer } from '../../src/training/cpu/trainer.js'
import { distance } from '../models/graphs.js'
import { readGolden, tinyTagger, tinyStart, toBatch, type GoldenBatch } from './golden-model.js'

const { batch: golden } = readGolden('logits.json') as { batch: GoldenBatch }
const batch = toBatch(golden)
const rates = { encoder: 1e-3, head: 2e-3, crf: 1e-2 }
const options = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 0.5, seed: 1, threads: 1 }

/** The same batch without its first sentence: another shape, other pieces. */
function rest({ inputIds, attentionMask, wordIndex, lengths, tags }: GoldenBatch): Batch {
  const [sequence] = [inputIds[0]!.length]
  return toBatch({
    inputIds: inputIds.slice(1),
    attentionMask: attentionMask.slice(1),
    wordIndex: wordIndex.slice(1).map((row) => row.map((index) => Math.max(0, index - sequence))),
    lengths: lengths.slice(1),
    tags: tags.slice(1),
  })
}

async function both(head: HeadKind) {
  const tagger = tinyTagger(head)
  const weights = tinyStart(tagger)
  const objective = taggingObjective(tagger, { smoothing: 0, emissionLoss: 0.3 })
  return {
    names: objective.parameters.map(({ name }) => name),
    host: await createTrainer(tagger, objective, weights, options),
    device: await createDeviceTrainer(tagger, objective, weights, options),
  }
}

describe.each(['softmax', 'crf'] as const)('a trainer whose state stays on its device, with %s', (head) => {
  const trainers: Trainer[] = []
  afterAll(async () => {
    for (const trainer of trainers) await trainer.release()
  })

  test('makes the steps of the one beside the graph: losses, norms, weights, moments and logits', async () => {
    const { names, host, device } = await both(head)
    trainers.push(host, device)
    const steps = [[batch], [batch, rest(golden)], [rest(golden)], [batch], [batch]]
    for (const [i, parts] of steps.entries()) {
      const [ours, theirs] = [await device.step(parts, i + 1, rates), await host.step(parts, i + 1, rates)]
      if (i === 0)
        expect(distance([ours.gradientNorm, ours.loss], [theirs.gradientNorm, theirs.loss])).toBeLessThan(1e-5)
    }
    const [ours, theirs] = [await device.state(), await host.state()]
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
    for (const [name, { data, shape }] of theirs) {
      expect(ours.get(name)!.shape, name).toEqual(shape)
      // Attention does not depend on the keys' bias: its gradient is rounding, of which Adam makes whole steps.
      if (!name.endsWith('key.bias')) expect(distance(ours.get(name)!.data, data), name).toBeLessThan(1e-4)
    }
    expect(distance(await device.logits(rest(golden)), await host.logits(rest(golden)))).toBeLessThan(1e-4)
    const [piece] = names
    expect((await device.weights([piece!])).get(piece!)).toEqual(ours.get(piece!)!.data)
  })

  test('goes on from a state as if it had never stopped, to the bit', async () => {
    const [{ device: whole }, { device: stopped }] = [await both(head), await both(head)]
    trainers.push(whole, stopped)
    for (let step = 1; step <= 2; step++) await whole.step([batch], step, rates)
    const saved = new Map([...(await whole.state())].map(([name, { data }]) => [name, { data: data.slice() }]))
    await whole.step([rest(golden)], 3, rates)
    await stopped.restore(saved)
    await stopped.step([rest(golden)], 3, rates)
    const [one, other] = [await whole.state(), await stopped.state()]
    for (const [name, { data }] of one) expect(other.get(name)!.data, name).toEqual(data)
  })

  test('a loss that is no number stops it, and names the step', async () => {
    const { device } = await both(head)
    trainers.push(device)
    const state = await device.state()
    const name = 'classifier.weight'
    await device.restore(new Map([[name, { data: new Float32Array(state.get(name)!.data.length).fill(NaN) }]]))
    await expect(device.step([batch], 1, rates)).rejects.toThrow(/loss of step 1/)
  })
})
