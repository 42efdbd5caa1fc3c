import type { Lineage } from '../../artifacts/lineage.js'
import type { Config } from '../../config/schema.js'
import type { Document } from '../../data/document.js'
import { lineageOf as unlabelledLineage, readUnlabelled, type Unlabelled } from '../../data/unlabelled.js'
import { tagLabels } from '../../data/schemes.js'
import { NerError } from '../../errors.js'
import type { Example } from '../../features/batch.js'
import { buildExamples } from '../../features/examples.js'
import { locateModel } from '../../hub/model.js'
import { originOf } from '../../hub/name.js'
import { initialise } from '../../models/parameters.js'
import { readCorpus } from '../../training/corpus.js'
import type { TrainEvent, TrainOptions, TrainResult } from '../../training/events.js'
import { heldOut } from '../../training/held-out.js'
import { runTask, type Task } from '../../training/run.js'
import { teacherLogits, type CachedLogits } from '../../training/teachers/teacher-logits.js'
import { fingerprintOf } from '../../training/train.js'
import type { EquippedConfig } from '../../training/trainers.js'
import { distillationObjective, wantsLogits } from './objective.js'
import { makeStudent, type Student } from './student.js'
import { namesIn, readGazetteer, swapEntities, type Gazetteer } from './swap.js'
import { loadTeachers, type Teacher } from './teachers.js'

/**
 * Trains a student on what its teachers say, and writes its folder: a run like any training's, with the same checkpoints,
 * reports and determinism. The student has the labels, the scheme, the tokenizer and the windows of its teachers.
 *
 * @throws NerError for every bad input, before anything is written
 */
export async function* distill(
  folders: readonly string[],
  wanted: Config,
  options: TrainOptions = {},
): AsyncGenerator<TrainEvent, TrainResult> {
  checkUnused(wanted)
  return yield* runTask(wanted, (config) => prepare(folders, config), options)
}

async function* prepare(folders: readonly string[], equipped: EquippedConfig): AsyncGenerator<TrainEvent, Task> {
  const teachers = await loadTeachers(folders)
  const { model: teacher } = teachers[0]
  const { tokenizer, ner } = teacher
  const { tags } = teacher.tagger
  const corpus = await readCorpus(equipped, tags)
  const base = equipped.distill.path === null ? undefined : yield* locateModel(equipped.distill.path, 'encoder')
  const student = await makeStudent(teachers[0], equipped, base)
  const { tagger } = student
  const config = asTrained(equipped, teachers[0], tagger.head)
  const unlabelled = await Promise.all(equipped.distill.unlabeled.map(readUnlabelled))
  const { gazetteer: names } = equipped.distill
  const gazetteer = names === null ? undefined : readGazetteer(names, [...tagLabels(tags)])
  const windows = { window: ner.window, context: ner.context, contextPieces: ner.contextPieces }
  const documents = [
    ...corpus.train.documents,
    ...swaps(config, corpus.train.documents, gazetteer),
    ...unlabelled.flatMap((file) => file.documents),
  ]
  const { examples, misaligned } = await buildExamples(documents, tokenizer, {
    ...windows,
    task: 'train',
    layer: config.data.layer,
    tags,
    scheme: config.model.scheme,
    onMisaligned: config.data.on_misaligned,
  })
  const settings = {
    distill: config.distill,
    training: config.training,
    softTargets: config.training.label_smoothing > 0 || corpus.train.documents.some(({ soft }) => soft),
  }
  // Says what is wrong with the losses' layers, before anything is written or any teacher runs.
  const { parameters } = distillationObjective(tagger, teachers, settings)
  const projections = parameters.filter(({ name }) => !student.weights.has(name))
  return {
    config,
    corpus,
    tagger,
    tokenizer,
    windows,
    encoderConfig: student.config,
    weights: new Map([...student.weights, ...initialise(projections, config.seed)]),
    examples,
    misaligned,
    held: await heldOut(corpus, config, tokenizer, windows),
    fingerprint: {
      ...fingerprintOf(config, corpus),
      ...Object.fromEntries(teachers.map(({ hash }, i) => [`teacher ${i + 1}`, hash.slice(0, 12)])),
      student: student.hash?.slice(0, 12) ?? student.initialised,
      'unlabelled text': unlabelled.map(({ hash }) => hash.slice(0, 12)).join(' ') || 'none',
      ...(gazetteer && { gazetteer: gazetteer.hash.slice(0, 12) }),
    },
    origin: `Distilled from ${teachers.map(({ name }) => name).join(' and ')} (${student.initialised})`,
    lineage: lineageOf(teachers, student, base, unlabelled, gazetteer),
    objective: async function* ({ signal }) {
      if (!config.distill.cache || !wantsLogits(config.distill.losses)) {
        return distillationObjective(tagger, teachers, settings)
      }
      const cached = yield* allLogits(teachers, examples, config, signal)
      return cached && distillationObjective(tagger, teachers, { ...settings, cached })
    },
  }
}

/** What each teacher says of every example; undefined where it was interrupted. */
async function* allLogits(
  teachers: readonly Teacher[],
  examples: readonly Example[],
  { output, threads }: EquippedConfig,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, CachedLogits[] | undefined> {
  const all: CachedLogits[] = []
  for (const [index, { name, model, weights, hash }] of teachers.entries()) {
    const asked = { name, tagger: model.tagger, weights, hash, padId: model.tokenizer.pad }
    const logits = yield* teacherLogits(asked, examples, { output, index, threads, signal })
    if (logits === undefined) return undefined
    all.push(logits)
  }
  return all
}

/** The configuration with what the teacher decides in it. */
function asTrained(config: EquippedConfig, { model }: Teacher, head: Config['model']['head']): EquippedConfig {
  const { scheme, window, context, contextPieces } = model.ner
  return {
    ...config,
    model: { ...config.model, path: null, head, scheme: scheme as Config['model']['scheme'] },
    features: { window, context, context_pieces: contextPieces },
  }
}

function swaps(
  { distill: { swaps: copies }, data, seed }: Config,
  documents: readonly Document[],
  gazetteer: Gazetteer | undefined,
): Document[] {
  if (copies === 0) return []
  const names = gazetteer?.names ?? namesIn(documents, data.layer)
  return Array.from({ length: copies }, (_, copy) => swapEntities(documents, data.layer, names, seed + copy)).flat()
}

/** Keys that would do nothing. @throws NerError `config/bad-value` */
function checkUnused({ distill: { gazetteer, swaps: copies }, training, self_training: selfTraining }: Config): void {
  const refuse = (where: string, what: string, mend: string) => new NerError('config/bad-value', what, { where, mend })
  if (gazetteer !== null && copies === 0) {
    const mend = 'Set distill.swaps to 1 or more, or leave the gazetteer out.'
    throw refuse('distill.gazetteer', 'A gazetteer is for entities to be swapped, and none are.', mend)
  }
  if (selfTraining.enabled) {
    const what = 'A student learns unlabelled text from its teachers, not from itself.'
    throw refuse('self_training.enabled', what, 'Leave it out, and name the text with `unlabeled`.')
  }
  if (training.class_weights !== null) {
    const what = 'A student is trained on what teachers say of all types, and takes no class weights.'
    throw refuse('training.class_weights', what, 'Leave them out.')
  }
}

const lineageOf = (
  teachers: readonly Teacher[],
  { initialised, hash }: Student,
  base: string | undefined,
  unlabelled: readonly Unlabelled[],
  gazetteer: Gazetteer | undefined,
): Lineage => ({
  base_model: base === undefined ? null : { ...originOf(base), sha256: hash },
  teachers: teachers.map(({ model, hash: sha256 }) => ({ ...originOf(model.folder), sha256 })),
  student: initialised,
  ...unlabelledLineage(unlabelled),
  ...(gazetteer && { gazetteer: { file: gazetteer.file, sha256: gazetteer.hash } }),
})
