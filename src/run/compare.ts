import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { goldLayer, type Document } from '../data/document.js'
import { readDocuments } from '../data/read.js'
import type { Scores } from '../data/scoring.js'
import { tagLabel } from '../data/schemes.js'
import { segment, type SegmentedDocument } from '../features/segment.js'
import { countParameters } from '../models/folder.js'
import { taggerParameters } from '../models/tagger.js'
import type { WrongSentence } from '../report/errors.js'
import { checkTypes } from '../training/corpus.js'
import { evaluateEmissions, evaluationData, type DecodingScores } from '../training/evaluation.js'
import { openModel, type DeviceOptions, type LoadedModel } from './tag.js'

/** What a model costs, and what it gives. */
export interface ModelProfile extends Pick<DecodingScores, 'scores' | 'intervals'> {
  readonly name: string
  readonly folder: string
  readonly parameters: number
  /** Of the served graph's file. */
  readonly bytes: number
  /** Milliseconds from words to logits, one sentence at a time. */
  readonly latency: { readonly p50: number; readonly p95: number }
  /** In batches. */
  readonly wordsPerSecond: number
  /** Sentences that are wrong somewhere. */
  readonly wrong: readonly WrongSentence[]
}

export interface CompareOptions extends DeviceOptions {
  /** The span layer that is right; `gold` by default. */
  readonly layer?: string
}

/** Sentences that latency is measured on, and how many run before the clock does. */
const timedSentences = 200
const warmUp = 10

/** The intervals of one evaluation are the same every time. */
const bootstrapSeed = 1

/**
 * Scores and times models on the same labelled text. Sentences go through all of the models in turn, so that a machine
 * that slows down slows all of them.
 *
 * @throws NerError as `evaluate`
 */
export async function compareModels(
  folders: readonly string[],
  dataPath: string,
  { layer = goldLayer, ...device }: CompareOptions = {},
): Promise<ModelProfile[]> {
  const documents = (await readDocuments(dataPath, { layer })).documents.map(segment)
  const models: LoadedModel[] = []
  try {
    for (const folder of folders) {
      const loaded = await openModel(folder, device)
      models.push(loaded)
      checkTypes(documents, layer, new Set(loaded.model.tagger.tags.flatMap((tag) => tagLabel(tag) ?? [])), dataPath)
    }
    const times = await latencies(models, sentencesOf(documents, timedSentences + warmUp))
    const profiles: ModelProfile[] = []
    for (const [i, loaded] of models.entries()) {
      profiles.push({ ...profileOf(loaded, folders[i]!, times[i]!), ...(await score(loaded, documents, layer)) })
    }
    return profiles
  } finally {
    for (const loaded of models) await loaded.release()
  }
}

function profileOf({ model }: LoadedModel, folder: string, times: readonly number[]) {
  return {
    name: basename(folder),
    folder,
    parameters: countParameters(taggerParameters(model.tagger)),
    bytes: statSync(model.onnx).size,
    latency: { p50: quantile(times, 0.5), p95: quantile(times, 0.95) },
  }
}

async function score(loaded: LoadedModel, documents: readonly SegmentedDocument[], layer: string) {
  const began = performance.now()
  const { model } = loaded
  const tagged = await loaded.tag(documents)
  const seconds = (performance.now() - began) / 1000
  const { evaluation, predictions } = evaluateEmissions(
    documents,
    tagged.map(({ emissions }) => emissions),
    layer,
    { tags: model.tagger.tags, scheme: model.ner.scheme, chain: model.chain },
    bootstrapSeed,
  )
  const { scores, intervals } = evaluation.crf ?? evaluation.argmax
  const words = documents.reduce((sum, { tokens }) => sum + tokens.length, 0)
  return { scores, intervals, wordsPerSecond: words / seconds, wrong: evaluationData(evaluation, predictions).wrong }
}

/** Milliseconds of each sentence, by model. */
async function latencies(models: readonly LoadedModel[], sentences: readonly Document[]): Promise<number[][]> {
  const times: number[][] = models.map(() => [])
  for (const [i, sentence] of sentences.entries()) {
    for (const [m, model] of models.entries()) {
      const began = performance.now()
      await model.tag([sentence])
      if (i >= warmUp) times[m]!.push(performance.now() - began)
    }
  }
  return times
}

/** So many sentences, spread evenly over the documents, each a document of its own. */
function sentencesOf(documents: readonly SegmentedDocument[], most: number): Document[] {
  const all = documents.flatMap((document) => document.sentences.map((range) => ({ document, range })))
  const step = Math.max(1, all.length / most)
  const count = Math.min(most, all.length)
  return Array.from({ length: count }, (_, i) => {
    const { document, range } = all[Math.floor(i * step)]!
    const tokens = document.tokens.slice(range.start, range.end)
    const from = tokens[0]?.start ?? 0
    return {
      id: String(i),
      text: document.text.slice(from, tokens.at(-1)?.end ?? from),
      tokens: tokens.map(({ start, end }) => ({ start: start - from, end: end - from })),
      layers: {},
    }
  })
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** The sentences that one model got wrong and the other right. */
export function onlyWrongIn(student: ModelProfile, teacher: ModelProfile): WrongSentence[] {
  const key = ({ where, text }: WrongSentence) => `${where}\n${text}`
  const both = new Set(teacher.wrong.map(key))
  return student.wrong.filter((sentence) => !both.has(key(sentence)))
}

/** F1 that a model has less than another, in points. */
export const f1Drop = (from: { readonly scores: Scores }, to: { readonly scores: Scores }): number =>
  100 * (from.scores.micro.f1 - to.scores.micro.f1)
