import {
  bootstrap,
  countSpans,
  scoresFromCounts,
  scoreTags,
  sumCounts,
  type Intervals,
  type Scores,
} from '../data/scoring.js'
import { tagsFromSpans, type Scheme, type WordSpan } from '../data/schemes.js'
import { confusionMatrix, type ConfusionMatrix } from '../data/confusion.js'
import type { Document, Sentence, Span } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { wordSpans } from '../features/labels.js'
import { joinAcrossSpans } from '../features/windows.js'
import { confidence, decodeSentences, type Decoding, type Emissions, withoutChain } from '../inference/decode.js'

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
  /** Of the model's own decoding. */
  readonly characters: CharacterRecall
}

/**
 * How much of what is marked was found as anything: what redaction asks. All gold spans count, those too that are no runs
 * of words, and no type has to be right.
 */
export interface CharacterRecall {
  /** UTF-16 units within gold spans, and those of them that some predicted span covers. */
  readonly gold: number
  readonly found: number
}

/** A scored model, with what reports show beside its scores. Matrix and sentences are of its own decoding. */
export interface EvaluationData extends Evaluation {
  readonly confusion: ConfusionMatrix
  readonly wrong: readonly WrongSentence[]
}

/** A sentence that the model got wrong somewhere. Offsets of the spans are into `text`. */
export interface WrongSentence {
  readonly text: string
  /** Where the sentence stands, e.g. its document. */
  readonly where: string
  /** All spans of the sentence, right ones too; neither list overlaps itself. Predictions have scores. */
  readonly gold: readonly Span[]
  readonly predicted: readonly Span[]
}

/** A document's gold and predicted spans, sentence by sentence, for scores and reports. */
export interface ScoredDocument {
  readonly document: Document
  readonly sentences: readonly ScoredSentence[]
  /** Gold spans that are no runs of words, or overlap others: no prediction can be right about them, so each is missed. */
  readonly unreachable: readonly Span[]
}

export interface ScoredSentence {
  /** Words of the document. */
  readonly range: Sentence
  readonly gold: readonly WordSpan[]
  readonly predicted: readonly WordSpan[]
  /** Probability of every word's predicted tag. */
  readonly probabilities: Float64Array
}

/** Scores emissions against the documents' own spans. `predictions` are by the model's own decoding. */
export function evaluateEmissions(
  documents: readonly SegmentedDocument[],
  emissions: readonly Emissions[],
  layer: string,
  decoding: Decoding,
  seed: number,
): { readonly evaluation: Evaluation; readonly predictions: readonly ScoredDocument[] } {
  const decodeWith = (by: Decoding) =>
    documents.map((document, i) => decodeDocument(document, i, emissions[i]!, layer, by))
  const argmax = decodeWith(withoutChain(decoding))
  const crf = decoding.chain && decodeWith(decoding)
  const scored = (decoded: readonly DecodedDocument[]) => scoreDecoding(decoded, decoding.scheme, seed)
  const own = crf ?? argmax
  return {
    evaluation: {
      ...(crf && { crf: scored(crf) }),
      argmax: scored(argmax),
      characters: characterRecall(own, layer),
    },
    predictions: own,
  }
}

interface DecodedDocument extends ScoredDocument {
  readonly sentences: readonly (ScoredSentence & { readonly tags: readonly string[] })[]
}

function decodeDocument(
  document: SegmentedDocument,
  index: number,
  emissions: Emissions,
  layer: string,
  decoding: Decoding,
): DecodedDocument {
  const { spans: gold, misaligned } = wordSpans(document, index, layer)
  const decoded = decodeSentences(document, emissions, decoding).map((sentence) => ({
    ...sentence,
    start: sentence.range.start,
  }))
  const goldUntil = taker(gold)
  const decodedUntil = taker(decoded)
  // Sentences that a gold span crosses are counted as one, but decoded as they are: whoever predicts knows no gold.
  const sentences = joinAcrossSpans(document.sentences, gold).map((range) => {
    const parts = decodedUntil(range.end)
    return {
      range,
      gold: goldUntil(range.end).map((span) => shifted(span, -range.start)),
      predicted: parts.flatMap(({ start, spans }) => spans.map((span) => shifted(span, start - range.start))),
      probabilities: Float64Array.from(parts.flatMap(({ probabilities }) => [...probabilities])),
      tags: parts.flatMap((part) => part.tags),
    }
  })
  return { document, sentences, unreachable: misaligned.map(({ span }) => span) }
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
  const units = documents.map(({ sentences, unreachable }) =>
    sumCounts([
      ...sentences.map(({ gold, predicted }) => countSpans(gold, predicted)),
      ...unreachable.map(({ label }) => countSpans([{ start: 0, end: 1, label }], [])),
    ]),
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

function characterRecall(documents: readonly ScoredDocument[], layer: string): CharacterRecall {
  let gold = 0
  let found = 0
  for (const { document, sentences } of documents) {
    const tokens = document.tokens!
    const covered = new Uint8Array(document.text.length)
    for (const { range, predicted } of sentences) {
      for (const { start, end } of predicted) {
        covered.fill(1, tokens[range.start + start]!.start, tokens[range.start + end - 1]!.end)
      }
    }
    const wanted = new Uint8Array(document.text.length)
    for (const { start, end } of document.layers[layer] ?? []) wanted.fill(1, start, end)
    for (const [at, isWanted] of wanted.entries()) {
      gold += isWanted
      found += isWanted & covered[at]!
    }
  }
  return { gold, found }
}

/** What reports show beside the scores: where predictions went, and the sentences that are wrong somewhere. */
export function evaluationData(evaluation: Evaluation, predictions: readonly ScoredDocument[]): EvaluationData {
  const sentences = predictions.flatMap((document) => document.sentences)
  return {
    ...evaluation,
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
