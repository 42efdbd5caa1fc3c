import type { Document, Span } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { NerError } from '../errors.js'
import type { SpecOf } from './config.js'
import { documentLevel } from './document-rules.js'
import { gazetteerMatcher, wordNumbers } from '../gazetteer/matcher.js'
import { lexicon } from '../text/lexicon.js'
import { loadFunction } from './module.js'
import type { Prepared } from './prepare.js'
import { regexMatcher } from '../patterns/regex-matcher.js'
import { tokenMatcher } from '../patterns/token-matcher.js'
import { parseTokenPattern } from '../patterns/token-pattern.js'
import { lookUp } from '../data/words.js'

/** Finds the entities of documents with the model of a folder. */
export type Tag = (folder: string, documents: readonly Document[]) => Promise<readonly (readonly Span[])[]>

export interface LabellerOptions {
  /** Needed where a function is a model. */
  readonly tag?: Tag
  /** Told of a function that failed on a document, which then has no layer of it; without it that is an error. */
  readonly onFailure?: (failure: NerError, name: string) => void
}

/**
 * Adds a layer for each function to documents; a document keeps the layers it has. The answer depends on the document
 * and the configuration alone.
 */
export type Labeller = (documents: readonly Document[]) => Promise<Document[]>

/** Throws `weak/function-failed` where a function's module cannot be loaded; labelling throws it where one fails. */
export async function openLabeller(prepared: Prepared, { tag, onFailure }: LabellerOptions = {}): Promise<Labeller> {
  const { functions } = prepared
  const tokens = tokenMatcher(
    prepared.patterns.map(({ source, label, pattern, where }) => ({
      source,
      label,
      tokens: parseTokenPattern(pattern, where, prepared.lists),
    })),
  )
  const lexemeOf = lexicon(wordNumbers(prepared.gazetteer), tokens.words)
  const findNames = gazetteerMatcher(prepared.gazetteer)
  const findPatterns = regexMatcher(prepared.regexes)
  const modules = new Map<string, (document: SegmentedDocument) => Promise<Span[]>>()
  for (const { name, spec } of functions) if (spec.kind === 'module') modules.set(name, await loadFunction(name, spec))

  /** The spans of a user's function; undefined where it failed and that is to be passed over. */
  const call = async (name: string, document: SegmentedDocument): Promise<Span[] | undefined> => {
    try {
      return await modules.get(name)!(document)
    } catch (error) {
      if (!(error instanceof NerError) || !onFailure) throw error
      onFailure(error, name)
      return undefined
    }
  }

  const label = async (document: Document, tagged: ReadonlyMap<string, readonly Span[]>): Promise<Document> => {
    const words = lookUp(document, lexemeOf)
    const found: Span[][] = functions.map(() => [])
    findNames(words, found)
    findPatterns(words.text, found)
    tokens.find(words, found)
    const layers: Record<string, readonly Span[]> = {}
    for (const [source, { name, spec }] of functions.entries()) {
      const spans =
        spec.kind === 'document'
          ? documentLevel(words, sourcesOf(spec, layers), spec)
          : spec.kind === 'module'
            ? await call(name, words.segmented())
            : (tagged.get(name) ?? found[source]!)
      if (spans) layers[name] = spans
    }
    return { ...document, layers: { ...document.layers, ...layers } }
  }

  return async (documents) => {
    const tagged = documents.map(() => new Map<string, readonly Span[]>())
    for (const { name, spec } of functions) {
      if (spec.kind !== 'model') continue
      for (const [i, spans] of (await tag!(spec.folder, documents)).entries()) tagged[i]!.set(name, keptOf(spans, spec))
    }
    const labelled: Document[] = []
    for (const [i, document] of documents.entries()) labelled.push(await label(document, tagged[i]!))
    return labelled
  }
}

const sourcesOf = ({ sources }: SpecOf<'document'>, layers: Readonly<Record<string, readonly Span[]>>) =>
  (sources ?? Object.keys(layers)).map((name) => layers[name] ?? [])

/** A model's spans under our labels. */
const keptOf = (spans: readonly Span[], { types, min_score: least }: SpecOf<'model'>): Span[] =>
  spans.flatMap((span) => {
    const label = types ? types[span.label] : span.label
    return label === undefined || (span.score ?? 1) < least ? [] : [{ ...span, label }]
  })
