import type { Document } from '../data/document.js'
import { decodeSpans, decodingOf } from '../inference/decode.js'
import type { LoadedModel } from '../inference/tag.js'

/** One request, of some texts at once: milliseconds from text in to entities out. */
export interface RequestTime {
  readonly total: number
  readonly tokenizing: number
  /** Inside the engine alone. */
  readonly engine: number
  /** What is left: laying out batches, decoding. */
  readonly decoding: number
  readonly words: number
}

export interface LatencyOptions {
  /** Texts in a request. */
  readonly batch: number
  /** How often all requests are sent to every model. */
  readonly rounds: number
  /** Most requests in a round. */
  readonly requests?: number
}

/** Requests that every model answers before the clock runs: the engine plans its memory by the first shapes it sees. */
const warmUp = 10

/**
 * Times models on the same requests, made of the texts in their order. The models take turns, a round each (A B C, B C A
 * …): a machine that slows down slows all of them, and within its round a model has the caches to itself, as when it
 * serves. Gives each model's requests in the same order, so that they can be compared one by one.
 */
export async function measureLatency(
  models: readonly LoadedModel[],
  texts: readonly Document[],
  { batch, rounds, requests: most = Infinity }: LatencyOptions,
): Promise<RequestTime[][]> {
  const requests = cut(texts, batch).slice(0, most)
  const clocks = models.map((model) => stopwatch(model))
  for (const time of clocks) for (const request of requests.slice(0, warmUp)) await time(request)
  const times: RequestTime[][] = models.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < models.length; turn++) {
      const model = (round + turn) % models.length
      for (const request of requests) times[model]!.push(await clocks[model]!(request))
    }
  }
  return times
}

/** Requests of equal size; texts that do not fill the last one are left out, unless they are all there is. */
function cut(texts: readonly Document[], batch: number): (readonly Document[])[] {
  const whole = Math.floor(texts.length / batch)
  return whole === 0 ? [texts] : Array.from({ length: whole }, (_, i) => texts.slice(i * batch, (i + 1) * batch))
}

function stopwatch(loaded: LoadedModel): (texts: readonly Document[]) => Promise<RequestTime> {
  const decoding = decodingOf(loaded.model)
  return async (texts) => {
    const began = performance.now()
    const { documents, times } = await loaded.tag(texts)
    for (const { document, emissions } of documents) decodeSpans(document, emissions, decoding)
    const total = performance.now() - began
    const { tokenizing, engine } = times
    const words = documents.reduce((sum, { document }) => sum + document.tokens.length, 0)
    return { total, tokenizing, engine, decoding: total - tokenizing - engine, words }
  }
}
