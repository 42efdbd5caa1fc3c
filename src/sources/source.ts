import type { Span } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'

/** The label of a span that says "not an entity". */
export const sentinelLabel = 'O'

/** Whatever finds spans: a model, a list, patterns, a rule, a user's module. */
export interface SpanSource {
  /** The layer that its spans belong to. */
  readonly name: string
  /** What its spans may be labelled, `O` ("not an entity") among them where it says that, too. */
  readonly labels: readonly string[]
  /** A hash of all that an answer depends on beside the document: settings, bytes of files, the code's own format. */
  readonly version: string
  /**
   * The spans of each document, in the order of the text. An answer depends on the document alone, not on those beside it.
   *
   * @throws NerError where the source fails; the signal's reason where it is aborted
   */
  find(documents: readonly SegmentedDocument[], signal?: AbortSignal): Promise<readonly (readonly Span[])[]>
  /** Ends threads and sessions. To close twice is to close once. */
  close(): Promise<void>
}
