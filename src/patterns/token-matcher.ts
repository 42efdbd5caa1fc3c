import type { Span } from '../data/document.js'
import type { WordTests } from '../text/lexicon.js'
import type { PatternToken } from './token-pattern.js'
import type { Words } from '../data/words.js'

/** Longer matches are cut: from each word on, a pattern looks at no more words than these, so that time stays linear. */
const longestMatch = 100

/** A pattern, the function it belongs to and the label it gives. */
export interface LabelledPattern {
  /** Index of the function. */
  readonly source: number
  readonly label: string
  readonly tokens: readonly PatternToken[]
}

export interface TokenMatcher {
  /** What the lexicon is to know of each word. */
  readonly words: WordTests
  /** Adds each function's spans to its list. */
  readonly find: (words: Words, layers: readonly Span[][]) => void
}

/**
 * Matches patterns as spaCy's EntityRuler does, but within the sentences that a source gave: of the matches of one
 * function that overlap the longest is kept, of equals the first. Where several of its labels claim the same words, all
 * are given.
 */
export function tokenMatcher(patterns: readonly LabelledPattern[]): TokenMatcher {
  const numbers = new Map<PatternToken['onWord'], number>()
  const automata = patterns.map((pattern) => automatonOf(pattern, numbers))
  const tests = [...numbers.keys()]
  return {
    words: { startsWith: startIndex(patterns), tests: tests.length },
    find(words, layers) {
      const bySource: Candidate[][] = []
      const last: (Candidate | undefined)[] = []
      for (const { start: from, end: to } of words.runs) {
        for (let at = from; at < to; at++) {
          for (const number of words.lexemes[at]!.starts) {
            const candidate = candidateFrom(automata[number]!, tests, words, at, Math.min(to, at + longestMatch))
            if (!candidate) continue
            const before = last[number]
            if (before?.end === candidate.end && before.start + before.suffixes + 1 === candidate.start) {
              before.suffixes++
              continue
            }
            last[number] = candidate
            ;(bySource[automata[number]!.source] ??= []).push(candidate)
          }
        }
      }
      bySource.forEach((candidates, source) => {
        const kept = areApart(candidates) ? candidates : longestOf(candidates, tests, words)
        for (const { pattern, start, end } of kept) {
          const [first, last] = [words.tokens[start]!, words.tokens[end - 1]!]
          layers[source]!.push({ start: first.start, end: last.end, label: pattern.label })
        }
      })
    },
  }
}

/** A pattern, its tests of words numbered, so that each word's answer is remembered with the word. */
interface Automaton extends LabelledPattern {
  readonly numbers: Int32Array
  /** How many words of context come first, and last. */
  readonly before: number
  readonly after: number
}

function automatonOf(pattern: LabelledPattern, numbers: Map<PatternToken['onWord'], number>): Automaton {
  const { tokens } = pattern
  for (const { onWord } of tokens) if (!numbers.has(onWord)) numbers.set(onWord, numbers.size)
  return {
    ...pattern,
    numbers: Int32Array.from(tokens, ({ onWord }) => numbers.get(onWord)!),
    before: tokens.findIndex(({ context }) => !context),
    after: tokens.length - 1 - tokens.findLastIndex(({ context }) => !context),
  }
}

/** A match without the words that were only looked at. */
interface Candidate {
  readonly pattern: Automaton
  readonly start: number
  readonly end: number
  /** How many of the words after the first begin matches that end where this one does; they are not listed. */
  suffixes: number
}

/** Finds the patterns that may begin with a word: by the word itself where patterns name it, else by trying. */
function startIndex(patterns: readonly LabelledPattern[]): WordTests['startsWith'] {
  const named = { text: new Map<string, number[]>(), lower: new Map<string, number[]>() }
  const unnamed: { pattern: number; first: readonly PatternToken[] }[] = []
  for (const [pattern, { tokens }] of patterns.entries()) {
    // Where every token is optional, a match may begin with any of them.
    const required = tokens.findIndex(({ times }) => times === 'one')
    const first = required < 0 ? tokens : tokens.slice(0, 1 + required)
    const { literal, negated } = first[0]!
    if (first.length > 1 || negated || literal === undefined) unnamed.push({ pattern, first })
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
    ...unnamed
      .filter(({ first }) =>
        first.some(({ onWord, here, negated }) => (negated ? !!here || !onWord(word) : onWord(word))),
      )
      .map(({ pattern }) => pattern),
  ]
}

type WordTest = PatternToken['onWord']

/** A pattern's longest match from a word on, at most to `limit`. */
function candidateFrom(
  pattern: Automaton,
  tests: readonly WordTest[],
  words: Words,
  at: number,
  limit: number,
): Candidate | undefined {
  const end = longestFrom(pattern, tests, words, at, limit)
  // A match of no words is none.
  if (end - pattern.after <= at + pattern.before) return undefined
  return { pattern, start: at + pattern.before, end: end - pattern.after, suffixes: 0 }
}

/** Whether a word passes a token of a pattern. */
function passes(
  { tokens, numbers }: Automaton,
  i: number,
  tests: readonly WordTest[],
  words: Words,
  at: number,
): boolean {
  const lexeme = words.lexemes[at]!
  const number = numbers[i]!
  let answer = lexeme.answers[number]!
  if (answer === unknown) lexeme.answers[number] = answer = tests[number]!(lexeme) ? yes : no
  const { here, negated } = tokens[i]!
  return (answer === yes && (here === undefined || here(words, at))) !== negated
}

const unknown = 0
const no = 1
const yes = 2

/**
 * Where the longest match from a word on ends, at most at `limit`; -1 where there is none. The tokens reached are walked
 * all at once, as those of a nondeterministic automaton.
 */
function longestFrom(
  pattern: Automaton,
  tests: readonly WordTest[],
  words: Words,
  start: number,
  limit: number,
): number {
  const { tokens } = pattern
  // Up to the first token that repeats there is one way to go; most patterns fail on it.
  let first = 0
  while (first < tokens.length && tokens[first]!.times === 'one') {
    const at = start + first
    if (at >= limit || !passes(pattern, first, tests, words, at)) return -1
    first++
  }
  if (first === tokens.length) return start + first
  let reached = follow(tokens, [first])
  let longest = reached.at(-1) === tokens.length ? start + first : -1
  for (let at = start + first; at < limit; at++) {
    const next: number[] = []
    for (const i of reached) {
      if (i < tokens.length && passes(pattern, i, tests, words, at)) next.push(tokens[i]!.times === 'many' ? i : i + 1)
    }
    if (next.length === 0) break
    reached = follow(tokens, next)
    if (reached.at(-1) === tokens.length) longest = at + 1
  }
  return longest
}

/** The tokens that are reached once these are, in order: those after optional ones too. */
function follow(tokens: readonly PatternToken[], reached: readonly number[]): number[] {
  const all: number[] = []
  let last = -1
  for (let i of reached) {
    for (; ; i++) {
      if (i > last) {
        all.push(i)
        last = i
      }
      if (i >= tokens.length || tokens[i]!.times === 'one') break
    }
  }
  return all
}

const areApart = (candidates: readonly Candidate[]) =>
  candidates.every(({ start }, i) => i === 0 || candidates[i - 1]!.end <= start)

/** Words that are given away, and to which labels. */
interface Taken {
  readonly start: number
  readonly end: number
  readonly labels: Set<string>
}

/** The longest first, of equals the first, as long as no word is taken; in the order of the text. */
function longestOf(candidates: readonly Candidate[], tests: readonly WordTest[], words: Words): Candidate[] {
  const byLength: Candidate[][] = []
  const enter = (candidate: Candidate) => void (byLength[candidate.end - candidate.start] ??= []).push(candidate)
  candidates.forEach(enter)
  const taken = new Map<number, Taken>()
  const kept: Candidate[] = []
  for (let length = byLength.length - 1; length > 0; length--) {
    // Those that are entered meanwhile are shorter.
    for (const candidate of (byLength[length] ?? []).sort((a, b) => a.start - b.start)) {
      const { pattern, start, end, suffixes } = candidate
      let free = start
      while (free < end && !taken.has(free)) free++
      const range = free === end ? { start, end, labels: new Set<string>() } : taken.get(start)
      if (range?.start === start && range.end === end) {
        for (let at = start; at < end; at++) taken.set(at, range)
        if (!range.labels.has(pattern.label)) kept.push(candidate)
        range.labels.add(pattern.label)
        continue
      }
      // A longer match is in the way: a shorter one from the same word may still have room, or one from the next.
      const shorter = candidateFrom(pattern, tests, words, start - pattern.before, free + pattern.after)
      if (free > start && shorter) enter(shorter)
      if (suffixes > 0) enter({ pattern, start: start + 1, end, suffixes: suffixes - 1 })
    }
  }
  return kept.sort((a, b) => a.start - b.start)
}
