import type { Document, Span } from '../data/document.js'
import { segment, type SegmentedDocument } from '../data/segment.js'
import { NerError } from '../errors.js'
import type { OpenedSource } from './open.js'

export interface LabellerOptions {
  /** Told of a source that failed on a document, which then has no layer of it; without it that is an error. */
  readonly onFailure?: (failure: NerError, name: string) => void
}

/**
 * Adds a layer for each source to documents; a document keeps the layers it has. The answer depends on the document and
 * the sources alone.
 */
export type Labeller = (documents: readonly Document[], signal?: AbortSignal) => Promise<Document[]>

/** Labelling throws what a source throws, `weak/function-failed` of a user's module; the signal's reason where it is aborted. */
export function labeller(sources: readonly OpenedSource[], { onFailure }: LabellerOptions = {}): Labeller {
  const label = async (documents: readonly Document[], signal: AbortSignal | undefined): Promise<Document[]> => {
    const segmented = documents.map(segment)
    const layers = documents.map((): Record<string, readonly Span[]> => ({}))
    for (const source of sources) {
      const seen =
        source.reads.length === 0 ? segmented : segmented.map((document, i) => withLayers(document, source, layers[i]!))
      const found = onFailure ? await findOneByOne(source, seen, onFailure) : await source.find(seen, signal)
      for (const [i, spans] of found.entries()) if (spans) layers[i]![source.name] = spans
    }
    return documents.map((document, i) => ({ ...document, layers: { ...document.layers, ...layers[i]! } }))
  }
  return async (documents, signal) => {
    const labelled: Document[] = []
    for (let start = 0; start < documents.length; start += atOnce)
      labelled.push(...(await label(documents.slice(start, start + atOnce), signal)))
    return labelled
  }
}

/** Documents whose words are held at once. More would be a burden on the garbage collector. */
const atOnce = 32

/** The document with the layers that a source reads. */
const withLayers = (
  document: SegmentedDocument,
  { reads }: OpenedSource,
  layers: Readonly<Record<string, readonly Span[]>>,
): SegmentedDocument => ({ ...document, layers: Object.fromEntries(reads.map((name) => [name, layers[name] ?? []])) })

/** The spans of each document; undefined where the source failed on it. */
async function findOneByOne(
  source: OpenedSource,
  documents: readonly SegmentedDocument[],
  onFailure: NonNullable<LabellerOptions['onFailure']>,
): Promise<(readonly Span[] | undefined)[]> {
  const found: (readonly Span[] | undefined)[] = []
  for (const document of documents) {
    try {
      found.push((await source.find([document]))[0])
    } catch (error) {
      if (!(error instanceof NerError)) throw error
      onFailure(error, source.name)
      found.push(undefined)
    }
  }
  return found
}
