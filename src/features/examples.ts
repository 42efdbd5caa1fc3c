import type { Document } from '../data/document.js'
import type { WordSpan } from '../data/schemes.js'
import { NerError } from '../errors.js'
import type { Example, ExampleSentence } from './batch.js'
import { misalignedError, targets, wordSpans, type LabelOptions, type MisalignedSpan, type Targets } from './labels.js'
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
import { withWords } from './words.js'

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
  readonly documents: readonly Document[]
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
  const split = documents.map(withWords)
  const pieces = await tokenizer.encodeWords(wordsOf(split))
  const label = options.task === 'train' ? targets(options) : undefined
  const examples: Example[] = []
  const misaligned: MisalignedSpan[] = []

  for (const [index, document] of split.entries()) {
    const inPieces = encodeDocument(document, pieces)
    const { offsets } = inPieces
    let spans: readonly WordSpan[] | undefined
    if (options.task === 'train' && document.layers[options.layer]) {
      const aligned = wordSpans(document, index, options.layer)
      spans = aligned.spans
      misaligned.push(...aligned.misaligned)
    }
    let sentences: readonly Range[] = document.sentences!.filter(({ start, end }) => end > start)
    if (options.task === 'train')
      sentences = joinAcrossSpans(sentences, spans ?? []).flatMap((sentence) =>
        cutBetweenSpans(offsets, sentence, spans ?? [], capacity * maxTrainingWindows),
      )
    for (const { scored, windows } of layOut(offsets, sentences, capacity, options))
      examples.push({
        windows: windows.map((window) => frame(inPieces.pieces, window, tokenizer)),
        sentences: scored.map((words) => ({
          document: index,
          firstWord: words.start,
          ...places(offsets, words, windows, tokenizer.prefix.length),
          ...labels(label, document, spans, words),
        })),
      })
  }
  if (misaligned.length > 0 && options.task === 'train' && options.onMisaligned === 'error')
    throw misalignedError(misaligned)
  return { documents: split, examples, misaligned }
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
    const room = Math.max(capacity, length + 2 * contextPieces)
    const shown = contextPieces > 0 ? widen(offsets, words, room) : words
    return { scored, windows: overlappingWindows(offsets, shown, capacity) }
  })
}

/** The window as the model sees it: its pieces between the special ones. */
function frame(pieces: Int32Array, { start, end }: Range, { prefix, suffix }: Tokenizer): Int32Array {
  const framed = new Int32Array(prefix.length + end - start + suffix.length)
  framed.set(prefix)
  framed.set(pieces.subarray(start, end), prefix.length)
  framed.set(suffix, prefix.length + end - start)
  return framed
}

function places(offsets: Int32Array, words: Range, windows: readonly Range[], prefixLength: number) {
  const window = new Int32Array(words.end - words.start)
  const piece = new Int32Array(words.end - words.start)
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

function encodeDocument({ text, tokens }: Document, known: ReadonlyMap<string, Int32Array>): DocumentPieces {
  const words = tokens!.map(({ start, end }) => known.get(text.slice(start, end))!)
  const offsets = new Int32Array(words.length + 1)
  for (let i = 0; i < words.length; i++) offsets[i + 1] = offsets[i]! + words[i]!.length
  const pieces = new Int32Array(offsets[words.length]!)
  let next = 0
  // Most words have one or two pieces: `pieces.set` would cost more than the copy.
  for (const word of words) for (let i = 0; i < word.length; i++) pieces[next++] = word[i]!
  return { pieces, offsets }
}

function* wordsOf(documents: readonly Document[]): Generator<string> {
  for (const { text, tokens } of documents) for (const { start, end } of tokens!) yield text.slice(start, end)
}
