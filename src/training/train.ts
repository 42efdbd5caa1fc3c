import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import type { Scores } from '../data/scoring.js'
import { NerError } from '../errors.js'
import type { Example } from '../features/batch.js'
import { buildExamples, type WindowOptions } from '../features/examples.js'
import type { MisalignedSpan } from '../features/labels.js'
import type { Tokenizer } from '../features/tokenizer.js'
import { claimOutput } from '../files.js'
import { countParameters } from '../models/folder.js'
import type { ParameterData, ParameterGroup } from '../models/parameters.js'
import type { StoredTensor } from '../models/safetensors.js'
import { taggerParameters, type Tagger } from '../models/tagger.js'
import { loadCheckpoint, removeCheckpoint, saveCheckpoint, type LogEntry, type Progress } from './checkpoint.js'
import { readCorpus, type TrainingCorpus } from './corpus.js'
import type { Evaluation } from './evaluation.js'
import { settleBias } from './gauge.js'
import { heldOut, scoreHeldOut } from './held-out.js'
import { planRun } from './plan.js'
import { appendLog, isFinished, startLog, writeMisaligned, writeRun, type RunResults } from './results.js'
import { scheduleFactor } from './schedule.js'
import { startingPoint, windowOptions } from './start.js'
import { createTrainer, type Trainer } from './trainer.js'

/** What happens in a training, in order; the caller shows it or not. */
export type TrainEvent =
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

/**
 * Trains a model and writes its folder. A generator: each event is a point at which the caller may look, and the run
 * goes on when the next one is asked for.
 *
 * The same seed, data, machine and device give the same bytes; a run that was stopped and resumed too.
 *
 * @throws NerError for every bad input; `training/not-finite`, after which the last checkpoint is still good
 */
export async function* train(
  config: Config,
  { resume = false, signal }: TrainOptions = {},
): AsyncGenerator<TrainEvent> {
  if (resume && isFinished(config.output)) {
    throw new NerError('training/no-checkpoint', 'The run in this folder is finished: there is nothing to resume.', {
      where: config.output,
      mend: 'Name another folder with --out to train again.',
    })
  }
  const began = performance.now()
  const corpus = await readCorpus(config)
  checkClassWeights(config)
  const start = await startingPoint(config, corpus)
  const { tagger, tokenizer } = start
  const windows = windowOptions(config, tagger)
  const labelled = await trainingExamples(config, corpus, tokenizer, windows)
  const held = {
    dev: corpus.dev && (await heldOut(corpus.dev.documents, tokenizer, windows)),
    test: corpus.test && (await heldOut(corpus.test.documents, tokenizer, windows)),
  }
  claimOutput(config.output, { resume })
  if (labelled.misaligned.length > 0) writeMisaligned(join(config.output, 'misaligned.jsonl'), labelled.misaligned)

  const { training } = config
  const plan = planRun(labelled.examples, config, { labels: tagger.tags.length, padId: tokenizer.pad })
  const totalSteps = plan.steps
  const warmupSteps = Math.round(training.warmup * totalSteps)
  const fingerprint = fingerprintOf(config, corpus, start.hash)
  const trainer = await createTrainer(tagger, start.weights, {
    seed: config.seed,
    device: 'cpu',
    threads: config.threads,
    betas: training.betas,
    epsilon: training.epsilon,
    weightDecay: training.weight_decay,
    maxGradNorm: training.max_grad_norm,
    smoothing: training.label_smoothing,
    emissionLoss: training.emission_loss,
    softTargets: training.label_smoothing > 0 || corpus.train.documents.some(({ soft }) => soft),
    classWeights: classWeights(training.class_weights, tagger),
  })
  try {
    const checkpoint = resume ? loadCheckpoint(config.output, fingerprint) : undefined
    if (checkpoint) trainer.optimizer.restore(checkpoint.tensors)
    let progress = checkpoint?.progress ?? firstProgress
    let bestWeights = checkpoint && bestOf(checkpoint.tensors, tagger)
    startLog(config.output, progress.log)
    const parameters = countParameters(taggerParameters(tagger))
    yield { kind: 'start', steps: totalSteps, parameters, resumedAt: progress.step }

    const elapsed = () => progress.elapsed + performance.now() - began
    const save = () => {
      const best = bestWeights && progress.best?.step !== progress.step ? prefixed('best.', bestWeights, tagger) : []
      const tensors = new Map([...trainer.optimizer.state(), ...best])
      saveCheckpoint(config.output, { progress: { ...progress, elapsed: elapsed() }, tensors, fingerprint })
    }
    const logEvery = Math.max(1, Math.floor(totalSteps / 500))
    let stopping = false
    let logged = { loss: 0, count: 0 }

    for (let epoch = progress.epoch; epoch < training.epochs && !stopping; epoch++) {
      const batches = plan.epoch(epoch)
      for (let stepInEpoch = progress.stepInEpoch; stepInEpoch < batches.length && !stopping; stepInEpoch++) {
        const factor = scheduleFactor(training.schedule, progress.step, totalSteps, warmupSteps)
        const rates = learningRates(training, factor)
        const parts = batches[stepInEpoch]!()
        const before = performance.now()
        const step = progress.step + 1
        const { loss, gradientNorm } = await trainer.step(parts, step, rates)
        const seconds = (performance.now() - before) / 1000
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
          progress = log(config.output, progress, {
            step,
            epoch: atEpoch,
            loss: logged.loss / logged.count,
            learning_rate: rates.encoder,
            grad_norm: gradientNorm,
          })
          logged = { loss: 0, count: 0 }
        }
        const pieces = parts.reduce((sum, { pieceCount }) => sum + pieceCount, 0)
        yield {
          kind: 'step',
          step,
          epoch: atEpoch,
          loss,
          learningRate: rates.encoder,
          tokensPerSecond: pieces / seconds,
          gradientNorm,
        }

        const epochEnds = stepInEpoch + 1 === batches.length
        const evaluates = training.evaluate_every === 'epoch' ? epochEnds : step % training.evaluate_every === 0
        if (evaluates || step === totalSteps) {
          const scores = held.dev && (await scoreHeldOut(trainer, tagger, config, held.dev)).own
          const better = scores !== undefined && (progress.best === undefined || scores.micro.f1 > progress.best.f1)
          const meanLoss = progress.lossSum / Math.max(1, progress.lossCount)
          progress = {
            ...progress,
            lossSum: 0,
            lossCount: 0,
            ...(better ? { best: { f1: scores.micro.f1, step }, stale: 0 } : { stale: progress.stale + 1 }),
          }
          if (better) bestWeights = copyWeights(trainer, tagger)
          if (scores) {
            progress = log(config.output, progress, {
              step,
              epoch: atEpoch,
              eval_overall_f1: scores.micro.f1,
              eval_overall_precision: scores.micro.precision,
              eval_overall_recall: scores.micro.recall,
            })
            yield { kind: 'evaluation', step, epoch: atEpoch, scores, loss: meanLoss, best: better }
          }
          const { patience } = training.early_stopping ?? {}
          if (patience !== undefined && scores !== undefined && progress.stale >= patience) stopping = true
        }
        if (signal?.aborted && step < totalSteps && !stopping) {
          if (epochEnds) progress = { ...progress, epoch: epoch + 1, stepInEpoch: 0 }
          save()
          const results: RunResults = { interrupted: true, step, steps: totalSteps }
          yield { kind: 'done', output: config.output, interrupted: true, results }
          return
        }
        const due = training.checkpoint_every === null ? epochEnds : step % training.checkpoint_every === 0
        if (due && step < totalSteps && !stopping) {
          if (epochEnds) progress = { ...progress, epoch: epoch + 1, stepInEpoch: 0 }
          save()
          yield { kind: 'checkpoint', step }
        }
      }
      progress = { ...progress, stepInEpoch: 0 }
    }

    const weights = bestWeights ?? copyWeights(trainer, tagger)
    settleBias(weights, tagger, labelled.examples)
    trainer.optimizer.restore(new Map([...weights].map(([name, data]) => [name, { data }])))
    const dev = held.dev && (await scoreHeldOut(trainer, tagger, config, held.dev))
    const test = held.test && (await scoreHeldOut(trainer, tagger, config, held.test))
    const results = writeRun({
      config,
      corpus,
      tagger,
      tokenizer,
      encoderConfig: start.config,
      baseHash: start.hash,
      weights,
      windows,
      progress,
      totalSteps,
      elapsed: elapsed(),
      dev,
      test,
    })
    removeCheckpoint(config.output)
    yield {
      kind: 'done',
      output: config.output,
      interrupted: false,
      dev: dev?.evaluation,
      test: test?.evaluation,
      results,
    }
  } finally {
    await trainer.release()
  }
}

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

async function trainingExamples(
  { data, model }: Config,
  { train, tags }: TrainingCorpus,
  tokenizer: Tokenizer,
  windows: WindowOptions,
): Promise<{ examples: readonly Example[]; misaligned: readonly MisalignedSpan[] }> {
  return buildExamples(train.documents, tokenizer, {
    ...windows,
    task: 'train',
    layer: data.layer,
    tags,
    scheme: model.scheme,
    onMisaligned: data.on_misaligned,
  })
}

function learningRates(training: Config['training'], factor: number): Record<ParameterGroup, number> {
  return {
    encoder: training.learning_rate * factor,
    head: (training.head_learning_rate ?? training.learning_rate) * factor,
    crf: training.crf_learning_rate * factor,
  }
}

/** A CRF's loss is of whole sequences, in which no word has a share that could be weighed. */
function checkClassWeights({ model, training }: Config): void {
  if (model.head !== 'crf' || training.class_weights === null) return
  throw new NerError('config/bad-value', 'A CRF is trained on whole sequences of tags, and takes no class weights.', {
    where: 'training.class_weights',
    mend: 'Set model.head to softmax, or leave it out.',
  })
}

/** Weights of types become weights of their tags. */
function classWeights(weights: Config['training']['class_weights'], { tags }: Tagger): Float32Array | undefined {
  if (weights === null) return undefined
  const typeOf = (tag: string) => (tag === 'O' ? 'O' : tag.slice(2))
  const unknown = Object.keys(weights).find((type) => !tags.some((tag) => typeOf(tag) === type))
  if (unknown !== undefined) {
    throw new NerError('config/bad-value', `training.class_weights names ${unknown}, which the training data lacks.`, {
      where: 'training.class_weights',
      mend: `Types are O, ${[...new Set(tags.slice(1).map(typeOf))].join(', ')}.`,
    })
  }
  return Float32Array.from(tags, (tag) => weights[typeOf(tag)] ?? 1)
}

function log(output: string, progress: Progress, entry: LogEntry): Progress {
  appendLog(output, entry)
  return { ...progress, log: [...progress.log, entry] }
}

function copyWeights({ optimizer }: Trainer, tagger: Tagger): Map<string, Float32Array> {
  return new Map(
    taggerParameters(tagger).map(({ name }) => [name, (optimizer.weights[name]!.data as Float32Array).slice()]),
  )
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

/** What decides how a run goes, by the names that an error shows. */
function fingerprintOf(
  config: Config,
  { train, dev }: TrainingCorpus,
  baseHash: string | undefined,
): Record<string, string> {
  const { output: _output, data, model, device, ...rest } = config
  const { path: _path, ...head } = model
  const settings = JSON.stringify({ ...rest, head, layer: data.layer, on_misaligned: data.on_misaligned })
  return {
    configuration: createHash('sha256').update(settings).digest('hex').slice(0, 12),
    'training set': train.hash.slice(0, 12),
    'dev set': dev?.hash.slice(0, 12) ?? 'none',
    'base model': baseHash?.slice(0, 12) ?? 'from scratch',
    device,
  }
}
