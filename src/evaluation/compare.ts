import { statSync } from 'node:fs'
import { goldLayer, type Document } from '../data/document.js'
import { tagLabels } from '../data/schemes.js'
import { misalignedSpans } from '../features/labels.js'
import { segment, type SegmentedDocument } from '../data/segment.js'
import { originOf } from '../hub/name.js'
import { loadModel, type ModelFolder } from '../artifacts/model.js'
import { countParameters } from '../models/parameters.js'
import { taggerParameters } from '../models/tagger.js'
import { checkGold, readLabelledFile, type Reading } from '../data/labelled.js'
import { decodingOf } from '../inference/decode.js'
import { evaluateEmissions, evaluationData, type DecodingScores, type WrongSentence } from './emissions.js'
import { sentencesOf } from './bench.js'
import { measureLatency, type RequestTime } from './latency.js'
import { summarize } from './latency-summary.js'
import { openModel, type DeviceOptions, type LoadedModel } from '../inference/tag.js'

/** What a model costs, and what it gives. */
export interface ModelProfile extends Pick<DecodingScores, 'scores' | 'intervals'> {
  readonly name: string
  readonly folder: string
  readonly parameters: number
  /** Of the served graph's file. */
  readonly bytes: number
  /** Milliseconds from text to entities, one sentence at a time. */
  readonly latency: { readonly p50: number; readonly p95: number }
  /** Many sentences at a time. */
  readonly wordsPerSecond: number
  /** Sentences that are wrong somewhere. */
  readonly wrong: readonly WrongSentence[]
}

export interface CompareOptions extends DeviceOptions, Reading {
  /** Gold spans that are no run of words: an error (the default), or not scored. */
  readonly onMisaligned?: 'error' | 'skip' | undefined
}

/** Sentences that models are timed on, how often, and how many make a batch. */
const timed = { sentences: 400, rounds: 3, batch: 64 } as const

/** The intervals of one evaluation are the same every time. */
const bootstrapSeed = 1

/**
 * Scores and times models on the same labelled text. They are timed in turns, so that a machine that slows down slows
 * all of them.
 *
 * @throws NerError as `evaluate`
 */
export async function compareModels(
  folders: readonly string[],
  dataPath: string,
  options: CompareOptions = {},
): Promise<ModelProfile[]> {
  const { layer = goldLayer, onMisaligned = 'error', format: _format, scheme: _scheme, ...device } = options
  const documents = (await readLabelledFile(dataPath, options)).documents.map(segment)
  misalignedSpans(documents, { layer, onMisaligned, path: dataPath })
  const models: LoadedModel[] = []
  try {
    for (const folder of folders) {
      const loaded = await openModel(folder, device)
      models.push(loaded)
      checkKnown(loaded.model, documents, layer, dataPath)
    }
    const sentences = spread(sentencesOf(documents), timed.sentences)
    const single = await measureLatency(models, sentences, { batch: 1, rounds: timed.rounds })
    const batched = await measureLatency(models, sentences, { batch: timed.batch, rounds: timed.rounds })
    const profiles: ModelProfile[] = []
    for (const [i, loaded] of models.entries()) {
      const costs = profileOf(loaded, folders[i]!, single[i]!, batched[i]!)
      profiles.push({ ...costs, ...(await score(loaded, documents, layer)) })
    }
    return profiles
  } finally {
    for (const loaded of models) await loaded.close()
  }
}

/**
 * Holds models to what `compareModels` takes, without running any.
 *
 * @throws NerError as `compareModels`
 */
export async function checkComparable(
  folders: readonly string[],
  dataPath: string,
  options: CompareOptions = {},
): Promise<void> {
  if (folders.length === 0) return
  const { documents } = await readLabelledFile(dataPath, options)
  for (const folder of folders) checkKnown(await loadModel(folder), documents, options.layer ?? goldLayer, dataPath)
}

function checkKnown(
  { folder, tagger }: ModelFolder,
  documents: readonly Document[],
  layer: string,
  dataPath: string,
): void {
  checkGold(documents, layer, tagLabels(tagger.tags), `${folder} on ${dataPath}`)
}

/** So many of the items, evenly over all. */
function spread<T>(items: readonly T[], most: number): T[] {
  const step = Math.max(1, items.length / most)
  return Array.from({ length: Math.min(most, items.length) }, (_, i) => items[Math.floor(i * step)]!)
}

function profileOf(
  { model }: LoadedModel,
  folder: string,
  single: readonly RequestTime[],
  batched: readonly RequestTime[],
) {
  const { p50, p95 } = summarize(single)
  return {
    name: originOf(folder).name,
    folder,
    parameters: countParameters(taggerParameters(model.tagger)),
    bytes: statSync(model.onnx).size,
    latency: { p50: p50.value, p95: p95.value },
    wordsPerSecond: summarize(batched).wordsPerSecond.value,
  }
}

async function score(loaded: LoadedModel, documents: readonly SegmentedDocument[], layer: string) {
  const tagged = (await loaded.tag(documents)).documents
  const { evaluation, predictions } = evaluateEmissions(
    documents,
    tagged.map(({ emissions }) => emissions),
    layer,
    decodingOf(loaded.model),
    bootstrapSeed,
  )
  const { scores, intervals } = evaluation.crf ?? evaluation.argmax
  return { scores, intervals, wrong: evaluationData(evaluation, predictions).wrong }
}

/** The sentences that one model got wrong and the other right. */
export function onlyWrongIn(student: ModelProfile, teacher: ModelProfile): WrongSentence[] {
  const key = ({ where, text }: WrongSentence) => `${where}\n${text}`
  const both = new Set(teacher.wrong.map(key))
  return student.wrong.filter((sentence) => !both.has(key(sentence)))
}
