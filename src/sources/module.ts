import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Document, Span } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { SpecOf } from './config.js'
import { sentinelLabel } from './source.js'

/**
 * What a user's module exports: the spans that it votes for, of a document with its words and sentences; nothing where it
 * abstains. Offsets are UTF-16, half open: `document.text.slice(start, end)`.
 */
export type LabellingFunction = (
  document: SegmentedDocument,
) => Iterable<Span> | undefined | null | Promise<Iterable<Span> | undefined | null>

/**
 * Loads a function from a JavaScript or TypeScript module, and wraps it so that what it throws, and spans that are none,
 * are told by its name and the document's id.
 *
 * @throws NerError `weak/function-failed`
 */
export async function loadFunction(name: string, spec: SpecOf<'module'>) {
  const failed = (what: string, where: string, mend: string, cause?: unknown) =>
    new NerError('weak/function-failed', what, { where, mend, cause })
  const path = resolve(spec.file)
  let exported: Record<string, unknown>
  try {
    exported = await importModule(path)
  } catch (cause) {
    const what = `The module of ${name} cannot be loaded: ${messageOf(cause)}.`
    throw failed(what, spec.file, 'Import it by itself to see where it fails.', cause)
  }
  const found = exported[spec.export]
  if (typeof found !== 'function') {
    const names = Object.keys(exported)
    const meant = nearest(spec.export, names) ?? names[0]
    throw failed(
      `The module of ${name} exports no function ${spec.export}.`,
      spec.file,
      meant === undefined ? 'Write `export default function (document) { … }`.' : `It exports ${names.join(', ')}.`,
    )
  }
  const call = found as LabellingFunction
  const mayVote = new Set([...spec.labels, sentinelLabel])
  return async (document: SegmentedDocument): Promise<Span[]> => {
    let spans: Iterable<Span> | undefined | null
    try {
      spans = await call(document)
      return [...(spans ?? [])].map((span) => checked(span, document, mayVote))
    } catch (cause) {
      throw failed(
        `The function ${name} failed: ${messageOf(cause)}.`,
        `${spec.file}, document ${document.id}`,
        'Mend it, or go on without its votes on such documents with `keep-going`.',
        cause,
      )
    }
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')

async function importModule(path: string): Promise<Record<string, unknown>> {
  if (!/\.[cm]?tsx?$/.test(path)) return (await import(pathToFileURL(path).href)) as Record<string, unknown>
  // Node 20 runs no TypeScript itself.
  const { createJiti } = await import('jiti')
  return createJiti(import.meta.url, { interopDefault: false }).import(path)
}

function checked(span: Partial<Span>, { text }: Document, mayVote: ReadonlySet<string>): Span {
  const { start, end, label, score } = span
  const say = JSON.stringify(span)
  if (!Number.isInteger(start) || !Number.isInteger(end) || start! < 0 || end! > text.length || start! >= end!) {
    throw new Error(`it gave ${say}, which is no stretch of the text of ${text.length} UTF-16 units`)
  }
  if (label === undefined || !mayVote.has(label)) {
    throw new Error(`it gave ${say}, whose label is none of ${[...mayVote].join(', ')}`)
  }
  return { start: start!, end: end!, label, ...(score !== undefined && { score }) }
}
