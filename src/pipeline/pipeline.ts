import type { Document, Span } from '../data/document.js'
import { hashBytes } from '../io/hash.js'
import { labeller } from '../sources/labeller.js'
import type { OpenedSource } from '../sources/open.js'
import { type Policies, resolve } from './resolve.js'
import type { Stage } from './stage.js'

/** What finds entities, decides between those who found them, and works on what was found. */
export interface Pipeline {
  /** A hash of all that an answer depends on beside the document. */
  readonly version: string
  /** What its sources may label. */
  readonly labels: readonly string[]
  /**
   * The documents with the layers of all sources, and the answer in the layer `entities`.
   *
   * @throws NerError where a source or a stage fails; the signal's reason where it is aborted
   */
  run(documents: readonly Document[], signal?: AbortSignal): Promise<Document[]>
  /** Closes the sources. */
  close(): Promise<void>
}

export interface PipelineParts {
  /** In their order; one may read the layers of those before it. */
  readonly sources: readonly OpenedSource[]
  /** The layers that the answer is made of: those of sources, and those that documents come with. */
  readonly policies: Policies
  /** In the order in which they are applied. */
  readonly stages: readonly Stage[]
}

/** The layer of a pipeline's answer, which stages read and write. */
export const entityLayer = 'entities'

/** Raised where other spans are made of the same layers than before. */
const format = 1

export function createPipeline({ sources, policies, stages }: PipelineParts): Pipeline {
  const label = labeller(sources)
  const named = ({ name, version }: { readonly name: string; readonly version: string }) => [name, version]
  const depends = [format, sources.map(named), Object.entries(policies), stages.map(named)]
  return {
    version: hashBytes(Buffer.from(JSON.stringify(depends))).slice(0, 16),
    labels: [...new Set(sources.flatMap(({ labels }) => labels))],
    async run(documents, signal) {
      const labelled = sources.length === 0 ? documents : await label(documents, signal)
      let found = labelled.map((document) => withEntities(document, resolve(document.layers, policies)))
      for (const stage of stages) {
        signal?.throwIfAborted()
        found = await stage.apply(found, signal)
      }
      return found
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()))
    },
  }
}

/** A pipeline's answer on a document. */
export const entitiesOf = ({ layers }: Document): readonly Span[] => layers[entityLayer] ?? []

/** The document with another answer: what a stage returns. */
export const withEntities = (document: Document, spans: readonly Span[]): Document => ({
  ...document,
  layers: { ...document.layers, [entityLayer]: spans },
})
