import { describe, expect, test } from 'vitest'
import type { LossRow } from '../../../src/compress/distill/losses.js'
import { taggingObjective, type Objective } from '../../../src/training/objective.js'
import { createTrainer } from '../../../src/training/cpu/trainer.js'
import { distance } from '../../models/graphs.js'
import { golden, goldenBatch, goldenGradients, objective, row, student, studentWeights, teacher } from './golden.js'

const plain = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, maxGradNorm: null, seed: 1, threads: 1 }
const still = { encoder: 0, head: 0, crf: 0 }

/** One step that changes nothing: the loss, the norm of its gradient, and the gradients of all dense parameters. */
async function stepOf(it: Objective) {
  const trainer = await createTrainer(student, it, studentWeights(), plain)
  try {
    const { loss, gradientNorm } = await trainer.step([goldenBatch()], 1, still)
    const gradients = Object.entries(trainer.optimizer.gradients('gradients'))
    return { loss, gradientNorm, gradients: new Map(gradients.map(([name, { data }]) => [name, data as Float32Array])) }
  } finally {
    await trainer.release()
  }
}

describe('losses of distillation, as PyTorch computes them', () => {
  const two = [teacher('crf'), teacher('softmax', 0.5)]
  const cases: Record<string, { rows: LossRow[]; teachers?: typeof two }> = {
    gold: { rows: [row('gold')] },
    soft: { rows: [row('soft')] },
    posterior: { rows: [row('posterior')] },
    mixture: { rows: [row('posterior')], teachers: two },
    hidden: { rows: [row('hidden')] },
    relations: { rows: [row('relations')] },
  }

  test.each(Object.keys(golden.losses))('%s: value and every gradient within 1e-4', async (name) => {
    const { rows, ...options } = cases[name]!
    const actual = await stepOf(objective(rows, options))
    const { loss, norm } = golden.losses[name]!
    expect(Math.abs(actual.loss - loss)).toBeLessThan(1e-4)
    expect(Math.abs(actual.gradientNorm - norm)).toBeLessThan(1e-3)
    const expected = goldenGradients()
    for (const [parameter, own] of actual.gradients) {
      // Where the loss reads nothing of a parameter, PyTorch has no gradient, and ours is 0.
      const data = expected.get(`${name}/${parameter}`)?.data ?? new Float32Array(own.length)
      expect(distance(own, data), parameter).toBeLessThan(1e-4)
    }
  })
})

test('rows add up by their weights', async () => {
  const weighted = [
    { ...row('soft'), weight: 0.5 },
    { ...row('posterior'), weight: 2 },
  ]
  const { loss } = await stepOf(objective(weighted))
  expect(loss).toBeCloseTo(0.5 * golden.losses['soft']!.loss + 2 * golden.losses['posterior']!.loss, 4)
})

test('a step in two parts is the whole step: what is divided by is of all its batches', async () => {
  const whole = goldenBatch()
  const [from, to] = [whole.sizes.sequence, whole.sizes.words]
  const half = (first: number, last: number) => ({
    ...whole,
    sizes: { ...whole.sizes, batch: last - first, sentences: last - first },
    inputIds: whole.inputIds.slice(first * from, last * from),
    attentionMask: whole.attentionMask.slice(first * from, last * from),
    wordIndex: whole.wordIndex
      .slice(first * to, last * to)
      .map((index) => (index < BigInt(first * from) ? 0n : index - BigInt(first * from))),
    lengths: whole.lengths.slice(first, last),
    rows: whole.rows.slice(first, last),
    wordCount: whole.rows.slice(first, last).reduce((sum, { piece }) => sum + piece.length, 0),
    pieceCount: whole.attentionMask.slice(first * from, last * from).reduce((sum, bit) => sum + Number(bit), 0),
  })
  const rows = [row('gold'), row('posterior'), row('soft'), row('hidden'), row('relations')]
  const trainer = await createTrainer(student, objective(rows), studentWeights(), plain)
  const one = await trainer.step([whole], 1, still)
  const parts = await trainer.step([half(0, 3), half(3, 4)], 2, still)
  await trainer.release()
  expect(parts.loss).toBeCloseTo(one.loss, 4)
  expect(parts.gradientNorm).toBeCloseTo(one.gradientNorm, 3)
})

test("logits from before are as good as the teacher's in the graph", async () => {
  const batch = goldenBatch()
  const { model, weights } = teacher('crf')
  const asked = await createTrainer(model.tagger, taggingObjective(model.tagger, { smoothing: 0 }), weights, plain)
  const data = await asked.logits(batch)
  await asked.release()
  const { sentences, words } = batch.sizes
  const cached = [{ of: () => ({ dtype: 'float32' as const, dims: [sentences, words, golden.labels.length], data }) }]
  const rows = [row('soft'), row('posterior')]
  const [inGraph, before] = [await stepOf(objective(rows)), await stepOf(objective(rows, { cached }))]
  expect(before.loss).toBeCloseTo(inGraph.loss, 4)
  expect(before.gradientNorm).toBeCloseTo(inGraph.gradientNorm, 3)
})

describe('layers that are not there', () => {
  test.each([
    ['a student’s layer past its last', row('hidden', 2, 2), /student has no layer 2 .* 0 to 1/s],
    ['a teacher’s layer past its last', row('relations', 3, 1), /teacher has no layer 3 .* 1 to 2/s],
    ['embeddings, which have no relations', row('relations', 1, 0), /student has no layer 0/],
    ['a layer for a loss that reads none', row('soft', 1, 1), /reads no layer/],
    ['a teacher’s layer alone', row('hidden', 1, null), /none of the student/],
  ])('%s', (_, wrong, message) => {
    expect(() => objective([row('gold'), wrong])).toThrow(message)
    expect(() => objective([row('gold'), wrong])).toThrow(/distill\.losses\.1/)
  })
})
