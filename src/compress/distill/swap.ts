import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import type { Document, Span } from '../../data/document.js'
import { NerError } from '../../errors.js'
import { hashBytes } from '../../io/hash.js'
import { findWords } from '../../text/words.js'
import { segment } from '../../data/segment.js'
import { random } from '../../random.js'

/** Names by type. */
export type Names = ReadonlyMap<string, readonly string[]>

/** The distinct entities of labelled documents. */
export function namesIn(documents: readonly Document[], layer: string): Names {
  const names = new Map<string, Set<string>>()
  for (const { text, layers } of documents) {
    for (const { start, end, label } of layers[layer] ?? []) {
      const own = names.get(label) ?? new Set()
      names.set(label, own.add(text.slice(start, end)))
    }
  }
  return new Map([...names].map(([label, own]) => [label, [...own]]))
}

/** Names from a file. */
export interface Gazetteer {
  readonly file: string
  readonly names: Names
  /** SHA-256 of the file's bytes. */
  readonly hash: string
}

const name = z
  .string()
  .trim()
  .refine((text) => findWords(text).length > 0, 'a name is blank')
const gazetteer = z.record(z.string(), z.array(name).min(1))

/**
 * Reads `{"PER": ["Ann Lee", …], …}`, with names of some of a model's types.
 *
 * @throws NerError `file/unreadable`, `data/bad-row`, `data/empty`
 */
export function readGazetteer(path: string, types: readonly string[]): Gazetteer {
  const { content, hash } = readJson(path)
  const parsed = gazetteer.safeParse(content)
  if (!parsed.success) {
    const { path: place, message } = parsed.error.issues[0]!
    throw new NerError('data/bad-row', `The gazetteer is not a list of names for each type: ${message}.`, {
      where: [path, ...place.map(String)].join(', '),
      mend: 'Write {"PER": ["Ann Lee", …], "LOC": ["Oslo", …]}.',
    })
  }
  const names = new Map(Object.entries(parsed.data))
  if (!types.some((type) => names.has(type))) {
    throw new NerError('data/empty', 'The gazetteer has no name of a type that the model knows.', {
      where: path,
      mend: `Types are ${types.join(', ')}.`,
    })
  }
  return { file: basename(path), names, hash }
}

function readJson(path: string): { readonly content: unknown; readonly hash: string } {
  try {
    const bytes = readFileSync(path)
    return { content: JSON.parse(bytes.toString()), hash: hashBytes(bytes) }
  } catch (cause) {
    const what = `The gazetteer cannot be read: ${(cause as Error).message}.`
    throw new NerError('file/unreadable', what, { where: path, mend: 'Give a JSON file.', cause })
  }
}

/**
 * The documents that have entities, each of which is swapped for another of its type, drawn at random: in the same sentence
 * stands a name that may never have stood there. Words and sentences are kept, the new name's words are found anew.
 */
export function swapEntities(documents: readonly Document[], layer: string, names: Names, seed: number): Document[] {
  return documents.flatMap((document, i) => {
    const spans = (document.layers[layer] ?? []).filter(({ label }) => names.has(label))
    if (spans.length === 0) return []
    const next = random('swaps', seed, i)
    return [
      swapped(document, layer, (label) => {
        const own = names.get(label)
        return own?.[Math.floor(next() * own.length)]
      }),
    ]
  })
}

function swapped(source: Document, layer: string, draw: (label: string) => string | undefined): Document {
  const { id, text, tokens, sentences } = segment(source)
  const spans = [...source.layers[layer]!].sort((a, b) => a.start - b.start)
  const parts: string[] = []
  const newSpans: Span[] = []
  const newTokens: { start: number; end: number }[] = []
  const sentenceEnds: number[] = []
  let length = 0
  let copied = 0
  let token = 0
  let sentence = 0
  const append = (part: string) => {
    parts.push(part)
    length += part.length
  }
  /** Takes over text and words up to an offset. */
  const copyTo = (end: number) => {
    const shift = length - copied
    for (; token < tokens.length && tokens[token]!.start < end; token++) {
      closeSentences()
      newTokens.push({ start: tokens[token]!.start + shift, end: tokens[token]!.end + shift })
    }
    append(text.slice(copied, end))
    copied = end
  }
  const closeSentences = () => {
    while (sentence < sentences.length && sentences[sentence]!.end <= token) {
      sentenceEnds.push(newTokens.length)
      sentence++
    }
  }
  for (const { start, end, label } of spans) {
    if (start < copied) continue
    copyTo(start)
    const name = draw(label)
    if (name === undefined) {
      newSpans.push({ start: length, end: length + end - start, label })
      copyTo(end)
      continue
    }
    closeSentences()
    newSpans.push({ start: length, end: length + name.length, label })
    newTokens.push(...findWords(name).map((word) => ({ start: word.start + length, end: word.end + length })))
    append(name)
    copied = end
    while (token < tokens.length && tokens[token]!.start < end) token++
  }
  copyTo(text.length)
  token = tokens.length
  closeSentences()
  const ends = sentenceEnds.filter((end, i) => end > (sentenceEnds[i - 1] ?? 0))
  return {
    id: `${id}, swapped`,
    text: parts.join(''),
    tokens: newTokens,
    sentences: ends.map((end, i) => ({ start: ends[i - 1] ?? 0, end })),
    layers: { [layer]: newSpans },
  }
}
