import { finishedRun } from '../artifacts/run-file.js'
import type { Config } from '../config/schema.js'
import { NerError } from '../errors.js'
import type { Example } from '../features/batch.js'
import type { MisalignedSpan } from '../features/labels.js'
import { claimOutput } from '../io/claim.js'
import { lockFolder } from '../io/lock.js'
import type { ParameterData } from '../models/parameters.js'
import { providerOf } from '../runtime/devices.js'
import { chooseDevice } from '../runtime/probe.js'
import { epochsFor, scheduleBatches } from './batch-schedule.js'
import type { TrainEvent, TrainOptions, TrainResult } from './events.js'
import { finishRun } from './outcome/finish.js'
import type { HeldOut } from './held-out.js'
import type { Objective } from './objective.js'
import { writeLeftOut, type FinishedRun } from './outcome/results.js'
import { runSteps, type Trained, type Training } from './steps.js'
import { trainerOptions, trainers, type EquippedConfig } from './trainers.js'

/** What a run trains, on what and towards what. Training and distillation differ in nothing else. */
export interface Task extends Pick<
  FinishedRun,
  'corpus' | 'tagger' | 'tokenizer' | 'encoderConfig' | 'origin' | 'lineage' | 'windows'
> {
  /** The configuration with what the models decide in it. */
  readonly config: EquippedConfig
  /** What all of the objective's parameters start from. */
  readonly weights: ParameterData
  readonly examples: readonly Example[]
  /** Spans of the training text that are left out. */
  readonly misaligned: readonly MisalignedSpan[]
  readonly held: Readonly<Record<'dev' | 'test', HeldOut | undefined>>
  /** What decides how the run goes, by the names that an error shows. */
  readonly fingerprint: Readonly<Record<string, string>>
  /** What is minimised. May take long, and write into the output's checkpoint; undefined where it was interrupted. */
  readonly objective: (options: TrainOptions) => AsyncGenerator<TrainEvent, Objective | undefined>
  /** More than one pass of steps: rounds of self-training. */
  readonly rounds?: (training: Training, options: TrainOptions) => AsyncGenerator<TrainEvent, Trained | undefined>
}

/**
 * A run from its configuration to its folder: finds the device, reads (`prepare`, which writes nothing), claims the folder,
 * takes the steps, scores and writes the model. A run that was stopped goes the same way when it is resumed.
 *
 * @throws NerError `training/no-checkpoint`, `output/occupied`, `output/locked`, `file/*`, `runtime/*`, and what `prepare` throws
 */
export async function* runTask(
  wanted: Config,
  prepare: (config: EquippedConfig) => AsyncGenerator<TrainEvent, Task>,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, TrainResult> {
  refuseFinished(wanted.output, options)
  const began = performance.now()
  const task = yield* prepare(yield* equip(wanted))
  const lock = lockFolder(task.config.output)
  try {
    if (lock.stale) yield { kind: 'stale-lock', owner: lock.stale }
    return yield* runLocked(task, began, options)
  } finally {
    lock.release()
  }
}

async function* runLocked(task: Task, began: number, options: TrainOptions): AsyncGenerator<TrainEvent, TrainResult> {
  const { tagger, tokenizer, examples, held, fingerprint } = task
  const layout = { labels: tagger.tags.length, padId: tokenizer.pad }
  const epochs = epochsFor(examples, task.config, layout)
  const config = { ...task.config, training: { ...task.config.training, epochs } }
  const interrupted: TrainResult = { output: config.output, interrupted: true, warnings: [], results: {} }
  claimOutput(config.output, options)
  writeLeftOut(config.output, { train: { misaligned: task.misaligned }, ...held })
  const objective = yield* task.objective(options)
  if (objective === undefined) return interrupted
  const create = trainers[providerOf(config.device)]
  const trainer = await create(tagger, objective, task.weights, trainerOptions(config))
  try {
    const batches = scheduleBatches(examples, config, layout, epochs)
    const training: Training = { config, tagger, trainer, batches, dev: held.dev, fingerprint, began }
    const trained = yield* (task.rounds ?? runSteps)(training, options)
    return trained === undefined ? interrupted : await finishRun(training, trained, task)
  } finally {
    await trainer.release()
  }
}

/** @throws NerError `training/no-checkpoint` where a run is to be resumed that has come to its end */
function refuseFinished(output: string, { resume = false }: TrainOptions): void {
  if (!resume || finishedRun(output) === undefined) return
  throw new NerError('training/no-checkpoint', 'The run in this folder is finished: there is nothing to resume.', {
    where: output,
    mend: 'Name another folder with `out` to train again.',
  })
}

/** Looks for the device before anything is read. @throws NerError `runtime/no-device` */
async function* equip(config: Config): AsyncGenerator<TrainEvent, EquippedConfig> {
  const { device, reason } = await chooseDevice(config.device)
  if (config.device === 'auto') yield { kind: 'device', device, reason }
  return { ...config, device }
}
