import { statSync } from 'node:fs'
import { isStream } from '../io/target.js'
import { writeFileAtomically } from '../io/write.js'
import { NerError } from '../errors.js'
import { columnProblem } from './formats/conll-write.js'
import { inFile } from './file-unit.js'
import { goldLayer, type Document, type Span, type Token } from './document.js'
import type { Job } from '../job.js'
import { tally, type Loss } from './losses.js'
import type { CorpusOptions, Format } from './read.js'
import type { Scheme } from './schemes.js'
import { rejectInto, type Reject } from './source.js'
import { recordOf } from './formats/to-record.js'
import { findWords } from '../text/words.js'
import { snapSpans, type Snap } from './snap.js'
import { tellReading } from './notes.js'
import { streamDocuments, type DocumentBatch } from './stream/documents.js'
import { documentWriter, fitToWords, type DocumentWriter, type WriteOptions } from './write.js'

export interface ConvertOptions extends Pick<WriteOptions, 'unit' | 'words'>, Omit<CorpusOptions, 'layer' | 'labels'> {
  readonly to: Format
  /** Of the tags that are written; that of the tags that were read, or IOB2, unless said. */
  readonly toScheme?: Scheme
  /** Moves the ends of spans that cut a word; they stay where they are, unless said. */
  readonly snap?: Snap
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
}

/**
 * Turns a labelled file into another format, and yields the new one's text as it comes: memory does not grow with the file,
 * but where it is columns of up to 16 MiB, or either format has one list of all documents. What the new one cannot hold is
 * listed; a span that it cannot hold stops the conversion, or, with `skipBad`, is among the rejects.
 *
 * @throws NerError what `streamDocuments` throws; `data/misaligned-span` for spans that CoNLL cannot hold
 */
export async function* convert(
  path: string,
  { to, toScheme, snap, unit, words = findWords, ...reading }: ConvertOptions,
): Job<Conversion> {
  const rejects: Reject[] = []
  const reject = rejectInto(rejects, reading.skipBad)
  const kept = to === 'conll' && !isStored(path) ? await collected(streamDocuments(path, reading)) : undefined
  const batches = () => kept ?? streamDocuments(path, reading)
  const columns = to === 'conll' ? await surveyed(batches) : undefined
  const lost = tally()
  let writer: DocumentWriter | undefined
  let from: Format = 'conll'
  let [count, spans, moved] = [0, 0, 0]
  for await (const batch of batches()) {
    from = batch.format
    rejects.push(...batch.rejects)
    lost.add(batch.losses)
    const snapped = snap === undefined ? undefined : snapAll(batch.documents, { snap, words, reject })
    moved += snapped?.moved ?? 0
    const read = snapped?.documents ?? batch.documents
    const documents = columns ? inColumns(read, columns.isLabelled, words, reject) : read
    count += documents.length
    for (const { layers } of documents) spans += layers[goldLayer]?.length ?? 0
    const scheme = toScheme ?? batch.scheme
    const options = { words, ...(scheme && { scheme }), ...(unit && { unit }) }
    writer ??= documentWriter(to, { ...options, ...(columns && { withStarts: columns.withStarts }) })
    yield [...writer.write(documents)].join('')
  }
  if (writer) yield* writer.end()
  if (moved > 0)
    tellReading({ file: path, note: `${moved} ${moved === 1 ? 'span' : 'spans'} moved to the ends of words` })
  return { from, to, documents: count, spans, losses: [...lost.losses(), ...(writer?.losses() ?? [])], rejects }
}

/** What columns want to know of all documents before the first is written. */
interface Survey {
  /** Whether any has labels: then those without are bad. */
  readonly isLabelled: boolean
  /** Whether any has sentences. */
  readonly withStarts: boolean
}

/** Looks through a file, until both are known. */
async function surveyed(batches: () => Batches): Promise<Survey> {
  let [isLabelled, withStarts] = [false, false]
  try {
    for await (const { documents } of batches()) {
      isLabelled ||= documents.some(({ layers }) => layers[goldLayer])
      withStarts ||= documents.some(({ sentences }) => sentences)
      if (isLabelled && withStarts) break
    }
  } catch (error) {
    // Whoever reads the file for good meets it again.
    if (!(error instanceof NerError)) throw error
  }
  return { isLabelled, withStarts }
}

type Batches = AsyncIterable<DocumentBatch> | readonly DocumentBatch[]

/** Whether a file can be read twice: a pipe cannot, and is kept. */
const isStored = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() !== false

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

type Refuse = (error: NerError, raw: string) => void

interface Snapping {
  readonly snap: Snap
  readonly words: NonNullable<WriteOptions['words']>
  readonly reject: Refuse
}

/** Documents whose spans cut no word, and how many spans were moved for that. */
function snapAll(documents: readonly Document[], { snap, words, reject }: Snapping) {
  let moved = 0
  const snapped = documents.map((document) => {
    const done = snapSpans(document, document.tokens ?? words(document.text), goldLayer, snap)
    moved += done.moved
    for (const span of done.unfit) {
      const error = new NerError('data/misaligned-span', 'A span holds no whole word.', {
        where: placeOf(document, span),
        mend: 'Take `snap` expand, or leave such spans out with `skip-bad`.',
      })
      reject(error, JSON.stringify({ id: document.id, ...span }))
    }
    return done.document
  })
  return { documents: snapped, moved }
}

/** The documents that columns can hold, with the spans that they can hold. */
function inColumns(
  documents: readonly Document[],
  labelled: boolean,
  words: NonNullable<WriteOptions['words']>,
  reject: Refuse,
): Document[] {
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
