import { basename } from 'node:path'
import { type Document, goldLayer, type Span, type Token } from '../data/document.js'
import { NerError } from '../errors.js'
import type { Annotator } from './annotators.js'
import { areAlike, differentText, differentTokens } from './difference.js'
import { bySpan } from './pairing.js'

/** Finds the words and sentences of a document that comes without. */
export type Segment = (document: Document) => Document & { readonly tokens: readonly Token[] }

/** A text that two or more have labelled. */
export interface SharedDocument {
  /** With words and sentences. What each annotator labelled is in `spans`, not in its layers. */
  readonly document: ReturnType<Segment>
  /** By annotator: spans sorted, without white space at their ends; undefined of one who has not labelled the text. */
  readonly spans: readonly (readonly Span[] | undefined)[]
}

export interface SharedCorpus {
  readonly annotators: readonly string[]
  readonly documents: readonly SharedDocument[]
  /** By annotator: documents that nobody else has labelled. */
  readonly alone: readonly (readonly Document[])[]
}

/** One text, by everybody who has it. */
interface Entry {
  readonly text: string
  /** Whether the first file that has it gave it an id. */
  readonly isGiven: boolean
  /** By annotator. */
  readonly copies: (Document | undefined)[]
}

/**
 * Lays annotators' documents over each other: those of the same id and text, then those of the same text. Rows of one text
 * by one annotator are joined. An annotator who has ids in common with the others is not matched by text where
 * ids differ. Words and sentences are those of the first file that has them, or found by `segment`.
 *
 * @throws NerError `agreement/one-annotator`; `agreement/different-text`, `agreement/different-tokens` where one document
 *   has two texts or two tokenizations; `agreement/no-overlap`
 */
export function matchDocuments(annotators: readonly Annotator[], segment: Segment): SharedCorpus {
  if (annotators.length < 2) throw oneAnnotator(annotators)
  const entries: Entry[] = []
  const byKey = new Map<string, Entry>()
  const byText = new Map<string, Entry[]>()
  for (const [a, annotator] of annotators.entries()) {
    const isFree = ({ copies }: Entry) => copies[a] === undefined
    const named = joined(annotator.documents.map((document) => ({ document, ...nameOf(document, annotator.file) })))
    const sameId = ({ document, key, isGiven }: Named) => {
      const entry = byKey.get(key)
      return isGiven && entry?.text === document.text ? entry : undefined
    }
    const knowsIds = named.some(sameId)
    const sameText = ({ document, isGiven }: Named) =>
      byText.get(document.text)?.find((entry) => isFree(entry) && !(knowsIds && entry.isGiven && isGiven))
    /** Gives documents to the entries that are found, and returns the others. */
    const place = (documents: readonly Named[], find: (document: Named) => Entry | undefined) =>
      documents.filter((one) => {
        const entry = find(one)
        if (!entry || !isFree(entry)) return true
        entry.copies[a] = one.document
        return false
      })
    for (const { document, key, isGiven } of place(place(named, sameId), sameText)) {
      const other = byKey.get(key)
      // A number that we gave says little: two files may share some documents only.
      if (other && isFree(other) && (isGiven || areAlike(other.text, document.text))) {
        const b = other.copies.findIndex(Boolean)
        throw differentText([other.copies[b]!, document], [annotators[b]!, annotator])
      }
      const entry = { text: document.text, isGiven, copies: annotators.map((_, b) => (b === a ? document : undefined)) }
      entries.push(entry)
      if (!other) byKey.set(key, entry)
      const others = byText.get(document.text)
      if (others) others.push(entry)
      else byText.set(document.text, [entry])
    }
  }
  const isShared = ({ copies }: Entry) => copies.filter(Boolean).length > 1
  const documents = entries.filter(isShared).map((entry) => share(entry, annotators, segment))
  const lonely = entries.filter((entry) => !isShared(entry))
  const alone = annotators.map((_, a) => lonely.flatMap(({ copies }) => copies[a] ?? []))
  if (documents.length === 0) throw noOverlap(annotators)
  return { annotators: annotators.map(({ name }) => name), documents, alone }
}

/** A document under the key that it is looked for by: its id, or, where the reader numbered it, its place in the file. */
interface Named {
  readonly document: Document
  readonly key: string
  /** Whether the file gave the id. */
  readonly isGiven: boolean
}

/**
 * A person's rows of one text as one: annotation tools write a row for each question, or each time that a text was looked
 * at. Rows of one text are told by their ids, where the file has them; a text without an id is the same wherever it stands,
 * save a sentence of words in columns, which a corpus may well repeat. What any of the rows marks is marked.
 */
function joined(rows: readonly Named[]): Named[] {
  const byText = new Map<string, Named[]>()
  for (const [i, row] of rows.entries()) {
    const isRepeated = !row.isGiven && row.document.tokens !== undefined
    const key = isRepeated ? String(i) : row.isGiven ? `${row.key}\n${row.document.text}` : `\n${row.document.text}`
    const others = byText.get(key)
    if (others) others.push(row)
    else byText.set(key, [row])
  }
  return [...byText.values()].map((same) => {
    const first = same[0]!
    if (same.length === 1) return first
    const gold = same.flatMap(({ document }) => document.layers[goldLayer] ?? [])
    return { ...first, document: { ...first.document, layers: { ...first.document.layers, [goldLayer]: gold } } }
  })
}

function nameOf({ id }: Document, file: string): Omit<Named, 'document'> {
  const base = `${basename(file).replace(/\.gz$/, '')}:`
  const place = id.slice(base.length)
  const isGiven = !id.startsWith(base) || !/^\d+$/.test(place)
  // No id that a file gives begins with a line feed.
  return { key: isGiven ? id : `\n${place}`, isGiven }
}

function share({ copies }: Entry, annotators: readonly Annotator[], segment: Segment): SharedDocument {
  const first = copies.findIndex((copy) => copy?.tokens)
  const tokenized = copies[first]
  for (const [b, copy] of copies.entries()) {
    if (tokenized?.tokens && copy?.tokens && !sameTokens(tokenized.tokens, copy.tokens)) {
      throw differentTokens([tokenized, copy], [annotators[first]!, annotators[b]!])
    }
  }
  const { id, text, tokens, fields } = tokenized ?? copies.find(Boolean)!
  const sentences = copies.find((copy) => copy?.tokens && copy.sentences)?.sentences
  const bare = {
    id,
    text,
    ...(tokens && { tokens }),
    ...(sentences && { sentences }),
    ...(fields && { fields }),
    layers: {},
  }
  return { document: segment(bare), spans: copies.map((copy) => copy && tidied(text, copy.layers[goldLayer] ?? [])) }
}

const sameTokens = (a: readonly Token[], b: readonly Token[]) =>
  a.length === b.length && a.every(({ start, end }, i) => start === b[i]!.start && end === b[i]!.end)

/** Spans in order, each once, without the white space at their ends and what is white space alone. */
export function tidied(text: string, spans: readonly Span[]): Span[] {
  const trimmed = spans.flatMap(({ start, end, label }) => {
    while (start < end && isSpace.test(text[start]!)) start++
    while (end > start && isSpace.test(text[end - 1]!)) end--
    return start < end ? [{ start, end, label }] : []
  })
  const ordered = trimmed.sort(bySpan)
  return ordered.filter((span, i) => i === 0 || bySpan(ordered[i - 1]!, span) !== 0)
}

const isSpace = /\s/

const oneAnnotator = (annotators: readonly Annotator[]) =>
  new NerError('agreement/one-annotator', 'There is nobody to agree with: the labels are all by one annotator.', {
    where: annotators.map(({ name, file }) => (name === file ? file : `${file}, ${name}`)).join('; '),
    mend: 'Give two files, or one whose rows name who labelled them.',
  })

function noOverlap(annotators: readonly Annotator[]): NerError {
  const [a, b] = annotators.map(({ documents }) => documents[0])
  const shown = (document: Document | undefined) => JSON.stringify(document?.text.slice(0, 40) ?? '')
  return new NerError('agreement/no-overlap', 'The annotators share no document.', {
    where: `${annotators.map(({ file }) => file).join(', ')}; the first begin ${shown(a)} and ${shown(b)}`,
    mend: 'Give labels of the same texts: documents are matched by their id, or by their whole text.',
  })
}
