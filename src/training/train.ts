import { dottedEntries, isTree } from '../config/load.js'
import type { Config } from '../config/schema.js'
import type { Document } from '../data/document.js'
import { tagLabel } from '../data/schemes.js'
import { lineageOf, readUnlabelled } from '../data/unlabelled.js'
import { NerError } from '../errors.js'
import { buildExamples } from '../features/examples.js'
import { locateModel } from '../hub/model.js'
import { originOf } from '../hub/name.js'
import type { Tagger } from '../models/tagger.js'
import { readCorpus, type TrainingCorpus } from './corpus.js'
import type { TrainEvent, TrainOptions, TrainResult } from './events.js'
import { heldOut } from './held-out.js'
import { taggingObjective, type Objective } from './objective.js'
import { runTask, type Task } from './run.js'
import { selfTrain } from './teachers/self-training.js'
import { startingPoint, windowOptions } from './start.js'
import type { EquippedConfig } from './trainers.js'
import type { Job } from '../job.js'

export type { TrainEvent, TrainOptions, TrainResult } from './events.js'

/**
 * Trains a model and writes its folder. A generator: each event is a point at which the caller may look, and the run
 * goes on when the next one is asked for.
 *
 * The same seed, data, machine and device give the same bytes; a run that was stopped and resumed too.
 *
 * @throws NerError for every bad input; `training/not-finite`, after which the last checkpoint is still good
 */
export const train = (config: Config, options: TrainOptions = {}): Job<TrainResult, TrainEvent> =>
  runTask(config, prepare, options)

async function* prepare(equipped: EquippedConfig): AsyncGenerator<TrainEvent, Task> {
  const { data, model } = equipped
  const corpus = await readCorpus(equipped)
  checkClassWeights(equipped)
  checkSelfTraining(equipped)
  checkEarlyStopping(equipped)
  const base = model.path === null ? undefined : yield* locateModel(model.path, 'encoder')
  const config = base === undefined ? equipped : withHeadRate(equipped)
  const settings = config.training
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
  const { examples, misaligned } = await examplesOf(corpus.train.documents)
  const unlabelled = await Promise.all(config.self_training.unlabeled.map(readUnlabelled))
  const more = await examplesOf(unlabelled.flatMap(({ documents }) => documents))
  const tagging = {
    smoothing: settings.label_smoothing,
    classWeights: classWeights(settings.class_weights, tagger),
    emissionLoss: settings.emission_loss,
  }
  const softTargets = settings.label_smoothing > 0 || corpus.train.documents.some(({ soft }) => soft)
  const material = {
    examples: [...examples, ...more.examples],
    padId: tokenizer.pad,
    objective: taggingObjective(tagger, { ...tagging, unknownWords: true }),
  }
  return {
    config,
    corpus,
    tagger,
    tokenizer,
    windows,
    encoderConfig: start.config,
    weights: start.weights,
    examples,
    misaligned,
    held: await heldOut(corpus, config, tokenizer, windows),
    fingerprint: {
      ...fingerprintOf(config, corpus),
      'base model': start.hash?.slice(0, 12) ?? 'from scratch',
      'unlabelled text': unlabelled.map(({ hash }) => hash.slice(0, 12)).join(' ') || 'none',
    },
    origin: base === undefined ? 'Trained from scratch' : `Fine-tuned from ${originOf(base).name}`,
    lineage: {
      base_model: base === undefined ? null : { ...originOf(base), sha256: start.hash },
      ...lineageOf(unlabelled),
    },
    objective: () => settled(taggingObjective(tagger, { ...tagging, softTargets })),
    ...(config.self_training.enabled && {
      rounds: (training, options) => selfTrain(training, material, options),
    }),
  }
}

/** A new head on a pretrained encoder has more to learn than the encoder, in the same steps. */
function withHeadRate(config: EquippedConfig): EquippedConfig {
  const { head_learning_rate: rate } = config.training
  return { ...config, training: { ...config.training, head_learning_rate: rate ?? 1e-2 } }
}

/** An objective that is there from the beginning. */
// eslint-disable-next-line @typescript-eslint/require-await, require-yield -- it is called as one that takes long
async function* settled(objective: Objective): AsyncGenerator<TrainEvent, Objective> {
  return objective
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
