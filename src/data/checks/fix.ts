import { goldLayer, type Document, type Span } from '../document.js'
import type { Reject } from '../source.js'
import type { Finding, Fix } from './finding.js'
import type { ValidatedFile } from './validate.js'

export interface FixedFile {
  readonly documents: readonly Document[]
  readonly applied: readonly Finding[]
  /** Rows and spans that could not be read, and are in none of the documents. */
  readonly rejects: readonly Reject[]
}

/** `tags`: those of tags alone, so that a file has the documents and spans that published figures are of. */
export type FixKind = 'all' | 'tags'

export const fixKinds: readonly FixKind[] = ['all', 'tags']

/** Whether a finding is mended. */
export const isMended = ({ kind, fix }: Finding, fixes: FixKind): boolean =>
  fix !== undefined && (fixes === 'all' || kind === 'scheme')

/** Applies the safe mends: they change no label that anyone could have meant. */
export function applyFixes({ corpus, findings }: ValidatedFile, fixes: FixKind = 'all'): FixedFile {
  const applied = findings.filter((finding) => isMended(finding, fixes))
  const dropped = new Set<Document>()
  const mends = new Map<Document, Map<Span, Span | null>>()
  for (const { fix } of applied as readonly { readonly fix: Fix }[]) {
    if (fix.kind === 'drop') dropped.add(fix.document)
    if (fix.kind !== 'span') continue
    const spans = mends.get(fix.document) ?? new Map<Span, Span | null>()
    mends.set(fix.document, spans.set(fix.span, fix.by))
  }
  const documents = corpus.documents
    .filter((document) => !dropped.has(document))
    .map((document) => withMends(document, mends.get(document)))
  const unread = findings.filter(({ kind, fix }) => kind === 'offset' && fix === undefined)
  return {
    documents,
    applied,
    rejects: [...corpus.rejects, ...unread.map(({ where = '', what, mend }) => ({ where, what, mend, raw: '' }))],
  }
}

function withMends(document: Document, mends: ReadonlyMap<Span, Span | null> | undefined): Document {
  if (!mends) return document
  const spans = document.layers[goldLayer]!.flatMap((span) => mends.get(span) ?? (mends.has(span) ? [] : [span]))
  return { ...document, layers: { ...document.layers, [goldLayer]: spans } }
}
