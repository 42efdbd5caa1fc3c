import { dottedEntries, isTree } from '../config/load.js'
import type { Config } from '../config/schema.js'
import type { Document } from '../data/document.js'
import { tagLabel } from '../data/schemes.js'
import { lineageOf, readUnlabelled } from '../data/unlabelled.js'
import { NerError } from '../errors.js'
import { buildExamples } from '../features/examples.js'
import { claimOutput } from '../io/claim.js'
import { locateModel } from '../hub/model.js'
import { originOf } from '../hub/name.js'
import type { Tagger } from '../models/tagger.js'
import { providerOf } from '../runtime/devices.js'
import { chooseDevice } from '../runtime/probe.js'
import { readCorpus, type TrainingCorpus } from './corpus.js'
import { finishRun } from './finish.js'
import { heldOut } from './held-out.js'
import { runSteps, type Run, type TrainEvent, type TrainOptions } from './loop.js'
import { taggingObjective } from './objective.js'
import { planRun } from './plan.js'
import { finishedRun } from '../artifacts/run-file.js'
import { writeLeftOut } from './results.js'
import { selfTrain } from './self-training.js'
import { startingPoint, windowOptions } from './start.js'
import { trainerOptions, trainers, type EquippedConfig } from './trainers.js'

export type { TrainEvent, TrainOptions } from './loop.js'

/**
 * Trains a model and writes its folder. A generator: each event is a point at which the caller may look, and the run
 * goes on when the next one is asked for.
 *
 * The same seed, data, machine and device give the same bytes; a run that was stopped and resumed too.
 *
 * @throws NerError for every bad input; `training/not-finite`, after which the last checkpoint is still good
 */
export async function* train(given: Config, options: TrainOptions = {}): AsyncGenerator<TrainEvent> {
  refuseFinished(given.output, options)
  const began = performance.now()
  const config = yield* equip(given)
  const { training, data, model } = config
  const corpus = await readCorpus(config)
  checkClassWeights(config)
  checkSelfTraining(config)
  checkEarlyStopping(config)
  const base = model.path === null ? undefined : yield* locateModel(model.path, 'encoder')
  const start = await startingPoint(config, corpus, base)
  const { tagger, tokenizer } = start
  const windows = windowOptions(config, tagger)
  const examplesOf = (documents: readonly Document[]) =>
    buildExamples(documents, tokenizer, {
      ...windows,
      task: 'train',
      layer: data.layer,
      tags: corpus.tags,
      scheme: model.scheme,
      onMisaligned: data.on_misaligned,
    })
  const labelled = await examplesOf(corpus.train.documents)
  const unlabelled = await Promise.all(config.self_training.unlabeled.map(readUnlabelled))
  const more = await examplesOf(unlabelled.flatMap(({ documents }) => documents))
  const held = await heldOut(corpus, config, tokenizer, windows)
  const tagging = {
    smoothing: training.label_smoothing,
    classWeights: classWeights(training.class_weights, tagger),
    emissionLoss: training.emission_loss,
  }
  const softTargets = training.label_smoothing > 0 || corpus.train.documents.some(({ soft }) => soft)
  const objective = taggingObjective(tagger, { ...tagging, softTargets })
  claimOutput(config.output, options)
  writeLeftOut(config.output, { train: labelled, ...held })

  const trainer = await trainers[providerOf(config.device)](tagger, objective, start.weights, trainerOptions(config))
  try {
    const run: Run = {
      config,
      tagger,
      trainer,
      plan: planRun(labelled.examples, config, { labels: tagger.tags.length, padId: tokenizer.pad }),
      dev: held.dev,
      fingerprint: {
        ...fingerprintOf(config, corpus),
        'base model': start.hash?.slice(0, 12) ?? 'from scratch',
        'unlabelled text': unlabelled.map(({ hash }) => hash.slice(0, 12)).join(' ') || 'none',
      },
      began,
    }
    const lessons = {
      examples: [...labelled.examples, ...more.examples],
      padId: tokenizer.pad,
      objective: taggingObjective(tagger, { ...tagging, unknownWords: true }),
    }
    const steps = config.self_training.enabled ? selfTrain(run, lessons, options) : runSteps(run, options)
    const trained = yield* steps
    if (trained === undefined) return
    yield await finishRun(run, trained, {
      corpus,
      tokenizer,
      encoderConfig: start.config,
      origin: base === undefined ? 'Trained from scratch' : `Fine-tuned from ${originOf(base).name}`,
      lineage: {
        base_model: base === undefined ? null : { ...originOf(base), sha256: start.hash },
        ...lineageOf(unlabelled),
      },
      windows,
      examples: labelled.examples,
      held,
    })
  } finally {
    await trainer.release()
  }
}

/** @throws NerError `training/no-checkpoint` where a run is to be resumed that has come to its end */
export function refuseFinished(output: string, { resume = false }: TrainOptions): void {
  if (!resume || finishedRun(output) === undefined) return
  throw new NerError('training/no-checkpoint', 'The run in this folder is finished: there is nothing to resume.', {
    where: output,
    mend: 'Name another folder with `out` to train again.',
  })
}

/** Looks for the device before anything is read. @throws NerError `runtime/no-device` */
export async function* equip(config: Config): AsyncGenerator<TrainEvent, EquippedConfig> {
  const { device, reason } = await chooseDevice(config.device)
  if (config.device === 'auto') yield { kind: 'device', device, reason }
  return { ...config, device }
}

/** @throws NerError `config/bad-value` */
function checkSelfTraining({ self_training: { enabled, unlabeled }, data }: Config): void {
  if (enabled && data.dev === null) {
    throw new NerError('config/bad-value', 'Self-training stops by a clean set, and there is none.', {
      where: 'data.dev',
      mend: 'Name a file of checked labels with `dev`.',
    })
  }
  if (!enabled && unlabeled.length > 0) {
    throw new NerError('config/bad-value', 'Text without labels is only learnt from by self-training.', {
      where: 'self_training.unlabeled',
      mend: 'Turn on `self-train`, or leave the text out.',
    })
  }
}

/** @throws NerError `config/bad-value` */
function checkEarlyStopping({ training, data }: Config): void {
  if (training.early_stopping === null || data.dev !== null) return
  throw new NerError('config/bad-value', 'Early stopping goes by the F1 on a dev set, and there is none.', {
    where: 'training.early_stopping',
    mend: 'Name a labelled file with `dev`, or leave it out.',
  })
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
  const typeOf = (tag: string) => tagLabel(tag) ?? 'O'
  const unknown = Object.keys(weights).find((type) => !tags.some((tag) => typeOf(tag) === type))
  if (unknown !== undefined) {
    throw new NerError('config/bad-value', `training.class_weights names ${unknown}, which the training data lacks.`, {
      where: 'training.class_weights',
      mend: `Types are O, ${[...new Set(tags.slice(1).map(typeOf))].join(', ')}.`,
    })
  }
  return Float32Array.from(tags, (tag) => weights[typeOf(tag)] ?? 1)
}

/** What decides how any run goes, beside what it starts from, by the names that an error shows. */
export function fingerprintOf(config: Config, { train, dev }: TrainingCorpus): Record<string, string> {
  const { output: _output, data, model, device, ...rest } = config
  const { path: _path, ...head } = model
  const { layer, on_misaligned } = data
  const settings = dottedEntries({ ...rest, model: head, data: { layer, on_misaligned } })
  return {
    ...Object.fromEntries(settings.flatMap(([key, value]) => (isTree(value) ? [] : [[key, JSON.stringify(value)]]))),
    'training set': train.hash.slice(0, 12),
    'dev set': dev?.hash.slice(0, 12) ?? 'none',
    device,
  }
}
