import { basename } from 'node:path'
import type { NerError } from '../errors.js'
import type { ChosenColumns, Layout } from './formats/columns/layout.js'
import type { OffsetUnit } from './offsets.js'
import type { Scheme } from './schemes.js'

/** What the ids of a file's documents begin with: its name, without the ending of its packing. */
export const baseOf = (path: string): string => basename(path).replace(/\.(gz|zst)$/, '')

/** A data file as it is read. */
export interface Source {
  /** The path as the user gave it, for messages. */
  readonly name: string
  /** What document ids begin with where the file gives none. */
  readonly base: string
  /** Lines without their ends; may be walked once. */
  readonly lines: Iterable<string>
  /** How much of the file came before, where it is read in parts. */
  readonly before?: { readonly lines: number; readonly documents: number }
}

export interface ReadOptions {
  /** The layer that the file's labels are read into; `gold` unless said. */
  readonly layer?: string
  /** The scheme of CoNLL tags; detected unless said. */
  readonly scheme?: Scheme
  /**
   * `required`, unless said: every document has spans in the layer. `soft`: spans or soft tags. `optional`: a file or
   * document without either is no error, and gets no layer.
   */
  readonly labels?: 'required' | 'soft' | 'optional'
  /** The columns of words and tags in rows of columns, counted from 1; told by what they hold unless said. */
  readonly columns?: ChosenColumns
  /** The columns that were told before, where a file is read in parts. */
  readonly layout?: Layout
  /** Collect what is malformed in `rejects` instead of stopping at the first. */
  readonly skipBad?: boolean
  /** What offsets count where the file does not say; code points unless said. */
  readonly offsetUnit?: OffsetUnit
  /**
   * Told of each span and tag that is wrong, instead of refusing the whole row: a span is left out, tags are read as the
   * conlleval script reads them, by the scheme that they are closest to.
   */
  readonly onProblem?: (problem: Problem) => void
}

/** A span or tag that is wrong, in a row that can be read without it. */
export interface Problem {
  /** `empty` spans say nothing, `offset`s do not fit their text, `scheme` is a tag that cannot stand where it does. */
  readonly kind: 'empty' | 'offset' | 'scheme'
  /** Absent where the whole file is meant. */
  readonly document?: string
  /** File and line. */
  readonly where: string
  /** UTF-16 offsets, of a tag's token. */
  readonly start?: number
  readonly end?: number
  readonly what: string
  readonly mend: string
}

/** A sentence or record that was left out. */
export interface Reject {
  /** File and line. */
  readonly where: string
  readonly what: string
  readonly mend?: string | undefined
  /** Its lines, to be written to a file and mended; a sentence may have lost its middle columns. */
  readonly raw: string
}

/** Where the bad rows of one file go: thrown, or collected if the user said so. */
export function rejectInto(rejects: Reject[], skipBad: boolean | undefined) {
  return (error: NerError, raw: string): void => {
    if (!skipBad) throw error
    rejects.push({ where: error.detail.where ?? '', what: error.what, mend: error.detail.mend, raw })
  }
}
