import { type RE2JS, RE2Set } from 're2js'
import type { Span } from '../data/document.js'
import { compilePattern, flagsFor } from './regex.js'

/**
 * Patterns see a line at a time, and of a longer one no more than these many UTF-16 units; it is divided at the end of a
 * sentence or, failing that, of a word. To find all matches may take time quadratic in the length, whatever the engine:
 * `a.*b|a` looks ahead to the end at every `a`.
 */
const longestPart = 1000

/** A regular expression, the function it belongs to, the label it gives and the group whose text is the span. */
export interface LabelledRegex {
  /** Index of the function. */
  readonly source: number
  readonly label: string
  readonly pattern: string
  readonly ignoreCase: boolean
  readonly group: number | string
  /** For messages. */
  readonly where: string
}

/** Patterns asked about at once. */
const setSize = 32

/**
 * Searches for all patterns: an automaton for many of them together says which occur at all in a part of the text, and
 * only those are searched for by themselves. Adds each function's spans to its list; matches of one pattern do not
 * overlap.
 */
export function regexMatcher(patterns: readonly LabelledRegex[]): (text: string, layers: readonly Span[][]) => void {
  const compiled = patterns.map((pattern) => compileRegex(pattern))
  /** Functions whose patterns' matches are mixed. */
  const several = new Set(patterns.flatMap(({ source }, i) => (patterns[i - 1]?.source === source ? [source] : [])))
  const sets = [false, true].flatMap((ignoreCase) => {
    const numbers = patterns.flatMap((pattern, i) => (pattern.ignoreCase === ignoreCase ? [i] : []))
    return Array.from({ length: Math.ceil(numbers.length / setSize) }, (_, i) =>
      setOf(patterns, numbers.slice(i * setSize, (i + 1) * setSize), ignoreCase),
    )
  })
  return (text, layers) => {
    for (const [start, end] of partsOf(text)) {
      const part = start === 0 && end === text.length ? text : text.slice(start, end)
      for (const occurring of sets) {
        for (const number of occurring(part)) {
          const { source, label, group } = patterns[number]!
          for (const found of matches(compiled[number]!, part, group)) {
            layers[source]!.push({ start: start + found.start, end: start + found.end, label })
          }
        }
      }
    }
    for (const source of several) layers[source]!.sort((a, b) => a.start - b.start || a.end - b.end)
  }
}

/** Throws `weak/bad-pattern`, also where there is no such group. */
export function compileRegex({ pattern, ignoreCase, where, group }: LabelledRegex): RE2JS {
  return compilePattern(pattern, where, { ignoreCase, group })
}

function setOf(patterns: readonly LabelledRegex[], numbers: readonly number[], ignoreCase: boolean) {
  const set = new RE2Set(RE2Set.UNANCHORED, flagsFor(ignoreCase))
  for (const number of numbers) set.add(patterns[number]!.pattern)
  set.compile()
  return (part: string): number[] => set.match(part).map((i) => numbers[i]!)
}

function* matches(regex: RE2JS, text: string, group: number | string) {
  const matcher = regex.matcher(text)
  while (matcher.find()) {
    let [start, end] = [matcher.start(group), matcher.end(group)]
    // White space at the ends belongs to no name.
    while (start < end && /\s/.test(text[start]!)) start++
    while (start < end && /\s/.test(text[end - 1]!)) end--
    if (start < end) yield { start, end }
  }
}

/** The lines of a text, long ones divided; blank ones are left out. */
function* partsOf(text: string): Generator<[number, number]> {
  for (let start = 0; start < text.length;) {
    const line = text.indexOf('\n', start)
    const stop = line < 0 ? text.length : line
    while (stop - start > longestPart) {
      const limit = start + longestPart
      const ends = ['. ', ' '].map((mark) => text.lastIndexOf(mark, limit - mark.length) + mark.length)
      const end = ends.find((end) => end > start + longestPart / 2) ?? limit
      yield [start, end]
      start = end
    }
    if (stop > start) yield [start, stop]
    start = stop + 1
  }
}
