import { alignSpans } from '../../data/align.js'
import { goldLayer, type Document, type Span, type Token } from '../../data/document.js'
import { schemeTags, type WordSpan } from '../../data/schemes.js'
import type { SegmentedDocument } from '../../data/segment.js'
import { sentinelLabel } from '../../sources/source.js'
import { integers, sequenceTrie } from './sequences.js'

/*
 * A source's vote on a word is a code: 0 where it abstains, otherwise 1 + the index of the tag it votes for, so that 1 is
 * O; codes above the tags' are votes split over several. Words on which all codes are alike share a pattern: most words have pattern 0, on which everybody abstains, and whatever
 * depends on votes alone is computed once per pattern.
 */
export const abstain = 0

/** The votes of all sources on the words of a corpus. */
export interface Votes {
  readonly sources: readonly string[]
  /** Entity types, sorted. */
  readonly labels: readonly string[]
  /** Of IOB2: `O`, then `B-` and `I-` of each type. A state of a label model is an index into it. */
  readonly tags: readonly string[]
  /** The tags that a vote is split over, by its code less 1 + the number of tags. */
  readonly splits: readonly (readonly number[])[]
  /** Distinct patterns, [patterns × sources] codes. */
  readonly patterns: Int32Array
  /** The pattern of each word. */
  readonly words: Int32Array
  /** Where each chain (sentence) begins, and last the number of words. */
  readonly chains: Int32Array
  /** Where each document's chains begin in `chains`, and last the number of chains. */
  readonly documents: Int32Array
  /** How many of each source's spans cut a word, overlap a longer one or hold no word, and were left out. */
  readonly unusable: readonly number[]
}

export interface VoteOptions {
  /** The layers that vote; without it every layer but `gold`. */
  readonly sources?: readonly string[] | undefined
  /** Types beside those voted for, e.g. those of the checked set. */
  readonly labels?: readonly string[]
}

/** Reads the layers of documents as votes on their words. O(words + spans · log words). */
export function collectVotes(documents: readonly SegmentedDocument[], options: VoteOptions = {}): Votes {
  const sources = options.sources ?? layersOf(documents)
  const labels = labelsOf(documents, sources, options.labels)
  const tags = schemeTags(labels, 'IOB2')
  const codes = voteCodes(labels, tags.length)
  const patterns = patternTable(sources.length)
  const words = integers()
  const chains = integers()
  const documentStarts = integers()
  const unusable = sources.map(() => 0)
  let cells = new Int32Array(1024)
  for (const { tokens, sentences, layers } of documents) {
    documentStarts.push(chains.length)
    for (const { start } of sentences) chains.push(words.length + start)
    const size = tokens.length * sources.length
    if (cells.length < size) cells = new Int32Array(2 * size)
    else cells.fill(abstain, 0, size)
    for (const [source, name] of sources.entries()) {
      const spans = layers[name]
      if (spans === undefined || spans.length === 0) continue
      const { runs, left } = votedRuns(spans, tokens)
      unusable[source]! += left
      for (const { start, end, labels } of runs) {
        const [first, inner] = codes.of(labels)
        for (let word = start; word < end; word++)
          cells[word * sources.length + source] = word === start ? first : inner
      }
    }
    for (let word = 0; word < tokens.length; word++) words.push(patterns.idOf(cells, word * sources.length))
  }
  chains.push(words.length)
  documentStarts.push(chains.length - 1)
  return {
    sources,
    labels,
    tags,
    splits: codes.splits,
    patterns: patterns.done(),
    words: words.done(),
    chains: chains.done(),
    documents: documentStarts.done(),
    unusable,
  }
}

/** The layers of any of the documents, but `gold`. */
export function layersOf(documents: readonly Document[]): string[] {
  const names = new Set<string>()
  for (const { layers } of documents) for (const name in layers) if (name !== goldLayer) names.add(name)
  return [...names].sort()
}

function labelsOf(documents: readonly Document[], sources: readonly string[], more: readonly string[] = []): string[] {
  const labels = new Set(more)
  for (const { layers } of documents)
    for (const source of sources) for (const { label } of layers[source] ?? []) labels.add(label)
  labels.delete(sentinelLabel)
  return [...labels].sort()
}

interface VotedRun {
  readonly start: number
  readonly end: number
  readonly labels: readonly string[]
}

/** A layer's spans as runs of words, those of one range together: a surface that may be of several types. */
function votedRuns(spans: readonly Span[], tokens: readonly Token[]): { runs: readonly VotedRun[]; left: number } {
  const byRange = new Map<string, { span: Span; labels: string[] }>()
  for (const span of spans) {
    const range = `${span.start} ${span.end}`
    const found = byRange.get(range)
    if (found === undefined) byRange.set(range, { span, labels: [span.label] })
    else if (!found.labels.includes(span.label)) found.labels.push(span.label)
  }
  const groups = [...byRange.values()]
  const labelled = groups.map(({ span: { start, end } }, group) => ({ start, end, label: String(group) }))
  const { words } = alignSpans(labelled, tokens)
  const runs = words.map(({ start, end, label }: WordSpan) => ({ start, end, labels: groups[Number(label)]!.labels }))
  return { runs, left: groups.length - words.length }
}

/** Codes of the first and the following words of a run, by its labels. */
function voteCodes(labels: readonly string[], tagCount: number) {
  const splits: number[][] = []
  const known = new Map<string, readonly [number, number]>()
  const code = (meant: readonly string[], isInner: boolean) => {
    const states = meant.map((label) => stateOfTag(labels, label, isInner)).sort((a, b) => a - b)
    return states.length === 1 ? 1 + states[0]! : tagCount + splits.push(states)
  }
  return {
    splits,
    of(meant: readonly string[]): readonly [number, number] {
      const key = meant.length === 1 ? meant[0]! : meant.toSorted().join('\u0000')
      let found = known.get(key)
      if (found === undefined) known.set(key, (found = [code(meant, false), code(meant, true)]))
      return found
    },
  }
}

/** Numbers distinct rows of votes. */
function patternTable(sources: number) {
  const trie = sequenceTrie()
  const ids = [0]
  const rows = integers()
  for (let source = 0; source < sources; source++) rows.push(abstain)
  let count = 1
  return {
    idOf(cells: Int32Array, at: number): number {
      let node = 0
      for (let source = 0; source < sources; source++) {
        const vote = cells[at + source]!
        if (vote !== abstain) node = trie.step(node, vote * sources + source)
      }
      let id = ids[node]
      if (id === undefined) {
        ids[node] = id = count++
        for (let source = 0; source < sources; source++) rows.push(cells[at + source]!)
      }
      return id
    },
    done: () => rows.done(),
  }
}

/** The state of a word in a span: O, or B- or I- of its type. */
export const stateOfTag = (labels: readonly string[], label: string, isInner: boolean): number =>
  label === sentinelLabel ? 0 : 1 + 2 * labels.indexOf(label) + Number(isInner)

/** The states that a vote stands for; none where the source abstains. */
export function statesOfVote({ tags, splits }: Votes, vote: number): readonly number[] {
  return vote === abstain
    ? []
    : vote <= tags.length
      ? (single[vote - 1] ??= [vote - 1])
      : splits[vote - 1 - tags.length]!
}

const single: (readonly number[])[] = []

/** 0 for O, else 1 + the index of the type. */
export const typeOfState = (state: number): number => (state + 1) >> 1
