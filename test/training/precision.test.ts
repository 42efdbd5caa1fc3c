import { afterAll, describe, expect, test, vi } from 'vitest'
import { liveNodes } from '../../src/graph/prune.js'
import type * as mixedModule from '../../src/graph/rewrite/mixed.js'
import { verify } from '../../src/graph/verify.js'
import { crfNames } from '../../src/models/crf.js'
import type { HeadKind } from '../../src/models/tagger.js'
import { createLoopTrainer } from '../../src/training/device/loop-trainer.js'
import { createDeviceTrainer } from '../../src/training/device/trainer.js'
import { taggingObjective } from '../../src/training/objective.js'
import { anySizes, buildStep } from '../../src/training/step.js'
import { createTrainer, type Precision, type Trainer } from '../../src/training/cpu/trainer.js'
import { readGolden, tinyTagger, tinyWeights, toBatch, type GoldenBatch } from './golden-model.js'
import { rounded } from './rounded.js'

type Mixed = typeof mixedModule

// Every operator on halves is rounded, as on a GPU.
vi.mock('../../src/graph/rewrite/mixed.js', async (original) => {
  const { mixed } = await original<Mixed>()
  return { mixed: (...args: Parameters<typeof mixed>) => rounded(mixed(...args).graph) }
})

const { batch: golden } = readGolden('logits.json') as { batch: GoldenBatch }
const batch = toBatch(golden)
const rates = { encoder: 1e-3, head: 2e-3, crf: 1e-2 }
const options = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 0.5, seed: 1, threads: 1 }

const makers = {
  'step by step': (...[tagger, objective, weights, more]: Parameters<typeof createLoopTrainer>) =>
    createDeviceTrainer(tagger, objective, weights, { ...more, stepsBetweenReads: 1 }),
  'in a loop': (...[tagger, objective, weights, more]: Parameters<typeof createLoopTrainer>) =>
    createLoopTrainer(tagger, objective, weights, { ...more, stepsPerRun: 1 }),
}
const trainers: Trainer[] = []
afterAll(async () => {
  for (const trainer of trainers) await trainer.release()
})

async function trainer(how: keyof typeof makers, head: HeadKind, precision: Precision): Promise<Trainer> {
  const tagger = tinyTagger(head, 0.1)
  const labels = tagger.tags.length
  const zeros = (count: number) => Array<number>(count).fill(0)
  const chain = {
    [crfNames.transitions]: zeros(labels ** 2),
    [crfNames.start]: zeros(labels),
    [crfNames.end]: zeros(labels),
  }
  const weights = tinyWeights(head === 'crf' ? chain : {})
  const objective = taggingObjective(tagger, { smoothing: 0, emissionLoss: 0.3 })
  const made = await makers[how](tagger, objective, weights, { ...options, precision })
  trainers.push(made)
  return made
}

const number = async (from: Trainer, name: string) => (await from.state()).get(name)!.data[0]!
const copy = async (from: Trainer) => new Map([...(await from.state())].map(([name, { data }]) => [name, data.slice()]))
const set = (on: Trainer, values: Readonly<Record<string, number>>) =>
  on.restore(new Map(Object.entries(values).map(([name, value]) => [name, { data: Float32Array.of(value) }])))

describe.each(Object.keys(makers) as (keyof typeof makers)[])('fp16, %s', (how) => {
  test.each(['softmax', 'crf'] as const)('has the loss curve of fp32, with %s', async (head) => {
    const [half, single] = [await trainer(how, head, 'fp16'), await trainer(how, head, 'fp32')]
    // The first scale is found by trial: here a step is large in so small a batch.
    await set(half, { loss_scale: 2 ** 8 })
    const curve: number[] = []
    const apart: number[] = []
    for (let step = 1; step <= 20; step++) {
      const [ours, theirs] = [await half.step([batch], step, rates), await single.step([batch], step, rates)]
      apart.push(Math.abs(ours.loss / theirs.loss - 1))
      curve.push(ours.loss)
    }
    expect(Math.max(...apart)).toBeLessThan(2e-3)
    expect(Math.max(...apart)).toBeGreaterThan(0)
    expect(curve.at(-1)!).toBeLessThan(curve[0]! * 0.8)
    expect(await number(half, 'loss_scale')).toBe(2 ** 8)
    expect(await number(half, 'good_steps')).toBe(20)
  })

  test('skips a step that overflows, to the bit, halves the scale, and goes on', async () => {
    const half = await trainer(how, 'crf', 'fp16')
    await half.step([batch], 1, rates)
    await set(half, { loss_scale: 2 ** 40 })
    const before = await copy(half)
    await half.step([batch], 2, rates)
    for (const [name, { data }] of await half.state())
      if (name !== 'loss_scale' && name !== 'good_steps') expect(data, name).toEqual(before.get(name))
    expect(await number(half, 'loss_scale')).toBe(2 ** 39)
    expect(await number(half, 'good_steps')).toBe(0)
    await set(half, { loss_scale: 2 ** 8 })
    await half.step([batch], 3, rates)
    expect(await number(half, 'good_steps')).toBe(1)
  })

  test('doubles the scale after two thousand good steps', async () => {
    const half = await trainer(how, 'softmax', 'fp16')
    await set(half, { good_steps: 1998, loss_scale: 2 ** 10 })
    await half.step([batch], 1, rates)
    expect(await number(half, 'loss_scale')).toBe(2 ** 10)
    await half.step([batch], 2, rates)
    expect(await number(half, 'loss_scale')).toBe(2 ** 11)
    expect(await number(half, 'good_steps')).toBe(0)
  })

  test('gives up where no scale helps, naming step and scale', async () => {
    const half = await trainer(how, 'softmax', 'fp16')
    const weights = (await half.state()).get('classifier.weight')!.data
    await half.restore(new Map([['classifier.weight', { data: weights.map(() => 1e6) }]]))
    await set(half, { loss_scale: 2 })
    await half.step([batch], 1, rates)
    const error = half.step([batch], 2, rates)
    await expect(error).rejects.toMatchObject({ code: 'training/overflow' })
    await expect(error).rejects.toThrow(/step 2, and did at every scale down to 0\.5/)
  })
})

test('several batches of a step share one scale, and are skipped together', async () => {
  const half = await trainer('in a loop', 'softmax', 'fp16')
  await half.step([batch, batch], 1, rates)
  expect(await number(half, 'good_steps')).toBe(1)
  await set(half, { loss_scale: 2 ** 40 })
  const before = await copy(half)
  await half.step([batch, batch], 2, rates)
  expect(await number(half, 'loss_scale')).toBe(2 ** 39)
  expect((await half.state()).get('classifier.weight')!.data).toEqual(before.get('classifier.weight'))
})

test('products are of halves; the loss, norms, softmax and their gradients of floats', async () => {
  const { mixed } = await vi.importActual<Mixed>('../../src/graph/rewrite/mixed.js')
  const { graph } = mixed(buildStep(tinyTagger('crf', 0.1), { emissionLoss: 0.3 }, anySizes).graph, 'scale')
  verify(graph)
  const nodes = liveNodes(graph)
  const halves = (test: (name: string) => boolean) => (op: string) =>
    nodes
      .filter((node) => node.op === op && test(node.name))
      .map(({ inputs }) => inputs.every((value) => value?.dtype === 'float16'))
  const exact = (name: string) => /(loss\/|LayerNormalization|Softmax)/.test(name)
  for (const op of ['MatMul', 'Gemm', 'Gelu']) {
    const all = halves((name) => !exact(name))(op)
    expect(all.length, op).toBeGreaterThan(0)
    expect(all.every(Boolean), op).toBe(true)
  }
  for (const { name, op, inputs } of nodes) {
    if (exact(name) && op !== 'Cast')
      expect(
        inputs.some((value) => value?.dtype === 'float16'),
        name,
      ).toBe(false)
  }
  expect(graph.inputs.map(({ name, dtype }) => `${name} ${dtype}`)).toContain('scale float32')
  expect(graph.outputs.every(({ value }) => value.dtype === 'float32')).toBe(true)
})

test('a CPU refuses it', async () => {
  const tagger = tinyTagger('softmax')
  const made = createTrainer(tagger, taggingObjective(tagger, { smoothing: 0 }), tinyWeights(), {
    ...options,
    precision: 'fp16',
  })
  await expect(made).rejects.toMatchObject({ code: 'config/bad-value' })
})
