import type { Transitions } from '../../src/data/schemes.js'

/** A chain's scores in double precision, one array a row. */
export interface Scores {
  readonly transitions: readonly (readonly number[])[]
  readonly start: readonly number[]
  readonly end: readonly number[]
}

/** One sentence: a row of scores a word. */
export type Rows = readonly (readonly number[])[]

export interface Enumerated {
  readonly logPartition: number
  /** p(tag of word), a row a word. */
  readonly marginals: number[][]
  /** Σ over neighbours of p(tag of word t − 1, tag of word t) */
  readonly pairs: number[][]
  /** The best path; of those that score the same, the one with the lower tags from the end. */
  readonly best: readonly number[]
}

/** What a chain means, from the list of all its paths. */
export function enumerate(emissions: Rows, scores: Scores, legal: Transitions): Enumerated {
  const labels = scores.start.length
  const paths = allPaths(emissions.length, labels).filter((path) => isLegal(path, legal))
  const scored = paths.map((path) => pathScore(path, emissions, scores))
  const peak = Math.max(...scored)
  const total = scored.reduce((sum, score) => sum + Math.exp(score - peak), 0)
  const marginals = emissions.map(() => new Array<number>(labels).fill(0))
  const pairs = Array.from({ length: labels }, () => new Array<number>(labels).fill(0))
  paths.forEach((path, i) => {
    const p = Math.exp(scored[i]! - peak) / total
    path.forEach((tag, word) => {
      marginals[word]![tag]! += p
      if (word > 0) pairs[path[word - 1]!]![tag]! += p
    })
  })
  const ties = paths.filter((_, i) => scored[i] === peak)
  const best = ties.reduce((a, b) => (lowerFromTheEnd(a, b) ? a : b))
  return { logPartition: peak + Math.log(total), marginals, pairs, best }
}

/** E_q[score], with the words' distributions `q` taken as independent. */
export function expectedScore(q: Rows, emissions: Rows, scores: Scores): number {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
  let sum = dot(q[0]!, scores.start) + dot(q.at(-1)!, scores.end)
  q.forEach((row, word) => {
    sum += dot(row, emissions[word]!)
    if (word > 0) q[word - 1]!.forEach((p, from) => (sum += p * dot(row, scores.transitions[from]!)))
  })
  return sum
}

export function isLegal(path: ArrayLike<number>, { start, follow, end }: Transitions): boolean {
  for (let word = 1; word < path.length; word++) if (!follow[path[word - 1]!]![path[word]!]) return false
  return start[path[0]!]! && end[path[path.length - 1]!]!
}

export function anything(labels: number): Transitions {
  const all = new Array<boolean>(labels).fill(true)
  return { start: all, end: all, follow: all.map(() => all) }
}

function pathScore(path: readonly number[], emissions: Rows, { transitions, start, end }: Scores): number {
  return path.reduce(
    (sum, tag, word) => sum + emissions[word]![tag]! + (word > 0 ? transitions[path[word - 1]!]![tag]! : 0),
    start[path[0]!]! + end[path.at(-1)!]!,
  )
}

function allPaths(length: number, labels: number): number[][] {
  const tags = [...Array(labels).keys()]
  let paths: number[][] = [[]]
  for (let word = 0; word < length; word++) paths = paths.flatMap((path) => tags.map((tag) => [...path, tag]))
  return paths
}

function lowerFromTheEnd(a: readonly number[], b: readonly number[]): boolean {
  for (let word = a.length - 1; word >= 0; word--) if (a[word] !== b[word]) return a[word]! < b[word]!
  return true
}
