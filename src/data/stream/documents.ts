import { goldLayer } from '../document.js'
import { firstRows } from '../formats/records.js'
import { isObject } from '../json.js'
import { linesOf } from '../../io/lines.js'
import { tellReading } from '../notes.js'
import type { OffsetUnit } from '../offsets.js'
import type { Reject } from '../source.js'
import { partsOf, readPart, type Before, type Cursor, type Part } from '../parts.js'
import { isUnlabelled, noDocuments, type Content, type CorpusOptions, type Format } from '../read.js'

export interface StreamOptions extends Omit<CorpusOptions, 'labels'> {
  /** Where an earlier reading of the same file stopped. */
  readonly from?: Cursor
}

/** Some of a file's documents, one after the other. */
export interface DocumentBatch extends Content {
  readonly format: Format
  /** Where reading goes on after them: `from` of another stream. */
  readonly after: Cursor
}

/**
 * Labelled documents of a file of any format, as `readDocuments` reads them without asking for labels, some hundred
 * kilobytes at a time: memory does not grow with the file. Columns of up to 16 MiB, and formats with one list of all
 * documents, which may have 1 GiB, are one batch; longer columns have the scheme of their first 16 MiB.
 *
 * @throws NerError as `readDocuments`
 */
export async function* streamDocuments(path: string, options: StreamOptions = {}): AsyncGenerator<DocumentBatch> {
  const { format, from, ...reading } = options
  const named = format === undefined || format === 'auto' ? {} : { format }
  const scheme = reading.scheme && { scheme: reading.scheme }
  const labels = labelsSeen(path, options)
  let pending: Part | undefined
  let documents = from?.before.documents ?? 0
  const left: Reject[] = []
  // Words of one part may tell what offsets count in all that follow.
  let unit: OffsetUnit | undefined
  const read = (part: Part, next: Before): DocumentBatch => {
    const { format = 'conll', ...content } = readPart(
      { ...part, before: { ...part.before, documents } },
      { ...reading, ...(unit && { offsetUnit: unit }) },
    )
    unit ??= content.unit
    // Columns are told of when their kind is.
    for (const note of part.kind.format === 'doccano' ? (content.notes ?? []) : []) tellReading({ file: path, note })
    documents += content.documents.length
    if (documents === 0) left.push(...content.rejects)
    labels.look(content, part)
    return { ...content, format, after: { kind: part.kind, before: { ...next, documents } } }
  }
  for await (const part of partsOf(path, { ...named, ...scheme, ...(from && { from }), isLabelled: true })) {
    if (pending) yield read(pending, part.before)
    pending = part
  }
  if (pending) yield read(pending, endOf(pending))
  if (documents === 0) throw noDocuments(path, left)
  labels.tell()
}

/** Where a file's last part ends. */
const endOf = ({ before, bytes }: Part): Before => ({ ...before, bytes: before.bytes + bytes.length })

/** Tells of a file without labels when all of it is read. */
function labelsSeen(path: string, { layer = goldLayer }: StreamOptions) {
  let isBare = true
  let keys: readonly string[] | undefined
  return {
    look({ documents }: Content, { bytes, kind }: Part): void {
      if (!isBare) return
      isBare = kind.format !== 'conll' && kind.named !== 'conll' && isUnlabelled(documents, layer)
      if (!isBare || keys) return
      const rows = firstRows({ name: path, base: path, lines: linesOf(bytes, path) }).filter(isObject)
      keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    },
    tell(): void {
      if (!isBare) return
      const seen = keys === undefined || keys.length === 0 ? '' : `; records have the keys ${keys.join(', ')}`
      tellReading({ file: path, note: `no document has labels${seen}` })
    },
  }
}
