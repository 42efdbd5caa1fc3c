import type { Config } from '../config/schema.js'
import type { Scores } from '../data/scoring.js'
import type { DownloadEvent } from '../hub/model.js'
import { countParameters, type ParameterData, type ParameterGroup } from '../models/parameters.js'
import type { StoredTensor } from '../models/safetensors.js'
import { taggerParameters, type Tagger } from '../models/tagger.js'
import type { Device } from '../runtime/devices.js'
import { loadCheckpoint, saveCheckpoint, type LogEntry, type Progress } from './checkpoint.js'
import type { Evaluation } from '../evaluation/emissions.js'
import { scoreHeldOut, type HeldOut } from './held-out.js'
import type { Plan } from './plan.js'
import { appendLog, startLog, type RunResults } from './results.js'
import { scheduleFactor } from './schedule.js'
import type { Trainer } from './trainer.js'
import type { EquippedConfig } from './trainers.js'

/** What happens in a training, in order; the caller shows it or not. */
export type TrainEvent =
  /** What `auto` has come to, and why. */
  | { readonly kind: 'device'; readonly device: Device; readonly reason: string }
  | DownloadEvent
  /** A model is asked what it says of the text that is about to be trained on. */
  | { readonly kind: 'teaching'; readonly teacher: string; readonly sentences: number; readonly of: number }
  | {
      /** A round of self-training begins. */
      readonly kind: 'round'
      readonly round: number
      readonly of: number
      /** Words that the model before labels, and how many of them it is sure enough of to learn from. */
      readonly words: number
      readonly confident: number
    }
  | { readonly kind: 'start'; readonly steps: number; readonly parameters: number; readonly resumedAt: number }
  | {
      readonly kind: 'step'
      readonly step: number
      readonly epoch: number
      readonly loss: number
      readonly learningRate: number
      /** Pieces that are not padding. */
      readonly tokensPerSecond: number
      readonly gradientNorm: number
    }
  | {
      readonly kind: 'evaluation'
      readonly step: number
      readonly epoch: number
      readonly scores: Scores
      /** Mean training loss since the evaluation before. */
      readonly loss: number
      readonly best: boolean
    }
  | { readonly kind: 'checkpoint'; readonly step: number }
  | {
      readonly kind: 'done'
      readonly output: string
      readonly interrupted: boolean
      readonly dev?: Evaluation | undefined
      readonly test?: Evaluation | undefined
      readonly results: RunResults
    }

export interface TrainOptions {
  /** Go on from the output folder's checkpoint; from the start where it has none. */
  readonly resume?: boolean
  /** Aborted, the run ends after the step it is at, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** A run that is ready to start: what is trained, on what, and what tells it from other runs. */
export interface Run {
  readonly config: EquippedConfig
  readonly tagger: Tagger
  readonly trainer: Trainer
  readonly plan: Plan
  readonly dev: HeldOut | undefined
  /** What decides how the run goes, by the names that an error shows. */
  readonly fingerprint: Readonly<Record<string, string>>
  /** `performance.now()` when the run, or this part of it, began. */
  readonly began: number
  /** What the run did before these steps, where it has rounds of them: log and times count on. */
  readonly before?: Before
}

/** Steps and epochs of earlier rounds, what they logged, and the milliseconds they took. */
export interface Before extends Pick<Progress, 'log' | 'elapsed'> {
  readonly round: number
  readonly steps: number
  readonly epochs: number
}

/** Where a run's steps have led. */
export interface Trained {
  /** Its steps are those of the last round, but for the log. */
  readonly progress: Progress
  /** The best weights, or the last where there was nothing to choose by. */
  readonly weights: ReadonlyMap<string, Float32Array>
}

/**
 * The steps of a run, from the start or its checkpoint: schedule, evaluation, early stopping, log and checkpoints. Gives
 * undefined, after its `done`, where it was interrupted.
 */
export async function* runSteps(
  { config, tagger, trainer, plan, dev, fingerprint, began, before = nothingBefore }: Run,
  { resume = false, signal }: TrainOptions,
): AsyncGenerator<TrainEvent, Trained | undefined> {
  const { training, output } = config
  const warmupSteps = Math.round(training.warmup * plan.steps)
  const checkpoint = resume ? loadCheckpoint(output, fingerprint, stepsOf(before)) : undefined
  if (checkpoint) await trainer.restore(checkpoint.tensors)
  let progress = checkpoint?.progress ?? { ...firstProgress, log: before.log, elapsed: before.elapsed }
  const elapsed = progress.elapsed
  // Without evaluations none are best: what counts are the last.
  let bestWeights = checkpoint?.progress.best && bestOf(checkpoint.tensors, tagger)
  startLog(output, progress.log)
  const parameters = countParameters(taggerParameters(tagger))
  yield { kind: 'start', steps: plan.steps, parameters, resumedAt: progress.step }

  const timed = () => ({ ...progress, elapsed: elapsed + performance.now() - began })
  const save = async () => {
    const best = bestWeights && progress.best?.step !== progress.step ? prefixed('best.', bestWeights, tagger) : []
    const tensors = new Map<string, StoredTensor>([...(await trainer.state()), ...best])
    saveCheckpoint(output, { progress: timed(), tensors, fingerprint }, stepsOf(before))
  }
  const logEvery = Math.max(1, Math.floor(plan.steps / 500))
  let stopping = false
  let logged = { loss: 0, count: 0 }
  let pace = { pieces: 0, seconds: 0 }

  for (let epoch = progress.epoch; epoch < training.epochs && !stopping; epoch++) {
    const batches = plan.epoch(epoch)
    for (let stepInEpoch = progress.stepInEpoch; stepInEpoch < batches.length && !stopping; stepInEpoch++) {
      const rates = learningRates(training, scheduleFactor(training.schedule, progress.step, plan.steps, warmupSteps))
      const parts = batches[stepInEpoch]!()
      const started = performance.now()
      const step = progress.step + 1
      const { loss, gradientNorm } = await trainer.step(parts, step, rates)
      const seconds = (performance.now() - started) / 1000
      const atEpoch = epoch + (stepInEpoch + 1) / batches.length
      progress = {
        ...progress,
        step,
        epoch,
        stepInEpoch: stepInEpoch + 1,
        lossSum: progress.lossSum + loss,
        lossCount: progress.lossCount + 1,
      }
      logged = { loss: logged.loss + loss, count: logged.count + 1 }
      if (step % logEvery === 0) {
        progress = log(output, progress, {
          step: before.steps + step,
          epoch: before.epochs + atEpoch,
          loss: logged.loss / logged.count,
          learning_rate: rates.encoder,
          grad_norm: gradientNorm,
        })
        logged = { loss: 0, count: 0 }
      }
      const pieces = parts.reduce((sum, { pieceCount }) => sum + pieceCount, 0)
      // Steps may wait to run together: the mean over some fifty.
      pace = { pieces: pace.pieces * 0.98 + pieces, seconds: pace.seconds * 0.98 + seconds }
      yield {
        kind: 'step',
        step,
        epoch: atEpoch,
        loss,
        learningRate: rates.encoder,
        tokensPerSecond: pace.pieces / pace.seconds,
        gradientNorm,
      }

      const epochEnds = stepInEpoch + 1 === batches.length
      const evaluates = training.evaluate_every === 'epoch' ? epochEnds : step % training.evaluate_every === 0
      if (evaluates || step === plan.steps) {
        const scores = dev && (await scoreHeldOut(trainer, tagger, config, dev)).own
        const better = scores !== undefined && (progress.best === undefined || scores.micro.f1 > progress.best.f1)
        const meanLoss = progress.lossSum / Math.max(1, progress.lossCount)
        progress = {
          ...progress,
          lossSum: 0,
          lossCount: 0,
          ...(better ? { best: { f1: scores.micro.f1, step }, stale: 0 } : { stale: progress.stale + 1 }),
        }
        if (better) bestWeights = await copyWeights(trainer, tagger)
        if (scores) {
          progress = log(output, progress, {
            step: before.steps + step,
            epoch: before.epochs + atEpoch,
            eval_overall_f1: scores.micro.f1,
            eval_overall_precision: scores.micro.precision,
            eval_overall_recall: scores.micro.recall,
          })
          yield { kind: 'evaluation', step, epoch: atEpoch, scores, loss: meanLoss, best: better }
        }
        const { patience } = training.early_stopping ?? {}
        if (patience !== undefined && scores !== undefined && progress.stale >= patience) stopping = true
      }
      if (step === plan.steps || stopping) {
        // What is left is to write the model. Where that fails, there is nothing to train again.
        progress = { ...progress, epoch: training.epochs, stepInEpoch: 0 }
        await save()
        continue
      }
      const due = training.checkpoint_every === null ? evaluates || epochEnds : step % training.checkpoint_every === 0
      const interrupted = signal?.aborted === true
      if (!due && !interrupted) continue
      if (epochEnds) progress = { ...progress, epoch: epoch + 1, stepInEpoch: 0 }
      await save()
      if (interrupted) {
        yield { kind: 'done', output, interrupted, results: { interrupted, step, steps: plan.steps } }
        return undefined
      }
      yield { kind: 'checkpoint', step }
    }
    progress = { ...progress, stepInEpoch: 0 }
  }
  return { progress: timed(), weights: bestWeights ?? (await copyWeights(trainer, tagger)) }
}

const nothingBefore: Before = { round: 0, steps: 0, epochs: 0, log: [], elapsed: 0 }

/** The checkpoint that a round's steps keep. */
export const stepsOf = ({ round }: Pick<Before, 'round'>) => (round === 0 ? 'state' : `state-${round}`)

const firstProgress: Progress = {
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  best: undefined,
  stale: 0,
  lossSum: 0,
  lossCount: 0,
  log: [],
  elapsed: 0,
}

function learningRates(training: Config['training'], factor: number): Record<ParameterGroup, number> {
  return {
    encoder: training.learning_rate * factor,
    head: (training.head_learning_rate ?? training.learning_rate) * factor,
    crf: training.crf_learning_rate * factor,
  }
}

function log(output: string, progress: Progress, entry: LogEntry): Progress {
  appendLog(output, entry)
  return { ...progress, log: [...progress.log, entry] }
}

async function copyWeights(trainer: Trainer, tagger: Tagger): Promise<Map<string, Float32Array>> {
  const weights = await trainer.weights(taggerParameters(tagger).map(({ name }) => name))
  return new Map([...weights].map(([name, data]) => [name, data.slice()]))
}

function prefixed(prefix: string, weights: ParameterData, tagger: Tagger): [string, StoredTensor][] {
  return taggerParameters(tagger).map(({ name, shape }) => [`${prefix}${name}`, { shape, data: weights.get(name)! }])
}

/** A checkpoint's best weights: its own where it was saved at the best step. */
function bestOf(tensors: ReadonlyMap<string, StoredTensor>, tagger: Tagger): Map<string, Float32Array> {
  return new Map(
    taggerParameters(tagger).map(({ name }) => [name, (tensors.get(`best.${name}`) ?? tensors.get(name)!).data]),
  )
}
