import { setImmediate } from 'node:timers/promises'
import type { Span } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import type { FunctionKind, FunctionSpec, SpecOf } from './config.js'
import { documentRule } from './document-rules.js'
import { openModel } from './model.js'
import { openModule } from './module.js'
import type { NamedFunction, Prepared } from './prepare.js'
import { type Search, sharedSearch } from './search.js'
import type { SpanSource } from './source.js'

/** A source, and the sources above it whose layers it reads. */
export interface OpenedSource extends SpanSource {
  readonly reads: readonly string[]
}

/** What each kind makes of a function: how it finds spans, and what it has to close. */
export type Finder = Pick<SpanSource, 'find'> & Partial<Pick<SpanSource, 'close'>>

/** What functions share. */
interface Shared {
  readonly search: Search
}

type Opener<Spec> = (spec: Spec, source: NamedFunction, shared: Shared) => Finder | Promise<Finder>

const searched: Opener<FunctionSpec> = (_, { index }, { search }) => ({
  find: (documents, signal) => findEach(documents, signal, (document) => search.spansIn(document)[index]!),
})

const openers: { readonly [Kind in FunctionKind]: Opener<SpecOf<Kind>> } = {
  knowledge_base: searched,
  regex: searched,
  token_patterns: searched,
  document: (spec, { reads }, { search }) => ({
    find: (documents, signal) =>
      findEach(documents, signal, (document) =>
        documentRule(
          search.wordsOf(document),
          reads.map((name) => document.layers[name] ?? []),
          spec,
        ),
      ),
  }),
  model: (spec) => openModel(spec),
  module: (spec, { name }) => openModule(name, spec),
}

/**
 * Opens the functions of a configuration as sources, in their order. Lists and patterns are searched for together.
 *
 * @throws NerError `weak/function-failed` where a module cannot be loaded; `model/*`, `runtime/*` of a model
 */
export async function openSources(prepared: Prepared): Promise<OpenedSource[]> {
  const shared: Shared = { search: sharedSearch(prepared) }
  const opened: OpenedSource[] = []
  try {
    for (const source of prepared.functions) {
      const { name, labels, version, reads, spec } = source
      const finder = await (openers[spec.kind] as Opener<FunctionSpec>)(spec, source, shared)
      opened.push({ name, labels, version, reads, find: finder.find, close: once(finder.close) })
    }
  } catch (error) {
    await Promise.allSettled(opened.map((source) => source.close()))
    throw error
  }
  return opened
}

function once(close: () => Promise<void> = () => Promise.resolve()): () => Promise<void> {
  let closed: Promise<void> | undefined
  return () => (closed ??= close())
}

/** Other work, and an abort, wait no longer than this for a search, in milliseconds. */
const slice = 10

async function findEach(
  documents: readonly SegmentedDocument[],
  signal: AbortSignal | undefined,
  find: (document: SegmentedDocument) => readonly Span[],
): Promise<(readonly Span[])[]> {
  const found: (readonly Span[])[] = []
  signal?.throwIfAborted()
  let began = performance.now()
  for (const document of documents) {
    if (performance.now() - began > slice) {
      await setImmediate()
      signal?.throwIfAborted()
      began = performance.now()
    }
    found.push(find(document))
  }
  return found
}
