import type { Document } from '../data/document.js'

/** A step after entities were found: it changes the layer `entities` of documents, or their text's form, never offsets. */
export interface Stage {
  readonly name: string
  /** A hash of all that its answers depend on beside the documents: settings, files, the code's own format. */
  readonly version: string
  /**
   * The documents, in their order, with what the stage adds. A document's answer depends on that document alone.
   *
   * @throws NerError where the stage fails; the signal's reason where it is aborted
   */
  apply(documents: readonly Document[], signal?: AbortSignal): Promise<Document[]>
}
