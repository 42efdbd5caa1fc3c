import { createHash } from 'node:crypto'
import type { Document, Span, Token } from '../data/document.js'
import { decodeSpans, decodingOf, type ScoredSpan } from '../inference/decode.js'
import { prepare } from '../inference/prepare.js'
import { classifyTokens, type ClassifiedToken, type Strategy } from '../inference/token-classification.js'
import { sentinelLabel } from '../sources/source.js'
import type { ModelFolder } from '../artifacts/model.js'
import { hashBytes } from '../io/hash.js'
import { entitiesOf } from '../pipeline/pipeline.js'
import type { AnswerCache, CacheOutcome } from './cache.js'
import { type Knowledge, modelLayer } from './lists/knowledge.js'
import { exactAnswer } from './lists/overrides.js'
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

type Found = Recognized & Pick<Answered, 'cache'>
export type RecognizedFrom = Recognized & Answered
export type ClassifiedFrom = Classified & Answered

/**
 * What finds entities for requests: a model behind a queue, lists beside it, and a cache before all. It never changes:
 * where a list does, another takes its place, and a request has one of them from its beginning to its end.
 */
export interface Recognizer {
  /** A hash of all that an answer depends on. */
  readonly version: string
  readonly labels: readonly string[]
  /** Whether nothing stands beside the model: no list, no overrides. */
  readonly isModelAlone: boolean
  find(query: Query, signal: AbortSignal): Promise<RecognizedFrom>
  /** What transformers' token-classification pipeline finds with the model, by argmax over pieces. */
  classify(text: string, strategy: Strategy, signal: AbortSignal): Promise<ClassifiedFrom>
  readonly cache: { readonly answers: number; readonly bytes: number }
}

/** What a span takes in memory, roughly, and an answer beside its spans. */
const bytesOfSpan = 96
const bytesOfToken = 160
const bytesOfAnswer = 200

/** What recognizers of one model share. */
export interface RecognizerParts {
  readonly model: ModelFolder
  readonly modelVersion: string
  /** The model's types. */
  readonly types: readonly string[]
  readonly batcher: Batcher
  readonly cache: AnswerCache<Recognized | Classified>
  readonly onAnswer?: (answer: Answered) => void
}

export function createRecognizer(
  { model, modelVersion, types, batcher, cache, onAnswer = () => undefined }: RecognizerParts,
  { pipeline, exact, version: knowledgeVersion, isEmpty }: Knowledge,
): Recognizer {
  const decoding = decodingOf(model)
  const version = isEmpty ? modelVersion : hashBytes(Buffer.from(`${modelVersion} ${knowledgeVersion}`)).slice(0, 16)
  const labels = [...new Set([...types, ...pipeline.labels])].filter((label) => label !== sentinelLabel).sort()

  async function compute({ text, tokens }: Query, signal: AbortSignal): Promise<Recognized> {
    const began = performance.now()
    const document: Document = { id: '', text, layers: {}, ...(tokens && { tokens }) }
    const { documents, examples } = await prepare([document], model)
    const words = documents[0]!.tokens.length
    const tokenizing = performance.now() - began
    const { emissions, queued, engine } = await batcher.submit({ examples, words, signal })
    const decodingBegan = performance.now()
    const found = decodeSpans(documents[0]!, emissions, decoding)
    const spans = isEmpty ? found : await withKnowledge(documents[0]!, found, signal)
    return { spans, words, stages: { tokenizing, queued, engine, decoding: performance.now() - decodingBegan } }
  }

  async function withKnowledge(document: Document, found: readonly Span[], signal: AbortSignal): Promise<ScoredSpan[]> {
    const [answer] = await pipeline.run([{ ...document, layers: { [modelLayer]: found } }], signal)
    return entitiesOf(answer!).map(certain)
  }

  /** What was decided for the text as it reads. */
  function decided(text: string): Found | undefined {
    const spans = exact === undefined ? undefined : exactAnswer(exact, text)
    if (spans === undefined) return undefined
    const stages = { tokenizing: 0, queued: 0, engine: 0, decoding: 0 }
    return { spans: spans.map(certain), words: 0, stages, cache: 'hit' }
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

  async function computed(query: Query, signal: AbortSignal): Promise<Found> {
    const { value, outcome } = await cache.get(keyOf(query, version), (signal) => compute(query, signal), signal)
    return { ...(value as Recognized), cache: outcome }
  }

  return {
    version,
    labels,
    isModelAlone: isEmpty,
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
      const { spans, words, stages, cache } = decided(query.text) ?? (await computed(query, signal))
      const answer = { spans, words, stages, cache, labels: spans.map(({ label }) => label) }
      onAnswer(answer)
      return answer
    },
    get cache() {
      return cache.size
    },
  }
}

/** A name of a list counts as certain, where it says nothing else. */
const certain = (span: Span): ScoredSpan => ({ ...span, score: span.score ?? 1 })

/** What an answer takes in memory, roughly, in bytes. */
export const sizeOf = (answer: Recognized | Classified): number =>
  'tokens' in answer
    ? bytesOfAnswer + answer.tokens.reduce((sum, { word }) => sum + bytesOfToken + 2 * word.length, 0)
    : bytesOfAnswer + answer.spans.reduce((sum, { label }) => sum + bytesOfSpan + label.length, 0)

/** Hashes of texts, not texts: keys are short, and a dump of the memory holds nobody's text. */
function keyOf({ text, tokens }: Query, version: string): string {
  const hash = createHash('sha256').update(version).update('\0').update(text, 'utf16le')
  if (tokens) hash.update('\0').update(Int32Array.from(tokens.flatMap(({ start, end }) => [start, end])))
  return hash.digest('base64')
}
