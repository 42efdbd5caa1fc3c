import type { Lineage } from '../../artifacts/lineage.js'
import type { Config } from '../../config/schema.js'
import type { Document } from '../../data/document.js'
import { lineageOf as unlabelledLineage, readUnlabelled, type Unlabelled } from '../../data/unlabelled.js'
import { tagLabels } from '../../data/schemes.js'
import { NerError } from '../../errors.js'
import { buildExamples } from '../../features/examples.js'
import { claimOutput } from '../../io/claim.js'
import { locateModel } from '../../hub/model.js'
import { originOf } from '../../hub/name.js'
import { providerOf } from '../../runtime/devices.js'
import { initialise } from '../../models/parameters.js'
import { readCorpus } from '../../training/corpus.js'
import { finishRun } from '../../training/finish.js'
import { heldOut } from '../../training/held-out.js'
import { runSteps, type Run, type TrainEvent, type TrainOptions } from '../../training/loop.js'
import { planRun } from '../../training/plan.js'
import { writeLeftOut } from '../../training/results.js'
import { teacherLogits, type CachedLogits } from '../../training/teacher-logits.js'
import { equip, fingerprintOf, refuseFinished } from '../../training/train.js'
import { trainerOptions, trainers, type EquippedConfig } from '../../training/trainers.js'
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
): AsyncGenerator<TrainEvent> {
  refuseFinished(wanted.output, options)
  checkUnused(wanted)
  const began = performance.now()
  const given = yield* equip(wanted)
  const teachers = await loadTeachers(folders)
  const { model: teacher } = teachers[0]
  const { tokenizer, ner } = teacher
  const { tags } = teacher.tagger
  const corpus = await readCorpus(given, tags)
  const base = given.distill.path === null ? undefined : yield* locateModel(given.distill.path, 'encoder')
  const student = await makeStudent(teachers[0], given, base)
  const { tagger } = student
  const config = asTrained(given, teachers[0], tagger.head)
  const unlabelled = await Promise.all(given.distill.unlabeled.map(readUnlabelled))
  const { gazetteer: names } = given.distill
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
  const held = await heldOut(corpus, config, tokenizer, windows)
  const settings = {
    distill: config.distill,
    training: config.training,
    softTargets: config.training.label_smoothing > 0 || corpus.train.documents.some(({ soft }) => soft),
  }
  // Says what is wrong with the losses' layers, before anything is written or any teacher runs.
  distillationObjective(tagger, teachers, settings)
  claimOutput(config.output, options)
  writeLeftOut(config.output, { train: { misaligned }, ...held })

  const cached = config.distill.cache && wantsLogits(config.distill.losses)
  const logits: CachedLogits[] = []
  if (cached) {
    const { output, threads } = config
    for (const [index, { name, model, weights, hash }] of teachers.entries()) {
      const asked = { name, tagger: model.tagger, weights, hash, padId: tokenizer.pad }
      const said = yield* teacherLogits(asked, examples, { output, index, threads, signal: options.signal })
      if (said === undefined) return
      logits.push(said)
    }
  }
  const objective = distillationObjective(tagger, teachers, { ...settings, cached: cached ? logits : undefined })
  const extra = objective.parameters.filter(({ name }) => !student.weights.has(name))
  const initial = new Map([...student.weights, ...initialise(extra, config.seed)])
  const trainer = await trainers[providerOf(config.device)](tagger, objective, initial, trainerOptions(config))
  try {
    const run: Run = {
      config,
      tagger,
      trainer,
      plan: planRun(examples, config, { labels: tags.length, padId: tokenizer.pad }),
      dev: held.dev,
      fingerprint: {
        ...fingerprintOf(config, corpus),
        ...Object.fromEntries(teachers.map(({ hash }, i) => [`teacher ${i + 1}`, hash.slice(0, 12)])),
        student: student.hash?.slice(0, 12) ?? student.initialised,
        'unlabelled text': unlabelled.map(({ hash }) => hash.slice(0, 12)).join(' ') || 'none',
        ...(gazetteer && { gazetteer: gazetteer.hash.slice(0, 12) }),
      },
      began,
    }
    const trained = yield* runSteps(run, options)
    if (trained === undefined) return
    yield await finishRun(run, trained, {
      corpus,
      tokenizer,
      encoderConfig: student.config,
      origin: `Distilled from ${teachers.map(({ name }) => name).join(' and ')} (${student.initialised})`,
      lineage: lineageOf(teachers, student, base, unlabelled, gazetteer),
      windows,
      examples,
      held,
    })
  } finally {
    await trainer.release()
  }
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
