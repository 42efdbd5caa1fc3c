import type { Document } from './document.js'
import { offsetsOf, type OffsetUnit } from './offsets.js'

/*
 * What a document's offsets counted in the file that it was read from. Inside they are UTF-16; who reads a message looks at
 * the file.
 */

const unitsInFiles = new WeakMap<Document, OffsetUnit>()

export function rememberUnit(document: Document, unit: OffsetUnit): Document {
  unitsInFiles.set(document, unit)
  return document
}

/** The unit of a document's file; code points where the file does not say, or has no offsets. */
export const unitOf = (document: Document): OffsetUnit => unitsInFiles.get(document) ?? 'code_point'

/** Turns UTF-16 offsets into those that a document's file would have. */
export const inFile = (document: Document): ((offset: number) => number) =>
  offsetsOf(document.text, unitOf(document)).fromUtf16
