import type { Document } from '../data/document.js'
import type { WordSpan } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { blockAllocator, type Allocate } from './allocate.js'
import type { Example, ExampleSentence } from './batch.js'
import { misalignedError, targets, wordSpans, type LabelOptions, type MisalignedSpan, type Targets } from './labels.js'
import { segment, type SegmentedDocument } from '../data/segment.js'
import type { Tokenizer } from './tokenizer.js'
import {
  cutBetweenSpans,
  joinAcrossSpans,
  overlappingWindows,
  packSentences,
  placeWords,
  widen,
  type Range,
} from './windows.js'

export interface WindowOptions {
  /** Most pieces in a window, the special ones included. */
  readonly window: number
  /**
   * `sentence`: every sentence has windows of its own. `document`: consecutive sentences of a document share a window,
   * so that each is the other's context; every sentence is still scored once.
   */
  readonly context: 'sentence' | 'document'
  /**
   * With `document`: pieces of a window kept free on either side of the sentences it scores, for neighbours that are
   * only context. Windows are then filled up with context as far as the document goes. 0 by default.
   */
  readonly contextPieces?: number
}

/** To train, words get tags (and soft tags where a document has them); to predict, none. */
export type ExampleOptions = WindowOptions &
  ((LabelOptions & { readonly task: 'train' }) | { readonly task: 'predict' })

export interface CorpusExamples {
  /** The documents, with words and sentences found in those that had none. */
  readonly documents: readonly SegmentedDocument[]
  readonly examples: readonly Example[]
  /** Spans left out of the tags; empty unless `onMisaligned` is `skip`. */
  readonly misaligned: readonly MisalignedSpan[]
}

/** A sentence to train on that needs more windows than this is cut between its spans, so that batches stay bounded. */
const maxTrainingWindows = 4

/** A document's words as pieces: word i's are `pieces.subarray(offsets[i], offsets[i + 1])`. */
interface DocumentPieces {
  readonly pieces: Int32Array
  readonly offsets: Int32Array
}

/**
 * Turns documents into windows of pieces, with a place for every word of every sentence.
 *
 * A sentence longer than a window becomes overlapping windows in one example, and every word is read where it has most
 * context. To train, sentences that a gold span crosses are joined, so that no span is lost. A document whose layers
 * lack the one asked for has no tags.
 *
 * @throws NerError `data/misaligned-span`, `data/unseen-label`; `config/bad-value` where a window is too small.
 */
export async function buildExamples(
  documents: readonly Document[],
  tokenizer: Tokenizer,
  options: ExampleOptions,
): Promise<CorpusExamples> {
  const capacity = options.window - tokenizer.prefix.length - tokenizer.suffix.length
  if (capacity < 1)
    throw new NerError('config/bad-value', `A window of ${options.window} pieces has no room for a word.`, {
      mend: `The special pieces alone take ${options.window - capacity}; 128 or more is usual.`,
    })
  const segmented = documents.map(segment)
  const encode = await encoder(segmented, tokenizer)
  const allocate = blockAllocator()
  const label = options.task === 'train' ? targets(options, allocate) : undefined
  const examples: Example[] = []
  const misaligned: MisalignedSpan[] = []

  for (const [index, document] of segmented.entries()) {
    const { pieces, offsets } = encode(index)
    let spans: readonly WordSpan[] | undefined
    if (options.task === 'train' && document.layers[options.layer]) {
      const aligned = wordSpans(document, index, options.layer)
      spans = aligned.spans
      misaligned.push(...aligned.misaligned)
    }
    let sentences: readonly Range[] = document.sentences.filter(({ start, end }) => end > start)
    if (options.task === 'train')
      sentences = joinAcrossSpans(sentences, spans ?? []).flatMap((sentence) =>
        cutBetweenSpans(offsets, sentence, spans ?? [], capacity * maxTrainingWindows),
      )
    for (const { scored, windows } of layOut(offsets, sentences, capacity, options))
      examples.push({
        windows: windows.map((window) => frame(allocate, pieces, window, tokenizer)),
        sentences: scored.map((words) => ({
          document: index,
          firstWord: words.start,
          ...places(allocate, offsets, words, windows, tokenizer.prefix.length),
          ...labels(label, document, spans, words),
        })),
      })
  }
  if (misaligned.length > 0 && options.task === 'train' && options.onMisaligned === 'error')
    throw misalignedError(misaligned)
  return { documents: segmented, examples, misaligned }
}

/** Which sentences share an example, and the piece ranges of its windows, without the special pieces. */
function layOut(
  offsets: Int32Array,
  sentences: readonly Range[],
  capacity: number,
  { context, contextPieces = 0 }: WindowOptions,
): { scored: readonly Range[]; windows: readonly Range[] }[] {
  if (context === 'sentence')
    return sentences.map((words) => ({ scored: [words], windows: overlappingWindows(offsets, words, capacity) }))
  const body = Math.max(1, capacity - 2 * contextPieces)
  return packSentences(offsets, sentences, body).map((scored) => {
    const words = { start: scored[0]!.start, end: scored.at(-1)!.end }
    const length = offsets[words.end]! - offsets[words.start]!
    // Context never makes a sentence straddle two windows that fits one.
    const room = length <= capacity ? capacity : length + 2 * contextPieces
    const shown = contextPieces > 0 ? widen(offsets, words, room) : words
    return { scored, windows: overlappingWindows(offsets, shown, capacity) }
  })
}

/** The window as the model sees it: its pieces between the special ones. */
function frame(allocate: Allocate, pieces: Int32Array, { start, end }: Range, tokenizer: Tokenizer): Int32Array {
  const { prefix, suffix } = tokenizer
  const framed = allocate(prefix.length + end - start + suffix.length)
  framed.set(prefix)
  framed.set(pieces.subarray(start, end), prefix.length)
  framed.set(suffix, prefix.length + end - start)
  return framed
}

function places(
  allocate: Allocate,
  offsets: Int32Array,
  words: Range,
  windows: readonly Range[],
  prefixLength: number,
): Pick<ExampleSentence, 'window' | 'piece'> {
  const window = allocate(words.end - words.start)
  const piece = allocate(words.end - words.start)
  placeWords(offsets, words, windows, (word, w, p) => {
    window[word - words.start] = w
    piece[word - words.start] = prefixLength + p
  })
  return { window, piece }
}

function labels(
  label: Targets | undefined,
  document: Document,
  spans: readonly WordSpan[] | undefined,
  words: Range,
): Pick<ExampleSentence, 'tags' | 'soft'> {
  if (!label) return {}
  return {
    ...(spans && { tags: label.tags(document, spans, words) }),
    ...(document.soft && { soft: label.soft(document, words) }),
  }
}

/** Tokenises each distinct word of the corpus once; gives a document, by index, in pieces. */
async function encoder(
  documents: readonly SegmentedDocument[],
  tokenizer: Tokenizer,
): Promise<(document: number) => DocumentPieces> {
  const vocabulary = new Map<string, number>()
  const wordIds = documents.map(({ text, tokens }) => {
    const ids = new Int32Array(tokens.length)
    for (const [i, { start, end }] of tokens.entries()) {
      const word = text.slice(start, end)
      let id = vocabulary.get(word)
      if (id === undefined) vocabulary.set(word, (id = vocabulary.size))
      ids[i] = id
    }
    return ids
  })
  const piecesOf = await tokenizer.encodeWords([...vocabulary.keys()])
  return (document) => {
    const words = wordIds[document]!
    const offsets = new Int32Array(words.length + 1)
    for (let i = 0; i < words.length; i++) offsets[i + 1] = offsets[i]! + piecesOf[words[i]!]!.length
    const pieces = new Int32Array(offsets[words.length]!)
    // Most words have one or two pieces: `pieces.set` would cost more than the copy.
    for (let i = 0; i < words.length; i++) {
      const word = piecesOf[words[i]!]!
      for (let k = 0; k < word.length; k++) pieces[offsets[i]! + k] = word[k]!
    }
    return { pieces, offsets }
  }
}
