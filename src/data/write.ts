import { alignSpans, spansFromWords } from './align.js'
import { joinWords } from './formats/columns/join.js'
import { formatConll } from './formats/conll-write.js'
import { formatDoccano } from './formats/doccano.js'
import { goldLayer, type Document, type Span, type Token } from './document.js'
import { formatJsonl } from './formats/jsonl.js'
import { formatLabelStudio } from './formats/label-studio.js'
import { jsonListWriter } from './json.js'
import { tally, type Lose, type Loss } from './losses.js'
import type { OffsetUnit } from './offsets.js'
import type { Format } from './read.js'
import type { Scheme } from './schemes.js'
import { tuples } from './formats/spacy.js'
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

/** Writes documents as they come, in pieces of text. */
export interface DocumentWriter {
  write(documents: readonly Document[]): Iterable<string>
  /** What comes after the last of them. */
  end(): Iterable<string>
  /** What documents held that was not written. */
  losses(): readonly Loss[]
}

export interface WriterOptions extends WriteOptions {
  /** Whether columns have a -DOCSTART- row before each document; where any of those that are written at once has sentences. */
  readonly withStarts?: boolean
}

/** What a format's writer is given. */
interface Writing extends Required<WriteOptions> {
  readonly withStarts?: boolean
  readonly lose: Lose
}

type MakeWriter = (options: Writing) => Omit<DocumentWriter, 'losses'>

const nothing = () => []

const writers: Record<Format, MakeWriter> = {
  conll: columnsWriter,
  jsonl: (options) => ({ write: (documents) => formatJsonl(documents, options), end: nothing }),
  doccano: (options) => ({ write: (documents) => formatDoccano(documents, options), end: nothing }),
  'label-studio': (options) => {
    // Copies by several people are one task, wherever they stand.
    const all: Document[] = []
    return { write: (documents) => (all.push(...documents), []), end: () => formatLabelStudio(all, options) }
  },
  spacy: (options) => {
    const list = jsonListWriter()
    return { write: (documents) => list.write(tuples(documents, options)), end: list.end }
  },
}

/**
 * Makes a writer of a format. Nothing of what it has written is kept, but for Label Studio's, which is written at the end.
 * Throws as {@link writeDocuments}.
 */
export function documentWriter(format: Format, options: WriterOptions = {}): DocumentWriter {
  const { lose, losses } = tally()
  const { layer = goldLayer, scheme = 'IOB2', unit = 'code_point', words = findWords, withStarts } = options
  const writing = { layer, scheme, unit, words, lose, ...(withStarts !== undefined && { withStarts }) }
  const { write, end } = writers[format](writing)
  let isStart = true
  return {
    *write(documents) {
      for (const piece of write(documents)) {
        // A mark at the very start would be taken for the file's byte-order mark, and be lost.
        yield isStart && piece.startsWith('\uFEFF') ? `\uFEFF${piece}` : piece
        isStart = false
      }
    },
    end,
    losses,
  }
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
  const writer = documentWriter(format, options)
  return { pieces: [...writer.write(documents), ...writer.end()], losses: writer.losses() }
}

function columnsWriter({ layer, scheme, words, lose, withStarts }: Writing): ReturnType<MakeWriter> {
  let before = 0
  return {
    write(documents) {
      const first = before
      before += documents.length
      const withWords = documents.flatMap((document, n) => {
        const { id, text, tokens = words(text), layers, soft, annotator, fields = {}, sentences } = document
        const { [layer]: spans, ...others } = layers
        if (tokens.length === 0) {
          lose('texts without a word', id)
          return []
        }
        // What reading would call it is no loss.
        if (!id.endsWith(`:${first + n + 1}`)) lose('“id”', id)
        if (annotator !== undefined) lose('“annotator”', id)
        if (soft) lose('“soft_tags”', id)
        if (Object.keys(others).length > 0) lose('“layers”', id)
        for (const key of Object.keys(fields)) lose(`“${key}”`, id)
        for (const { score } of spans ?? []) if (score !== undefined) lose('scores of spans', id)
        if (text !== spaced(text, tokens, sentences)) lose('the spacing of texts', id)
        return [{ ...document, tokens }]
      })
      return formatConll(withWords, { layer, scheme, ...(withStarts !== undefined && { withStarts }) })
    },
    end: nothing,
  }
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
