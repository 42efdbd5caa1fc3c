import { random, shuffle } from '../random.js'
import { similarPairs } from './checks/similar.js'
import { textKey } from './checks/texts.js'
import { goldLayer, type Document } from './document.js'

export interface SplitOptions {
  /** What share of the documents each part is to have; they sum to 1. Unless said 0.8, 0.1 and 0.1. */
  readonly shares?: readonly number[]
  /** 1 unless said. */
  readonly seed?: number
  readonly layer?: string
}

/** Documents that must not be parted, with how many they are and how many spans of each label they have. */
interface Group {
  readonly documents: readonly number[]
  readonly counts: ReadonlyMap<string, number>
}

/**
 * Divides documents into parts with like shares of documents and of every label, over groups of documents whose texts
 * are the same or nearly so, so that no text is in two parts. Documents keep their order. The same seed gives the same
 * parts.
 */
export function splitDocuments(
  documents: readonly Document[],
  { shares = [0.8, 0.1, 0.1], seed = 1, layer = goldLayer }: SplitOptions = {},
): Document[][] {
  const groups = likeTexts(documents).map((members) => ({
    documents: members,
    counts: countsOf(
      members.map((i) => documents[i]!),
      layer,
    ),
  }))
  const partOf = assign(shuffle(groups, random('split', seed)), shares)
  const parts = shares.map((): number[] => [])
  for (const [group, part] of partOf) parts[part]!.push(...group.documents)
  return parts.map((members) => members.sort((a, b) => a - b).map((i) => documents[i]!))
}

/** Documents by index, those with the same or nearly the same text together. */
function likeTexts(documents: readonly Document[]): number[][] {
  const parent = documents.map((_, i) => i)
  const rootOf = (i: number): number => {
    let root = i
    while (parent[root] !== root) root = parent[root] = parent[parent[root]!]!
    return root
  }
  const firsts = new Map<string, number>()
  for (const [i, { text }] of documents.entries()) {
    const key = textKey(text)
    const first = firsts.get(key)
    if (first === undefined) firsts.set(key, i)
    else parent[rootOf(i)] = rootOf(first)
  }
  const distinct = [...firsts.values()]
  const pairs = similarPairs(
    distinct.map((i) => documents[i]!.text),
    distinct.map(() => 0),
  )
  for (const { earlier, later } of pairs) parent[rootOf(distinct[later]!)] = rootOf(distinct[earlier]!)
  const groups = new Map<number, number[]>()
  for (const i of documents.keys()) {
    const root = rootOf(i)
    const group = groups.get(root)
    if (group) group.push(i)
    else groups.set(root, [i])
  }
  return [...groups.values()]
}

/** Spans by label; documents are counted under a name that no label has. */
function countsOf(documents: readonly Document[], layer: string): Map<string, number> {
  const counts = new Map([['', documents.length]])
  for (const { layers } of documents) {
    for (const { label } of layers[layer] ?? []) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return counts
}

/**
 * Every group's part. Those that hold the largest shares of something come first, each to the part that most lacks what
 * it holds: sum over what is counted of (share of all that the group has) × (share of the part's own that it lacks).
 */
function assign(groups: readonly Group[], shares: readonly number[]): Map<Group, number> {
  const totals = new Map<string, number>()
  for (const { counts } of groups) for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count)
  /** What share of its own each part lacks, by what is counted. */
  const lacking = new Map([...totals.keys()].map((name) => [name, shares.map(() => 1)]))
  const ofAll = ([name, count]: readonly [string, number]) => count / totals.get(name)!
  const weight = ({ counts }: Group) => [...counts].reduce((sum, entry) => sum + ofAll(entry), 0)
  const need = ({ counts }: Group, part: number) =>
    [...counts].reduce((sum, entry) => sum + ofAll(entry) * lacking.get(entry[0])![part]!, 0)
  const partOf = new Map<Group, number>()
  const weighed = groups.map((group) => ({ group, weight: weight(group) })).sort((a, b) => b.weight - a.weight)
  for (const { group } of weighed) {
    const needs = shares.map((_, part) => need(group, part))
    const part = needs.indexOf(Math.max(...needs))
    partOf.set(group, part)
    for (const entry of group.counts) lacking.get(entry[0])![part]! -= ofAll(entry) / shares[part]!
  }
  return partOf
}
