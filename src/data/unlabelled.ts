import { basename } from 'node:path'
import { areColumns } from './formats/conll.js'
import type { Document } from './document.js'
import { isJson, parseDocuments } from './read.js'
import { baseOf } from './source.js'
import { linesOf } from '../io/lines.js'
import { NerError } from '../errors.js'
import { readWhole } from '../io/open.js'

/** Text that nobody has labelled, for a model to. */
export interface Unlabelled {
  readonly file: string
  readonly documents: readonly Document[]
  /** SHA-256 of the file's bytes. */
  readonly hash: string
}

/**
 * Reads text without labels: a text on each line, or any form of labelled data, whose labels are dropped.
 *
 * @throws NerError `file/unreadable`, `data/empty`, and what `readDocuments` throws
 */
export async function readUnlabelled(path: string): Promise<Unlabelled> {
  const { bytes: content, hash } = await readWhole(path)
  const documents = isPlain(content, path)
    ? plainDocuments(content, path)
    : parseDocuments(content, path, { labels: 'optional' }).documents
  if (documents.every(({ text }) => text.trim() === '')) {
    throw new NerError('data/empty', 'The file of unlabelled text is empty.', {
      where: path,
      mend: 'Give a text on each line, or JSONL with a “text” in each record.',
    })
  }
  return {
    file: basename(path),
    documents: documents.map(({ id, text, tokens, sentences }) => ({
      id,
      text,
      ...(tokens && { tokens }),
      ...(sentences && { sentences }),
      layers: {},
    })),
    hash,
  }
}

/** How a run's lineage names it; nothing where there is none. */
export const lineageOf = (files: readonly Unlabelled[]) =>
  files.length === 0 ? {} : { unlabelled: files.map(({ file, hash: sha256 }) => ({ file, sha256 })) }

/** Lines looked at to tell text from data. */
const lookedAt = 20

/** Neither JSON nor columns. */
function isPlain(bytes: Uint8Array, path: string): boolean {
  const lines: string[] = []
  for (const line of linesOf(bytes, path)) {
    if (line.trim() !== '') lines.push(line.trim())
    if (lines.length === lookedAt) break
  }
  return !isJson(lines[0] ?? '') && !areColumns(lines)
}

function plainDocuments(bytes: Uint8Array, path: string): Document[] {
  const base = baseOf(path)
  const documents: Document[] = []
  for (const line of linesOf(bytes, path)) {
    const text = line.trim()
    if (text !== '') documents.push({ id: `${base}:${documents.length + 1}`, text, layers: {} })
  }
  return documents
}
