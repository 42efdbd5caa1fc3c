import { createHash } from 'node:crypto'
import type { Document, Token } from '../data/document.js'
import { decodeSpans, decodingOf, type ScoredSpan } from '../inference/decode.js'
import { prepare } from '../inference/prepare.js'
import { classifyTokens, type ClassifiedToken, type Strategy } from '../inference/token-classification.js'
import type { ModelFolder } from '../artifacts/model.js'
import { answerCache, type CacheOutcome, type CacheSettings } from './cache.js'
import type { Batcher } from './batcher.js'
import { pieceExample } from './piece-example.js'

/** A text to find entities in, with its words where the client gives them. */
export interface Query {
  readonly text: string
  readonly tokens?: readonly Token[]
}

/** Milliseconds, by stage. */
export interface Stages {
  readonly tokenizing: number
  readonly queued: number
  readonly engine: number
  readonly decoding: number
}

export interface Recognized {
  /** In order, UTF-16 offsets. */
  readonly spans: readonly ScoredSpan[]
  readonly words: number
  readonly stages: Stages
}

/** A text's pieces, classified as transformers' pipeline does. */
export interface Classified {
  readonly tokens: readonly ClassifiedToken[]
  readonly stages: Stages
}

/** How a text came to its answer. */
export interface Answered {
  readonly cache: CacheOutcome
  /** Of when it was computed. */
  readonly stages: Stages
  /** Types of what was found. */
  readonly labels: readonly string[]
}

export type RecognizedFrom = Recognized & Answered
export type ClassifiedFrom = Classified & Answered

/** What finds entities for requests: a model behind a queue, with a cache before both. */
export interface Recognizer {
  /** A hash of all that an answer depends on. */
  readonly version: string
  readonly labels: readonly string[]
  find(query: Query, signal: AbortSignal): Promise<RecognizedFrom>
  /** What transformers' token-classification pipeline finds with the model, by argmax over pieces. */
  classify(text: string, strategy: Strategy, signal: AbortSignal): Promise<ClassifiedFrom>
  readonly cache: { readonly answers: number; readonly bytes: number }
}

/** What a span takes in memory, roughly, and an answer beside its spans. */
const bytesOfSpan = 96
const bytesOfToken = 160
const bytesOfAnswer = 200

export function createRecognizer(
  model: ModelFolder,
  version: string,
  labels: readonly string[],
  batcher: Batcher,
  cacheSettings: CacheSettings,
  onAnswer: (answer: Answered) => void = () => undefined,
): Recognizer {
  const decoding = decodingOf(model)
  const cache = answerCache<Recognized | Classified>(cacheSettings, sizeOf)

  async function compute({ text, tokens }: Query, signal: AbortSignal): Promise<Recognized> {
    const began = performance.now()
    const document: Document = { id: '', text, layers: {}, ...(tokens && { tokens }) }
    const { documents, examples } = await prepare([document], model)
    const words = documents[0]!.tokens.length
    const tokenizing = performance.now() - began
    const { emissions, queued, engine } = await batcher.submit({ examples, words, signal })
    const decodingBegan = performance.now()
    const spans = decodeSpans(documents[0]!, emissions, decoding)
    return { spans, words, stages: { tokenizing, queued, engine, decoding: performance.now() - decodingBegan } }
  }

  async function computeTokens(text: string, strategy: Strategy, signal: AbortSignal): Promise<Classified> {
    const began = performance.now()
    const pieces = await model.tokenizer.encodeText(text)
    const words = pieces.ids.length
    const examples = words > 0 ? [pieceExample(pieces, model)] : []
    const tokenizing = performance.now() - began
    const { emissions, queued, engine } = await batcher.submit({ examples, words, signal })
    const decodingBegan = performance.now()
    const { tokenizer, tagger } = model
    const tokens = classifyTokens(text, pieces, emissions, { tokenizer, tags: tagger.tags, strategy })
    return { tokens, stages: { tokenizing, queued, engine, decoding: performance.now() - decodingBegan } }
  }

  return {
    version,
    labels,
    async classify(text, strategy, signal) {
      const key = `${strategy} ${keyOf({ text }, version)}`
      const { value, outcome } = await cache.get(key, (signal) => computeTokens(text, strategy, signal), signal)
      const { tokens, stages } = value as Classified
      // Pieces by themselves are no entities.
      const labels = tokens.flatMap(({ entity_group: label = 'O' }) => (label === 'O' ? [] : [label]))
      const answer = { tokens, stages, cache: outcome, labels }
      onAnswer(answer)
      return answer
    },
    async find(query, signal) {
      const { value, outcome } = await cache.get(keyOf(query, version), (signal) => compute(query, signal), signal)
      const { spans, words, stages } = value as Recognized
      const answer = { spans, words, stages, cache: outcome, labels: spans.map(({ label }) => label) }
      onAnswer(answer)
      return answer
    },
    get cache() {
      return cache.size
    },
  }
}

const sizeOf = (answer: Recognized | Classified): number =>
  'tokens' in answer
    ? bytesOfAnswer + answer.tokens.reduce((sum, { word }) => sum + bytesOfToken + 2 * word.length, 0)
    : bytesOfAnswer + answer.spans.reduce((sum, { label }) => sum + bytesOfSpan + label.length, 0)

/** Hashes of texts, not texts: keys are short, and a dump of the memory holds nobody's text. */
function keyOf({ text, tokens }: Query, version: string): string {
  const hash = createHash('sha256').update(version).update('\0').update(text, 'utf16le')
  if (tokens) hash.update('\0').update(Int32Array.from(tokens.flatMap(({ start, end }) => [start, end])))
  return hash.digest('base64')
}
