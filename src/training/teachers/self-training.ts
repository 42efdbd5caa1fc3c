import { createHash } from 'node:crypto'
import { taggerParameters, type Tagger } from '../../models/tagger.js'
import type { Example, ExampleSentence } from '../../features/batch.js'
import type { ParameterData } from '../../models/parameters.js'
import { providerOf } from '../../runtime/devices.js'
import { scheduleBatches } from '../batch-schedule.js'
import { dropCheckpoint, loadCheckpoint, saveCheckpoint } from '../checkpoint.js'
import type { TrainEvent, TrainOptions } from '../events.js'
import type { Objective } from '../objective.js'
import { pseudoLabels } from './pseudo-labels.js'
import { runSteps, stepsOf, type Before, type Trained, type Training } from '../steps.js'
import { teacherLogits } from './teacher-logits.js'
import { trainerOptions, trainers } from '../trainers.js'

/** What rounds learn from. */
export interface Material {
  /** The training text, and text without labels. */
  readonly examples: readonly Example[]
  readonly padId: number
  /** Learning from soft tags that some words lack. */
  readonly objective: Objective
}

/**
 * Trains, and trains on in rounds, each on what the best model so far says of the text, where it is sure (BOND, Liang et
 * al. 2020). As there, a student starts from its teacher's weights, with a fresh optimizer, and not from the pretrained
 * encoder, with which BOND came out lower; words are learnt from where one tag of the sharpened distribution reaches
 * `self_training.confidence`. Other than there, a student that is no better than its teacher does not succeed it.
 *
 * The best round by dev, or the training before, is what comes of it. Every round that is done is kept beside the
 * checkpoint, so that a run that is resumed goes the same way. Gives undefined where it was interrupted.
 */
export async function* selfTrain(
  run: Training,
  material: Material,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, Trained | undefined> {
  const { rounds, patience } = run.config.self_training
  const first = yield* onceOnly(run, 0, options, () => runSteps(run, options))
  if (first === undefined) return undefined
  let [best, last] = [first, first]
  let steps = first.progress.step
  let bestStep = first.progress.best!.step
  for (let round = 1, stale = 0; round <= rounds && stale < patience; round++) {
    const { log, elapsed } = last.progress
    const before = { round, steps, epochs: log.at(-1)!.epoch, log, elapsed }
    const student = yield* onceOnly(run, round, options, () => runRound(run, best.weights, material, before, options))
    if (student === undefined) return undefined
    last = student
    stale++
    if (student.progress.best!.f1 > best.progress.best!.f1) {
      ;[best, stale] = [student, 0]
      bestStep = steps + student.progress.best!.step
    }
    steps += student.progress.step
  }
  const { f1 } = best.progress.best!
  return { weights: best.weights, progress: { ...last.progress, step: steps, best: { f1, step: bestStep } } }
}

/** A round, or what it came to where it was done before the run was interrupted. */
async function* onceOnly(
  { config: { output }, fingerprint }: Training,
  round: number,
  { resume = false }: TrainOptions,
  work: () => AsyncGenerator<TrainEvent, Trained | undefined>,
): AsyncGenerator<TrainEvent, Trained | undefined> {
  const name = `round-${round}`
  const kept = resume ? loadCheckpoint(output, fingerprint, name) : undefined
  if (kept)
    return { progress: kept.progress, weights: new Map([...kept.tensors].map(([key, { data }]) => [key, data])) }
  const trained = yield* work()
  if (trained === undefined) return undefined
  const tensors = new Map([...trained.weights].map(([key, data]) => [key, { shape: [data.length], data }]))
  saveCheckpoint(output, { progress: trained.progress, tensors, fingerprint }, name)
  dropCheckpoint(output, stepsOf({ round }))
  return trained
}

async function* runRound(
  run: Training,
  teacher: ParameterData,
  { examples, padId, objective }: Material,
  before: Before,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, Trained | undefined> {
  const { tagger, fingerprint } = run
  const { round } = before
  const { self_training: settings, output, threads } = run.config
  const began = performance.now()
  const asked = { name: 'the best model so far', tagger, weights: teacher, hash: hashOf(teacher, tagger), padId }
  const logits = yield* teacherLogits(asked, examples, { output, index: 0, threads, signal: options.signal })
  if (logits === undefined) return undefined
  const labelled = pseudoLabels(examples, logits, asked, {
    confidence: settings.confidence,
    isChecked: checkedAmong(examples),
  })
  const { words, confident } = labelled
  yield { kind: 'round', round, of: settings.rounds, words, confident }
  const config = roundConfig(run.config, round)
  const trainer = await trainers[providerOf(config.device)](tagger, objective, teacher, trainerOptions(config))
  try {
    const beginning = { step: before.steps, epoch: before.epochs, self_training_round: round }
    const log = [...before.log, { ...beginning, confident_words: confident / words }]
    const batches = scheduleBatches(labelled.examples, config, { labels: tagger.tags.length, padId }, settings.epochs)
    const own = { ...fingerprint, round: String(round) }
    return yield* runSteps(
      { ...run, config, trainer, batches, fingerprint: own, began, before: { ...before, log } },
      options,
    )
  } finally {
    await trainer.release()
  }
}

/** Of text with soft tags, the sentences that have hard ones alone: people labelled them. */
function checkedAmong(examples: readonly Example[]): (sentence: ExampleSentence) => boolean {
  const isSoft = examples.some(({ sentences }) => sentences.some(({ soft }) => soft))
  return ({ tags, soft }) => isSoft && tags !== undefined && soft === undefined
}

/** Its batches and dropout are other than those of the rounds before. */
function roundConfig(config: Training['config'], round: number): Training['config'] {
  const { epochs, learning_rate: rate } = config.self_training
  const { training, seed } = config
  return {
    ...config,
    seed: seed + round,
    training: { ...training, epochs, learning_rate: rate ?? training.learning_rate },
  }
}

function hashOf(weights: ParameterData, tagger: Tagger): string {
  const hash = createHash('sha256')
  for (const { name } of taggerParameters(tagger)) hash.update(weights.get(name)!)
  return hash.digest('hex')
}
