import { alignSpans, spansFromWords } from './align.js'
import { joinWords } from './formats/columns/join.js'
import { formatConll } from './formats/conll-write.js'
import { formatDoccano } from './formats/doccano.js'
import { goldLayer, type Document, type Span, type Token } from './document.js'
import { formatJsonl } from './formats/jsonl.js'
import { formatLabelStudio } from './formats/label-studio.js'
import { tally, type Lose, type Loss } from './losses.js'
import type { OffsetUnit } from './offsets.js'
import type { Format } from './read.js'
import type { Scheme } from './schemes.js'
import { formatSpacy } from './formats/spacy.js'
import { findWords } from '../text/words.js'

export interface WriteOptions {
  /** The layer that is written as the file's labels; `gold` unless said. */
  readonly layer?: string
  /** Of CoNLL tags; IOB2 unless said. */
  readonly scheme?: Scheme
  /** What JSONL's offsets count, code points unless said. The annotation tools and spaCy count nothing else. */
  readonly unit?: OffsetUnit
  /** Finds the words of a text that comes without, which CoNLL needs; by our rules unless said. */
  readonly words?: (text: string) => readonly Token[]
}

type Writer = (
  documents: readonly Document[],
  options: Required<WriteOptions> & { readonly lose: Lose },
) => Iterable<string>

const writers: Record<Format, Writer> = {
  conll: writeConll,
  jsonl: formatJsonl,
  doccano: formatDoccano,
  'label-studio': formatLabelStudio,
  spacy: formatSpacy,
}

export interface Written {
  /** The file's text, in pieces. */
  readonly pieces: readonly string[]
  /** What documents hold and the file does not. */
  readonly losses: readonly Loss[]
}

/**
 * Documents in a format, with a list of what it cannot hold. Spans are never lost: CoNLL takes only runs of whole words
 * of one sentence that do not overlap, and throws `data/misaligned-span` for others (see `fitToWords`), `data/bad-row`
 * for words that cannot stand in a column.
 */
export function writeDocuments(documents: readonly Document[], format: Format, options: WriteOptions = {}): Written {
  const { lose, losses } = tally()
  const { layer = goldLayer, scheme = 'IOB2', unit = 'code_point', words = findWords } = options
  const pieces = [...writers[format](documents, { layer, scheme, unit, words, lose })]
  // A mark at the very start would be taken for the file's byte-order mark, and be lost.
  if (pieces[0]?.startsWith('\uFEFF') === true) pieces.unshift('\uFEFF')
  return { pieces, losses: losses() }
}

function writeConll(
  documents: readonly Document[],
  { layer, scheme, words, lose }: Required<WriteOptions> & { readonly lose: Lose },
): Iterable<string> {
  const withWords = documents.flatMap((document, n) => {
    const { id, text, tokens = words(text), layers, soft, annotator, fields = {}, sentences } = document
    const { [layer]: spans, ...others } = layers
    if (tokens.length === 0) {
      lose('texts without a word', id)
      return []
    }
    // What reading would call it is no loss.
    if (!id.endsWith(`:${n + 1}`)) lose('“id”', id)
    if (annotator !== undefined) lose('“annotator”', id)
    if (soft) lose('“soft_tags”', id)
    if (Object.keys(others).length > 0) lose('“layers”', id)
    for (const key of Object.keys(fields)) lose(`“${key}”`, id)
    for (const { score } of spans ?? []) if (score !== undefined) lose('scores of spans', id)
    if (text !== spaced(text, tokens, sentences)) lose('the spacing of texts', id)
    return [{ ...document, tokens }]
  })
  return formatConll(withWords, { layer, scheme })
}

/** The text that is read back from columns: words with what stands between them there, sentences on lines. */
function spaced(text: string, tokens: readonly Token[], sentences: Document['sentences']): string {
  const words = tokens.map(({ start, end }) => text.slice(start, end))
  return (sentences ?? [{ start: 0, end: words.length }])
    .map(({ start, end }) => joinWords(words.slice(start, end)))
    .join('\n')
}

/** A document whose spans are runs of words, and the spans that are not. */
export interface Fitted {
  readonly document: Document
  readonly unfit: readonly { readonly span: Span; readonly why: string }[]
}

/** Leaves out the spans that columns cannot hold. */
export function fitToWords(document: Document & { readonly tokens: readonly Token[] }, layer: string): Fitted {
  const { tokens, sentences, layers } = document
  const spans = layers[layer]
  if (!spans) return { document, unfit: [] }
  const { words: runs, misaligned, overlapping, empty } = alignSpans(spans, tokens)
  const crosses = ({ start, end }: Token) =>
    sentences?.some((sentence) => start < sentence.end && sentence.end < end) === true
  const because = (why: string) => (span: Span) => ({ span, why })
  const unfit = [
    ...misaligned.map(because('cuts a word')),
    ...overlapping.map(because('overlaps another')),
    ...empty.map(because('holds no word')),
    ...spansFromWords(runs.filter(crosses), tokens).map(because('crosses the end of a sentence')),
  ]
  if (unfit.length === 0) return { document, unfit }
  const kept = spansFromWords(
    runs.filter((run) => !crosses(run)),
    tokens,
  )
  return { document: { ...document, layers: { ...layers, [layer]: kept } }, unfit }
}
