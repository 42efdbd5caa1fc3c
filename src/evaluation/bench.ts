import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Document, Token } from '../data/document.js'
import { readDocuments } from '../data/read.js'
import { NerError } from '../errors.js'
import { segment, type SegmentedDocument } from '../data/segment.js'
import { measureLatency } from './latency.js'
import { compareLatency, summarize, type Comparison, type LatencySummary } from './latency-summary.js'
import { openModel, type DeviceOptions, type LoadedModel } from '../inference/tag.js'
import type { Job } from '../job.js'

export interface BenchOptions extends DeviceOptions {
  /** Text to take sentences from; the sample that comes along where absent. */
  readonly data?: string | undefined
  /** Texts in a request. */
  readonly batches: readonly number[]
  /** Words of a text; where there are none, texts are the sentences of the data. */
  readonly lengths: readonly number[]
  readonly rounds: number
}

/** Models on requests of one kind. */
export interface BenchRow {
  readonly batch: number
  /** Words of every text; absent for sentences as they are. */
  readonly length?: number
  readonly models: readonly (LatencySummary & {
    readonly name: string
    /** With the first model, which has none. */
    readonly comparison?: Comparison
  })[]
}

export interface Bench {
  readonly models: readonly { readonly name: string; readonly file: string; readonly bytes: number }[]
  readonly data: { readonly file: string; readonly sha256: string }
  readonly rows: readonly BenchRow[]
}

const ownSample = fileURLToPath(new URL('../../data/sample/test.conll', import.meta.url))

/** Texts of a round: enough that the slowest percents are told, few enough that rounds take turns. */
const textsInRound = 200
const requestsInRound = 200

/**
 * Times models side by side, from text in to entities out. Yields what it is doing.
 *
 * @throws NerError `model/*`, `data/*`, `file/unreadable`, `runtime/*`; `usage/bad-option` for a length of more words than
 *   the data have
 */
export async function* bench(paths: readonly string[], options: BenchOptions): Job<Bench> {
  const { batches, lengths, rounds, data = ownSample, ...device } = options
  const corpus = await readDocuments(data, { labels: 'optional' })
  const documents = corpus.documents.map(segment)
  checkWords(documents, data, lengths)
  const names = namesOf(paths)
  const models: LoadedModel[] = []
  try {
    for (const path of paths) models.push(await openModel(path, device))
    const rows: BenchRow[] = []
    for (const length of lengths.length === 0 ? [undefined] : lengths) {
      const texts = length === undefined ? sentencesOf(documents) : textsOfLength(documents, length)
      for (const batch of batches) {
        yield `timing ${batch} at once${length === undefined ? '' : `, of ${length} words`}`
        const times = await measureLatency(models, enough(texts, batch), { batch, rounds, requests: requestsInRound })
        rows.push({
          batch,
          ...(length !== undefined && { length }),
          models: times.map((own, i) => ({
            name: names[i]!,
            ...summarize(own),
            ...(i > 0 && { comparison: compareLatency(times[0]!, own) }),
          })),
        })
      }
    }
    return {
      models: models.map(({ model }, i) => ({ name: names[i]!, file: model.onnx, bytes: statSync(model.onnx).size })),
      data: { file: basename(data), sha256: corpus.hash },
      rows,
    }
  } finally {
    for (const model of models) await model.close()
  }
}

function checkWords(documents: readonly SegmentedDocument[], data: string, lengths: readonly number[]): void {
  const words = documents.reduce((sum, { tokens }) => sum + tokens.length, 0)
  if (words === 0) {
    throw new NerError('data/empty', 'The file has no word to time models on.', { where: data, mend: 'Give text.' })
  }
  const longest = Math.max(0, ...lengths)
  if (longest > words) {
    throw new NerError('usage/bad-option', `The data have ${words} words, too few for a text of ${longest}.`, {
      where: data,
      mend: `Give \`length\` ${words} at most, or more text as \`data\`.`,
    })
  }
}

/** The paths by their last parts, as few as tell them apart. */
function namesOf(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path).split(/[/\\]/))
  const named = (count: number) => parts.map((path) => path.slice(-count).join('/'))
  const longest = Math.max(...parts.map(({ length }) => length))
  let count = 1
  while (count < longest && new Set(named(count)).size < paths.length) count++
  return named(count)
}

/** Texts for some whole requests, spread evenly over the data, and again from the start where it has too few. */
function enough(texts: readonly Document[], batch: number): Document[] {
  const count = Math.max(batch * 2, Math.floor(textsInRound / batch) * batch)
  const step = Math.max(1, texts.length / count)
  return Array.from({ length: count }, (_, i) => texts[Math.floor(i * step) % texts.length]!)
}

/** Every sentence a document of its own. */
export function sentencesOf(documents: readonly SegmentedDocument[]): Document[] {
  return documents.flatMap((document) => document.sentences.map(({ start, end }) => cutOut(document, start, end)))
}

/** Runs of so many words, over the ends of sentences and documents. */
function textsOfLength(documents: readonly SegmentedDocument[], length: number): Document[] {
  const tokens: Token[] = []
  let at = 0
  for (const document of documents) {
    for (const { start, end } of document.tokens) tokens.push({ start: at + start, end: at + end })
    at += document.text.length + 1
  }
  const all = { id: 'words', text: documents.map(({ text }) => text).join('\n'), tokens, layers: {}, sentences: [] }
  const whole = Math.floor(tokens.length / length)
  return Array.from({ length: whole }, (_, i) => cutOut(all, i * length, (i + 1) * length))
}

function cutOut({ id, text, tokens }: SegmentedDocument, start: number, end: number): Document {
  const words = tokens.slice(start, end)
  const from = words[0]?.start ?? 0
  return {
    id: `${id} ${start}`,
    text: text.slice(from, words.at(-1)?.end ?? from),
    tokens: words.map((word) => ({ start: word.start - from, end: word.end - from })),
    layers: {},
  }
}
