import type { Document } from '../document.js'
import type { Finding } from './finding.js'
import { similarPairs } from './similar.js'

/** A file's documents, as they are checked. */
export interface CheckedFile {
  readonly path: string
  readonly documents: readonly Document[]
}

interface Place {
  readonly file: number
  readonly document: Document
}

/** Texts are the same whatever their white space. */
export const textKey = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** What a document labels, in whatever order. */
const labelsKey = ({ text, layers }: Document, layer: string) =>
  (layers[layer] ?? [])
    .map(
      ({ start, end, label }) =>
        `${text.slice(0, start).replace(/\s+/g, '').length} ${text.slice(start, end)} ${label}`,
    )
    .sort()
    .join('\n')

/**
 * Texts that are there more than once, exactly or nearly: within a file duplicates, across files leaks, such as from the
 * training set into the test set. What two people labelled is no duplicate. Linear in the texts.
 */
export function repeatedTexts(files: readonly CheckedFile[], layer: string): Finding[] {
  const findings: Finding[] = []
  /** The first of each text in each file, by text. */
  const firsts = new Map<string, Map<string, Place>>()
  const distinct: Place[] = []
  for (const [file, { documents }] of files.entries()) {
    for (const document of documents) {
      const key = textKey(document.text)
      if (key === '') continue
      const known = firsts.get(key) ?? new Map<string, Place>()
      firsts.set(key, known)
      const here = `${file} ${document.annotator ?? ''}`
      const same = known.get(here)
      const elsewhere = [...known.values()].find((place) => place.file !== file)
      if (same) findings.push(duplicate(files, { file, document }, same, layer))
      else {
        if (elsewhere) findings.push(leak(files, { file, document }, elsewhere))
        if (![...known.values()].some((place) => place.file === file)) distinct.push({ file, document })
        known.set(here, { file, document })
      }
    }
  }
  return [...findings, ...nearlyRepeated(files, distinct)]
}

const placeIn = (files: readonly CheckedFile[], { file, document }: Place) => ({
  file: files[file]!.path,
  document: document.id,
})

const named = (files: readonly CheckedFile[], { file, document }: Place) => `${document.id} of ${files[file]!.path}`

function duplicate(files: readonly CheckedFile[], later: Place, earlier: Place, layer: string): Finding {
  const place = placeIn(files, later)
  if (labelsKey(later.document, layer) === labelsKey(earlier.document, layer)) {
    const what = `The same text with the same labels is ${earlier.document.id}.`
    return { ...place, kind: 'duplicate', what, mend: 'Remove one.', fix: { kind: 'drop', document: later.document } }
  }
  const what = `The same text has other labels in ${earlier.document.id}.`
  return { ...place, kind: 'conflict', what, mend: 'Decide which labels are right, and remove the other.' }
}

function leak(files: readonly CheckedFile[], later: Place, earlier: Place): Finding {
  const what = `The same text is ${named(files, earlier)}.`
  return { ...placeIn(files, later), kind: 'leak', what, mend: apart }
}

const apart = 'Remove it from one of the files; ner data split keeps such texts together.'

function nearlyRepeated(files: readonly CheckedFile[], distinct: readonly Place[]): Finding[] {
  const pairs = similarPairs(
    distinct.map(({ document }) => document.text),
    distinct.map(({ file }) => file),
  )
  return pairs.flatMap(({ earlier: first, later: second, similarity }) => {
    const [earlier, later] = [distinct[first]!, distinct[second]!]
    if (textKey(earlier.document.text) === textKey(later.document.text)) return []
    const within = earlier.file === later.file
    return [
      {
        ...placeIn(files, later),
        kind: within ? ('near duplicate' as const) : ('near leak' as const),
        what: `${Math.round(100 * similarity)} % of it is also ${named(files, earlier)}.`,
        mend: within ? 'Look whether both are wanted.' : apart,
      },
    ]
  })
}
