import type { Document, Span } from '../document.js'

/** What can be wrong with labelled data. An `error` keeps it from being trained on or scored as it is. */
export const kinds = {
  row: { severity: 'error', name: 'malformed rows' },
  offset: { severity: 'error', name: 'offsets that do not fit their text' },
  scheme: { severity: 'error', name: 'tags that break their scheme' },
  empty: { severity: 'error', name: 'empty spans' },
  misaligned: { severity: 'error', name: 'spans that cut a word' },
  overlapping: { severity: 'error', name: 'overlapping spans' },
  conflict: { severity: 'error', name: 'texts labelled twice, differently' },
  leak: { severity: 'error', name: 'texts in two files' },
  'near leak': { severity: 'warning', name: 'nearly the same text in two files' },
  duplicate: { severity: 'warning', name: 'texts given twice' },
  'near duplicate': { severity: 'warning', name: 'nearly the same text twice' },
  whitespace: { severity: 'warning', name: 'spans with white space at an end' },
  alike: { severity: 'warning', name: 'labels that are nearly the same' },
  rare: { severity: 'warning', name: 'rare labels' },
  inconsistent: { severity: 'warning', name: 'words labelled differently' },
} as const satisfies Record<string, { readonly severity: 'error' | 'warning'; readonly name: string }>

export type Kind = keyof typeof kinds

export interface Finding {
  readonly kind: Kind
  readonly file: string
  /** The document's id; absent where the whole file is meant. */
  readonly document?: string
  /** File and line, where known. */
  readonly where?: string
  /** Offsets into the document's text, as its file counts them. */
  readonly start?: number
  readonly end?: number
  readonly what: string
  readonly mend: string
  /** The mend, where it is safe to apply without looking. */
  readonly fix?: Fix
}

/** A span to be replaced, or removed where `by` is null; the document to be dropped; or what reading mended already. */
export type Fix =
  | { readonly kind: 'span'; readonly document: Document; readonly span: Span; readonly by: Span | null }
  | { readonly kind: 'drop'; readonly document: Document }
  | { readonly kind: 'read' }
