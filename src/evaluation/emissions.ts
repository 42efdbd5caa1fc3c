import {
  bootstrap,
  countSpans,
  scoresFromCounts,
  scoreTags,
  sumCounts,
  type Intervals,
  type Scores,
} from '../data/scoring.js'
import { spansFromTags, tagsFromSpans, type Scheme, type WordSpan } from '../data/schemes.js'
import { confusionMatrix } from '../data/confusion.js'
import type { Document, Sentence, Span } from '../data/document.js'
import { wordSpans } from '../features/labels.js'
import { joinAcrossSpans } from '../features/windows.js'
import type { WrongSentence } from '../report/errors.js'
import type { EvaluationData } from '../report/report.js'
import { confidence, decodeArgmax, decodeChain, type Chain, type Decoded, type Emissions } from '../models/decode.js'

/** What one way of decoding scores. */
export interface DecodingScores {
  /** Strict span matching. */
  readonly scores: Scores
  /** 95 % intervals of strict F1, by resampling documents. */
  readonly intervals: Intervals
  /** The same tags scored as the conlleval script and seqeval's default do. */
  readonly conlleval: Scores
}

/** A model scored on documents: by its CRF, where it has one, and by plain argmax. */
export interface Evaluation {
  readonly crf?: DecodingScores
  readonly argmax: DecodingScores
}

/** A document's gold and predicted spans, sentence by sentence, for scores and reports. */
export interface ScoredDocument {
  readonly document: Document
  readonly sentences: readonly ScoredSentence[]
}

export interface ScoredSentence {
  /** Words of the document. */
  readonly range: Sentence
  readonly gold: readonly WordSpan[]
  readonly predicted: readonly WordSpan[]
  /** Probability of every word's predicted tag. */
  readonly probabilities: Float64Array
}

export interface Decoding {
  readonly tags: readonly string[]
  readonly scheme: Scheme
  readonly chain: Chain | undefined
}

/** Scores emissions against the documents' own spans. `predictions` are by the model's own decoding. */
export function evaluateEmissions(
  documents: readonly Document[],
  emissions: readonly Emissions[],
  layer: string,
  { tags, scheme, chain }: Decoding,
  seed: number,
): { readonly evaluation: Evaluation; readonly predictions: readonly ScoredDocument[] } {
  const labels = tags.length
  const decodeWith = (decode: (sentence: Emissions) => Decoded) =>
    documents.map((document, i) => decodeDocument(document, i, emissions[i]!, layer, tags, scheme, decode))
  const argmax = decodeWith((sentence) => decodeArgmax(sentence, labels))
  const crf = chain && decodeWith((sentence) => decodeChain(sentence, chain))
  const scored = (decoded: readonly DecodedDocument[]) => scoreDecoding(decoded, scheme, seed)
  return {
    evaluation: { ...(crf && { crf: scored(crf) }), argmax: scored(argmax) },
    predictions: crf ?? argmax,
  }
}

interface DecodedDocument extends ScoredDocument {
  readonly sentences: readonly (ScoredSentence & { readonly tags: readonly string[] })[]
}

function decodeDocument(
  document: Document,
  index: number,
  emissions: Emissions,
  layer: string,
  tags: readonly string[],
  scheme: Scheme,
  decode: (sentence: Emissions) => Decoded,
): DecodedDocument {
  const gold = wordSpans(document, index, layer).spans
  const ranges = document.sentences ?? [{ start: 0, end: document.tokens!.length }]
  const decoded = ranges.map((range) => {
    const { tags: path, probabilities } = decode(emissions.subarray(range.start * tags.length, range.end * tags.length))
    const named = Array.from(path, (tag) => tags[tag]!)
    return { ...range, tags: named, probabilities, spans: spansFromTags(named, scheme) }
  })
  const goldUntil = taker(gold)
  const decodedUntil = taker(decoded)
  // Sentences that a gold span crosses are counted as one, but decoded as they are: whoever predicts knows no gold.
  const sentences = joinAcrossSpans(ranges, gold).map((range) => {
    const parts = decodedUntil(range.end)
    return {
      range,
      gold: goldUntil(range.end).map((span) => shifted(span, -range.start)),
      predicted: parts.flatMap(({ start, spans }) => spans.map((span) => shifted(span, start - range.start))),
      probabilities: Float64Array.from(parts.flatMap(({ probabilities }) => [...probabilities])),
      tags: parts.flatMap((part) => part.tags),
    }
  })
  return { document, sentences }
}

/** Takes from the front of a sorted list what starts before a word. */
function taker<T extends { readonly start: number }>(items: readonly T[]): (end: number) => readonly T[] {
  let at = 0
  return (end) => {
    const from = at
    while (at < items.length && items[at]!.start < end) at++
    return items.slice(from, at)
  }
}

const shifted = ({ start, end, label }: WordSpan, by: number): WordSpan => ({ start: start + by, end: end + by, label })

function scoreDecoding(documents: readonly DecodedDocument[], scheme: Scheme, seed: number): DecodingScores {
  const units = documents.map(({ sentences }) =>
    sumCounts(sentences.map(({ gold, predicted }) => countSpans(gold, predicted))),
  )
  const sentences = documents.flatMap((document) => document.sentences)
  const goldTags = sentences.map(({ gold, tags }) => tagsFromSpans(gold, tags.length, scheme))
  const conlleval = scoreTags(
    goldTags,
    sentences.map(({ tags }) => tags),
    scheme,
    'conlleval',
  )
  const scores = scoresFromCounts(sumCounts(units))
  const accuracy = conlleval.accuracy
  return {
    scores: accuracy === undefined ? scores : { ...scores, accuracy },
    intervals: bootstrap(units, { seed }),
    conlleval,
  }
}

/** What reports show beside the scores: where predictions went, and the sentences that are wrong somewhere. */
export function evaluationData(evaluation: Evaluation, predictions: readonly ScoredDocument[]): EvaluationData {
  const sentences = predictions.flatMap((document) => document.sentences)
  return {
    crf: evaluation.crf,
    argmax: evaluation.argmax,
    confusion: confusionMatrix(
      sentences.map(({ gold }) => gold),
      sentences.map(({ predicted }) => predicted),
    ),
    wrong: predictions.flatMap(wrongSentences),
  }
}

function wrongSentences({ document, sentences }: ScoredDocument): WrongSentence[] {
  const key = ({ start, end, label }: WordSpan) => `${start} ${end} ${label}`
  return sentences.flatMap(({ range, gold, predicted, probabilities }) => {
    const right = new Set(gold.map(key))
    if (predicted.length === gold.length && predicted.every((span) => right.has(key(span)))) return []
    const tokens = document.tokens!.slice(range.start, range.end)
    const from = tokens[0]!.start
    const inText = ({ start, end, label }: WordSpan): Span => ({
      start: tokens[start]!.start - from,
      end: tokens[end - 1]!.end - from,
      label,
    })
    return [
      {
        text: document.text.slice(from, tokens.at(-1)!.end),
        where: document.id,
        gold: gold.map(inText),
        predicted: predicted.map((span) => ({ ...inText(span), score: confidence(span, probabilities) })),
      },
    ]
  })
}
