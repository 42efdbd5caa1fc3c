import type { Config } from '../config/schema.js'
import { countParameters, type ParameterGroup } from '../models/parameters.js'
import { taggerParameters, type Tagger } from '../models/tagger.js'
import type { BatchSchedule } from './batch-schedule.js'
import { loadCheckpoint, type Checkpoint, type Progress } from './checkpoint.js'
import type { TrainEvent, TrainOptions } from './events.js'
import { scoreHeldOut, type HeldOut } from './held-out.js'
import { firstPosition, takeSteps } from './loop.js'
import { checkpointing, keepBest, keepCheckpoints, keepLog } from './record.js'
import { scheduleFactor } from './schedule.js'
import type { Trainer } from './cpu/trainer.js'
import type { EquippedConfig } from './trainers.js'

/** A training that is ready to start: what is trained, on what, and what tells it from others. */
export interface Training {
  readonly config: EquippedConfig
  readonly tagger: Tagger
  readonly trainer: Trainer
  readonly batches: BatchSchedule
  readonly dev: HeldOut | undefined
  /** What decides how the training goes, by the names that an error shows. */
  readonly fingerprint: Readonly<Record<string, string>>
  /** `performance.now()` when the training, or this part of it, began. */
  readonly began: number
  /** What was done before these steps, where there are rounds of them: log and times count on. */
  readonly before?: Before
}

/** Steps and epochs of earlier rounds, what they logged, and the milliseconds they took. */
export interface Before extends Pick<Progress, 'log' | 'elapsed'> {
  readonly round: number
  readonly steps: number
  readonly epochs: number
}

/** Where the steps of a training have led. */
export interface Trained {
  /** Its steps are those of the last round, but for the log. */
  readonly progress: Progress
  /** The best weights, or the last where there was nothing to choose by. */
  readonly weights: ReadonlyMap<string, Float32Array>
}

const nothingBefore: Before = { round: 0, steps: 0, epochs: 0, log: [], elapsed: 0 }

/** The checkpoint that a round's steps keep. */
export const stepsOf = ({ round }: Pick<Before, 'round'>) => (round === 0 ? 'state' : `state-${round}`)

/**
 * The steps of a training, from the start or its checkpoint, with their evaluations, log and checkpoints. Gives undefined
 * where it was interrupted.
 */
export async function* runSteps(
  { config, tagger, trainer, batches, dev, fingerprint, began, before = nothingBefore }: Training,
  { resume = false, signal }: TrainOptions,
): AsyncGenerator<TrainEvent, Trained | undefined> {
  const { training, output } = config
  const checkpoint = resume ? loadCheckpoint(output, fingerprint, stepsOf(before)) : undefined
  if (checkpoint) await trainer.restore(checkpoint.tensors)
  const {
    log: logged,
    elapsed,
    ...from
  } = checkpoint?.progress ?? {
    ...firstPosition,
    log: before.log,
    elapsed: before.elapsed,
  }
  const log = keepLog(output, batches.steps, { ...before, log: logged })
  const bestBefore = checkpoint && bestOf(checkpoint, tagger)
  const { best, follow } = keepBest(trainer, tagger, bestBefore)
  const parameters = countParameters(taggerParameters(tagger))
  yield { kind: 'start', steps: batches.steps, parameters, resumedAt: from.step }

  const progressAt = (at: typeof from): Progress => ({
    ...at,
    log: log.entries,
    elapsed: elapsed + performance.now() - began,
  })
  const save = checkpointing(output, stepsOf(before), trainer, best, (at) => ({
    progress: progressAt(at),
    fingerprint,
  }))
  const warmupSteps = Math.round(training.warmup * batches.steps)
  const { evaluate_every: every, early_stopping: early } = training
  const score = dev && (async () => (await scoreHeldOut(trainer, tagger, config, dev)).own)
  const steps = takeSteps(
    {
      trainer,
      batches,
      rates: (step) => learningRates(training, scheduleFactor(training.schedule, step, batches.steps, warmupSteps)),
      evaluation: { every, score, patience: early?.patience },
    },
    from,
  )
  const at = yield* keepCheckpoints(log.follow(follow(steps)), training, save, signal)
  return at && { progress: progressAt(at), weights: await best.get() }
}

function learningRates(training: Config['training'], factor: number): Record<ParameterGroup, number> {
  return {
    encoder: training.learning_rate * factor,
    head: (training.head_learning_rate ?? training.learning_rate) * factor,
    crf: training.crf_learning_rate * factor,
  }
}

/** A checkpoint's best weights: its current ones where it was saved at the best step. */
function bestOf({ progress, tensors }: Checkpoint, tagger: Tagger): Map<string, Float32Array> | undefined {
  const { best, step } = progress
  if (best === undefined) return undefined
  const prefix = best.step === step ? '' : 'best.'
  return new Map(taggerParameters(tagger).map(({ name }) => [name, tensors.get(`${prefix}${name}`)!.data]))
}
