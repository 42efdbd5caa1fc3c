import { afterAll, expect, test } from 'vitest'
import type { ParameterData } from '../../src/models/parameters.js'
import type { HeadKind, Tagger } from '../../src/models/tagger.js'
import { taggingObjective, type Objective } from '../../src/training/objective.js'
import { scheduleFactor } from '../../src/training/schedule.js'
import type { Trainer, TrainerOptions } from '../../src/training/cpu/trainer.js'
import { distance } from '../models/graphs.js'
import { readGolden, tinyTagger, tinyStart, tinyWeights, toBatch, type GoldenBatch } from '../training/golden-model.js'

/** What a kind of trainer is made by, and what of the contract it does not keep, each with its reason. */
export interface TrainerContract {
  readonly make: (
    tagger: Tagger,
    objective: Objective,
    initial: ParameterData,
    options: TrainerOptions,
  ) => Promise<Trainer>
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

interface Curve {
  readonly optimizer: { readonly steps: number; readonly warmup: number; readonly clip: number }
  readonly batches: GoldenBatch[]
}

interface SoftmaxCurve extends Curve {
  readonly optimizer: Curve['optimizer'] & { readonly learningRate: number }
  readonly runs: Record<string, { readonly weightDecay: number; readonly losses: number[] }>
}

interface CrfCurve extends Curve {
  readonly optimizer: Curve['optimizer'] & {
    readonly learningRates: Record<'encoder' | 'head' | 'crf', number>
    readonly weightDecay: number
  }
  readonly losses: number[]
  readonly gradientNorms: number[]
  readonly crf: { readonly transitions: number[][]; readonly start: number[]; readonly end: number[] }
}

const options: TrainerOptions = {
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
  seed: 1,
  threads: 1,
}

const { batch: golden } = readGolden('logits.json') as { batch: GoldenBatch }

/** Some sentences of a batch, as a batch. */
function rows({ inputIds, attentionMask, wordIndex, lengths, tags }: GoldenBatch, from: number, to: number) {
  const shift = from * inputIds[0]!.length
  return toBatch({
    inputIds: inputIds.slice(from, to),
    attentionMask: attentionMask.slice(from, to),
    wordIndex: wordIndex.slice(from, to).map((row) => row.map((index) => Math.max(0, index - shift))),
    lengths: lengths.slice(from, to),
    tags: tags.slice(from, to),
  })
}

/**
 * What every trainer has to keep. A trainer may report a loss less often than at every step: what it then reports is the
 * mean over the steps since its last report. PyTorch computed the losses.
 */
export function runTest({ make, skip = [] }: TrainerContract): void {
  const trainers: Trainer[] = []
  afterAll(async () => {
    for (const trainer of trainers) await trainer.release()
  })
  const made = async (tagger: Tagger, initial: ParameterData, own: Partial<TrainerOptions> = {}) => {
    const trainer = await make(tagger, taggingObjective(tagger, { smoothing: 0 }), initial, { ...options, ...own })
    trainers.push(trainer)
    return trainer
  }
  const start = (head: HeadKind) => {
    const tagger = tinyTagger(head, 0.1)
    return made(tagger, tinyStart(tagger))
  }
  const check = (name: string, body: () => Promise<void>) => {
    const skipped = skip.find(({ tests }) => tests.includes(name))
    test.skipIf(skipped !== undefined)(skipped === undefined ? name : `${name} (${skipped.reason})`, body)
  }
  /** Trains along a curve, and holds each report to the losses that it is of. */
  const follow = async (
    trainer: Trainer,
    { optimizer, batches }: Curve,
    losses: readonly number[],
    peak: Readonly<Record<'encoder' | 'head' | 'crf', number>>,
  ) => {
    let [reported, latest] = [0, Number.NaN]
    for (let step = 0; step < optimizer.steps; step++) {
      const factor = scheduleFactor('linear', step, optimizer.steps, optimizer.warmup)
      const rates = { encoder: peak.encoder * factor, head: peak.head * factor, crf: peak.crf * factor }
      const { loss } = await trainer.step([toBatch(batches[step % batches.length]!)], step + 1, rates)
      if (loss === latest) continue
      const since = losses.slice(reported, step + 1)
      const mean = since.reduce((sum, one) => sum + one, 0) / since.length
      expect(Math.abs(loss / mean - 1), `the report at step ${step + 1}`).toBeLessThan(1e-3)
      ;[reported, latest] = [step + 1, loss]
    }
    // At least every tenth step, and the first.
    expect(reported).toBeGreaterThan(optimizer.steps - 10)
  }

  check('logits are those of PyTorch', async () => {
    const { batch, logits } = readGolden('logits.json') as { batch: GoldenBatch; logits: number[][][] }
    const trainer = await made(tinyTagger('softmax'), tinyWeights())
    const words = await trainer.logits(toBatch(batch))
    const [pieces, width] = [logits.flat(), batch.wordIndex[0]!.length]
    batch.lengths.forEach((length, sentence) => {
      for (let word = 0; word < length; word++) {
        const at = (sentence * width + word) * 5
        const expected = pieces[batch.wordIndex[sentence]![word]!]!
        expect(distance(words.slice(at, at + 5), expected), `sentence ${sentence}, word ${word}`).toBeLessThan(1e-5)
      }
    })
  })

  check('losses of 20 steps are those of PyTorch', async () => {
    const curve = readGolden('curve-adamw.json') as SoftmaxCurve
    const { weightDecay, losses } = curve.runs['decayWeights']!
    const trainer = await made(tinyTagger('softmax'), tinyWeights(), { weightDecay, maxGradNorm: curve.optimizer.clip })
    const rate = curve.optimizer.learningRate
    await follow(trainer, curve, losses, { encoder: rate, head: rate, crf: rate })
  })

  check('losses and the first norm with a CRF and three learning rates are those of PyTorch', async () => {
    const curve = readGolden('curve-crf.json') as CrfCurve
    const { weightDecay, clip, learningRates } = curve.optimizer
    const scores = { transitions: curve.crf.transitions.flat(), start: curve.crf.start, end: curve.crf.end }
    const weights = tinyWeights(Object.fromEntries(Object.entries(scores).map(([name, data]) => [`crf.${name}`, data])))
    const own = { weightDecay, maxGradNorm: clip }
    const first = await made(tinyTagger('crf'), weights, own)
    const { gradientNorm } = await first.step([toBatch(curve.batches[0]!)], 1, { encoder: 0, head: 0, crf: 0 })
    expect(Math.abs(gradientNorm / curve.gradientNorms[0]! - 1)).toBeLessThan(1e-4)
    await follow(await made(tinyTagger('crf'), weights, own), curve, curve.losses, learningRates)
  })

  check('a batch in two parts is the whole batch', async () => {
    const rates = { encoder: 1e-3, head: 1e-3, crf: 1e-3 }
    const [whole, parts] = [
      await made(tinyTagger('softmax'), tinyWeights()),
      await made(tinyTagger('softmax'), tinyWeights()),
    ]
    const a = await whole.step([toBatch(golden)], 1, rates)
    const b = await parts.step([rows(golden, 0, 1), rows(golden, 1, golden.lengths.length)], 1, rates)
    expect(Math.abs(b.loss / a.loss - 1)).toBeLessThan(1e-5)
    expect(Math.abs(b.gradientNorm / a.gradientNorm - 1)).toBeLessThan(1e-4)
    const names = [...tinyWeights().keys()].filter((name) => !name.endsWith('key.bias'))
    const [one, two] = [await whole.weights(names), await parts.weights(names)]
    for (const name of names) expect(distance(two.get(name)!, one.get(name)!), name).toBeLessThan(5e-5)
  })

  check('a state that is put back goes on to the bit, with dropout', async () => {
    const rates = { encoder: 1e-3, head: 2e-3, crf: 1e-2 }
    const [whole, stopped] = [await start('crf'), await start('crf')]
    for (let step = 1; step <= 2; step++) await whole.step([toBatch(golden)], step, rates)
    const saved = new Map([...(await whole.state())].map(([name, { data }]) => [name, { data: data.slice() }]))
    await whole.step([toBatch(golden)], 3, rates)
    await stopped.restore(saved)
    await stopped.step([toBatch(golden)], 3, rates)
    const other = await stopped.state()
    for (const [name, { data }] of await whole.state()) expect(other.get(name)!.data, name).toEqual(data)
  })

  check('a loss that is no number names its step', async () => {
    const trainer = await start('softmax')
    const { data } = (await trainer.state()).get('classifier.weight')!
    await trainer.restore(new Map([['classifier.weight', { data: new Float32Array(data.length).fill(NaN) }]]))
    const step = trainer.step([toBatch(golden)], 1, { encoder: 1e-3, head: 1e-3, crf: 1e-3 })
    await expect(step).rejects.toMatchObject({
      code: 'training/not-finite',
      what: 'The loss of step 1 is not a finite number.',
    })
  })
}
