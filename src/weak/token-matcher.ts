import type { Span } from '../data/document.js'
import type { Lexeme } from './lexicon.js'
import type { Place } from './token-pattern.js'
import type { Words } from './words.js'

/** Longer matches are cut: from each word on, a pattern looks at no more words than these, so that time stays linear. */
const longestMatch = 100

/** A pattern, the function it belongs to and the label it gives. */
export interface LabelledPattern {
  /** Index of the function. */
  readonly source: number
  readonly label: string
  readonly places: readonly Place[]
}

export interface TokenMatcher {
  /** The patterns that may begin with a word, by number. */
  readonly startsWith: (word: Omit<Lexeme, 'starts'>) => readonly number[]
  /** Adds each function's spans to its list. */
  readonly find: (words: Words, layers: readonly Span[][]) => void
}

/**
 * Matches patterns as spaCy's EntityRuler does, but within the sentences that a source gave: of the matches of one function that overlap the
 * longest is kept, of equals the first. Where several of its labels claim the same words, all are given.
 */
export function tokenMatcher(patterns: readonly LabelledPattern[]): TokenMatcher {
  const startsWith = startIndex(patterns)
  return {
    startsWith,
    find(words, layers) {
      const candidates: Candidate[] = []
      for (const { start: from, end: to } of words.runs) {
        for (let at = from; at < to; at++) {
          for (const pattern of words.lexemes[at]!.starts) {
            const candidate = candidateFrom(patterns[pattern]!, words, at, Math.min(to, at + longestMatch))
            if (candidate) candidates.push(candidate)
          }
        }
      }
      if (candidates.length > 0) keepLongest(candidates, words, layers)
    },
  }
}

/** A match without the words that were only looked at. */
interface Candidate {
  readonly pattern: LabelledPattern
  readonly start: number
  readonly end: number
}

/** Finds the patterns that may begin with a word: by the word itself where patterns name it, else by trying. */
function startIndex(patterns: readonly LabelledPattern[]): TokenMatcher['startsWith'] {
  const named = { text: new Map<string, number[]>(), lower: new Map<string, number[]>() }
  const unnamed: { pattern: number; first: readonly Place[] }[] = []
  for (const [pattern, { places }] of patterns.entries()) {
    const first = places.slice(0, 1 + places.findIndex(({ times }) => times === 'one'))
    const { literal } = first[0]!
    if (first.length > 1 || literal === undefined) unnamed.push({ pattern, first })
    else {
      for (const value of new Set(literal.values)) {
        const list = named[literal.attribute].get(value)
        if (list) list.push(pattern)
        else named[literal.attribute].set(value, [pattern])
      }
    }
  }
  return (word) => [
    ...(named.text.get(word.text) ?? []),
    ...(named.lower.get(word.lower) ?? []),
    ...unnamed.filter(({ first }) => first.some(({ mayBe }) => mayBe(word))).map(({ pattern }) => pattern),
  ]
}

/** A pattern's longest match from a word on, at most to `limit`. */
function candidateFrom(pattern: LabelledPattern, words: Words, at: number, limit: number): Candidate | undefined {
  const { places } = pattern
  const end = longestFrom(places, words, at, limit)
  if (end < 0) return undefined
  const before = places.findIndex(({ context }) => !context)
  const after = places.length - 1 - places.findLastIndex(({ context }) => !context)
  return { pattern, start: at + before, end: end - after }
}

/**
 * Where the longest match from a word on ends, at most at `limit`; -1 where there is none. The places reached are walked
 * all at once, as those of a nondeterministic automaton.
 */
function longestFrom(places: readonly Place[], words: Words, start: number, limit: number): number {
  let reached = follow(places, [0])
  let longest = -1
  for (let at = start; at < limit && reached.length > 0; at++) {
    const next: number[] = []
    for (const i of reached) {
      if (i < places.length && places[i]!.test(words, at)) next.push(places[i]!.times === 'many' ? i : i + 1)
    }
    reached = follow(places, next)
    if (reached.at(-1) === places.length) longest = at + 1
  }
  return longest
}

/** The places that are reached once these are, in order: those after optional ones too. */
function follow(places: readonly Place[], reached: readonly number[]): number[] {
  const all: number[] = []
  for (const from of reached) {
    for (let i = from; ; i++) {
      if (i > (all.at(-1) ?? -1)) all.push(i)
      if (i >= places.length || places[i]!.times === 'one') break
    }
  }
  return all
}

/** Words that a function has given away, and to which labels. */
interface Taken {
  readonly start: number
  readonly end: number
  readonly labels: Set<string>
}

/** Of each function's candidates, the longest first, of equals the first, as long as no word is taken. */
function keepLongest(candidates: readonly Candidate[], words: Words, layers: readonly Span[][]): void {
  const byLength: Candidate[][] = []
  const enter = (candidate: Candidate) => void (byLength[candidate.end - candidate.start] ??= []).push(candidate)
  candidates.forEach(enter)
  const takenBy = new Map<number, Map<number, Taken>>()
  for (let length = byLength.length - 1; length > 0; length--) {
    // Those that are entered below are shorter.
    for (const { pattern, start, end } of byLength[length] ?? []) {
      const taken = takenBy.get(pattern.source) ?? new Map<number, Taken>()
      takenBy.set(pattern.source, taken)
      let free = start
      while (free < end && !taken.has(free)) free++
      const range = free === end ? { start, end, labels: new Set<string>() } : taken.get(start)
      if (range?.start === start && range.end === end) {
        for (let at = start; at < end; at++) taken.set(at, range)
        if (range.labels.has(pattern.label)) continue
        range.labels.add(pattern.label)
        const [first, last] = [words.tokens[start]!, words.tokens[end - 1]!]
        layers[pattern.source]!.push({ start: first.start, end: last.end, label: pattern.label })
      } else if (free > start) {
        // A longer match is in the way: a shorter one from the same word may still have room.
        const { places } = pattern
        const before = places.findIndex(({ context }) => !context)
        const after = places.length - 1 - places.findLastIndex(({ context }) => !context)
        const shorter = candidateFrom(pattern, words, start - before, free + after)
        if (shorter) enter(shorter)
      }
    }
  }
  for (const source of takenBy.keys()) layers[source]!.sort((a, b) => a.start - b.start || a.end - b.end)
}
