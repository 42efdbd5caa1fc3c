import { isStream } from '../io/target.js'
import { writeFileAtomically } from '../io/write.js'
import { NerError } from '../errors.js'
import { columnProblem } from './formats/conll-write.js'
import { inFile } from './file-unit.js'
import { goldLayer, type Document, type Span, type Token } from './document.js'
import type { Loss } from './losses.js'
import { readDocuments, type CorpusOptions, type Format } from './read.js'
import type { Scheme } from './schemes.js'
import { rejectInto, type Reject } from './source.js'
import { recordOf } from './formats/to-record.js'
import { findWords } from '../text/words.js'
import { fitToWords, writeDocuments, type WriteOptions } from './write.js'

export interface ConvertOptions extends Pick<WriteOptions, 'unit' | 'words'>, Omit<CorpusOptions, 'layer' | 'labels'> {
  readonly to: Format
  /** Of the tags that are written; that of the tags that were read, or IOB2, unless said. */
  readonly toScheme?: Scheme
}

export interface Conversion {
  readonly from: Format
  readonly to: Format
  readonly documents: number
  readonly spans: number
  /** What the file held and documents do not, then what documents hold and the new file does not. */
  readonly losses: readonly Loss[]
  /** Rows and spans that were left out. */
  readonly rejects: readonly Reject[]
  /** The new file's text. */
  readonly pieces: readonly string[]
}

/**
 * Turns a labelled file into another format. What the new one cannot hold is listed; a span that it cannot hold stops
 * the conversion, or, with `skipBad`, is among the rejects.
 *
 * @throws NerError what `readDocuments` throws; `data/misaligned-span` for spans that CoNLL cannot hold
 */
export async function convert(
  path: string,
  { to, toScheme, unit, words = findWords, ...reading }: ConvertOptions,
): Promise<Conversion> {
  const corpus = await readDocuments(path, { ...reading, labels: 'optional' })
  const rejects = [...corpus.rejects]
  const reject = rejectInto(rejects, reading.skipBad)
  const documents = to === 'conll' ? inColumns(corpus.documents, words, reject) : corpus.documents
  const scheme = toScheme ?? corpus.scheme
  const { pieces, losses } = writeDocuments(documents, to, { words, ...(scheme && { scheme }), ...(unit && { unit }) })
  const spans = documents.reduce((sum, { layers }) => sum + (layers[goldLayer]?.length ?? 0), 0)
  return {
    from: corpus.format,
    to,
    documents: documents.length,
    spans,
    losses: [...corpus.losses, ...losses],
    rejects,
    pieces,
  }
}

type Refuse = (error: NerError, raw: string) => void

/** The documents that columns can hold, with the spans that they can hold. */
function inColumns(
  documents: readonly Document[],
  words: NonNullable<WriteOptions['words']>,
  reject: Refuse,
): Document[] {
  const labelled = documents.some(({ layers }) => layers[goldLayer])
  return documents.flatMap((document) => {
    const withWords = { ...document, tokens: document.tokens ?? words(document.text) }
    const problem = withWords.tokens.length > 0 ? columnProblem(withWords, goldLayer) : undefined
    const bare = labelled && !document.layers[goldLayer]
    if (problem === undefined && !bare) return [withoutUnfit(withWords, reject)]
    reject(problem ?? noLabels(document.id), JSON.stringify(recordOf(document)))
    return []
  })
}

const noLabels = (id: string) =>
  new NerError('data/bad-row', 'The document has no labels, and others do.', {
    where: id,
    mend: 'Label it, write another format, or leave it out with `skip-bad`.',
  })

function withoutUnfit(document: Document & { readonly tokens: readonly Token[] }, reject: Refuse): Document {
  const fitted = fitToWords(document, goldLayer)
  for (const { span, why } of fitted.unfit) {
    const error = new NerError('data/misaligned-span', `A span ${why}, which CoNLL cannot say.`, {
      where: placeOf(document, span),
      mend: 'Correct it, as ner data validate can, write another format, or leave such spans out with `skip-bad`.',
    })
    reject(error, JSON.stringify({ id: document.id, ...span }))
  }
  return fitted.document
}

/** Where a span is, for people: its document, its words, and its offsets as its file counts them. */
export function placeOf(document: Document, { start, end, label }: Span): string {
  const at = inFile(document)
  return `${document.id}, ${label} “${document.text.slice(start, end)}” at ${at(start)}–${at(end)}`
}

/**
 * Refuses to leave out what is bad where nothing can be written beside the output: it is a pipe, or a terminal, or none.
 *
 * @throws NerError `usage/bad-option`
 */
export function requirePlaceForRejects(output: string | undefined): void {
  if (output !== undefined && !isStream(output)) return
  throw new NerError('usage/bad-option', 'What `skip-bad` leaves out is written beside the output, which is no file.', {
    ...(output !== undefined && { where: output }),
    mend: 'Name the output with `out`, a file.',
  })
}

/** Writes what was left out beside an output, a JSON object a line; returns its path, or undefined where nothing was. */
export function writeRejects(output: string, rejects: readonly Reject[]): string | undefined {
  if (rejects.length === 0) return undefined
  const path = `${output}.rejects.jsonl`
  writeFileAtomically(path, rejects.map((reject) => `${JSON.stringify(reject)}\n`).join(''))
  return path
}
