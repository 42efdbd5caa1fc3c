import type { Span } from '../data/document.js'
import type { SpecOf } from './config.js'
import { sentinelLabel } from './source.js'
import type { Words } from '../data/words.js'

type Spec = Pick<SpecOf<'document'>, 'rule' | 'labels' | 'case' | 'place' | 'parts' | 'min_votes'>

/** A run of words that sources labelled, by word index, half open. */
interface Name {
  readonly start: number
  readonly end: number
  readonly label: string
}

/**
 * What the names that sources found in a document say of its other words. Spans that cut a word, and votes for "not an
 * entity", say nothing.
 */
export function documentRule(words: Words, sources: readonly (readonly Span[])[], spec: Spec): Span[] {
  const names = sources.flatMap((spans) => namesOf(words, spans, spec.labels))
  if (names.length === 0) return []
  return rules[spec.rule](words, names, spec)
}

const rules: Record<Spec['rule'], (words: Words, names: readonly Name[], spec: Spec) => Span[]> = {
  elsewhere: (words, names, { min_votes: least, case: spelling }) => {
    const labelled = new Set(names.map(({ start, end }) => `${start} ${end}`))
    const surfaces = tally(words, names, least)
    return occurrences(words, surfaces, spelling, ({ start, end }) => !labelled.has(`${start} ${end}`))
  },
  majority: (words, names, { min_votes: least, case: spelling }) => {
    const surfaces = tally(words, names, least)
    for (const [surface, { labels }] of surfaces) {
      const most = Math.max(...labels.values())
      const winners = [...labels].filter(([, votes]) => votes === most)
      // A tie says nothing.
      if (winners.length > 1) surfaces.delete(surface)
      else surfaces.get(surface)!.labels = new Map(winners)
    }
    return occurrences(words, surfaces, spelling, () => true)
  },
  short_forms: (words, names, { parts, place, case: spelling, min_votes: least }) => {
    const long = names.filter(({ start, end }) => end - start > 1)
    const surfaces: Surfaces = new Map()
    for (const { words: name, labels, first, votes } of tally(words, long, least).values()) {
      for (const part of new Set(parts.flatMap((part) => shorten[part](name)))) {
        const known = surfaces.get(part)
        const earliest = Math.min(first, known?.first ?? Infinity)
        surfaces.set(part, { words: [part], labels: merged(known?.labels, labels), first: earliest, votes })
      }
    }
    const inside = new Set(long.flatMap(({ start, end }) => range(start, end)))
    const anywhere = place === 'anywhere'
    return occurrences(
      words,
      surfaces,
      spelling,
      ({ start }, { first }) => (anywhere || start >= first) && !inside.has(start),
    )
  },
}

/** The words that a long name may be called by; a word without a capital is none of them. */
const shorten: Record<Spec['parts'][number], (name: readonly string[]) => string[]> = {
  last: (name) => name.slice(-1).filter(isCapitalised),
  first: (name) => name.slice(0, 1).filter(isCapitalised),
  initials: (name) => {
    const initials = name.filter(isCapitalised).map((word) => [...word][0]!)
    return initials.length > 1 ? [initials.join(''), `${initials.join('.')}.`] : []
  },
}

const isCapitalised = (word: string) => /^\p{Lu}/u.test(word) && word.length > 1

/** Surfaces, by their words. */
type Surfaces = Map<string, Surface>

interface Surface {
  readonly words: readonly string[]
  /** Votes by label. */
  labels: ReadonlyMap<string, number>
  /** Where it first ends, in words. */
  readonly first: number
  readonly votes: number
}

function tally({ lexemes }: Words, names: readonly Name[], least: number): Surfaces {
  const surfaces: Surfaces = new Map()
  for (const { start, end, label } of names) {
    const surface = lexemes.slice(start, end).map(({ text }) => text)
    const known = surfaces.get(surface.join(' '))
    surfaces.set(surface.join(' '), {
      words: surface,
      labels: merged(known?.labels, new Map([[label, 1]])),
      first: Math.min(end, known?.first ?? Infinity),
      votes: (known?.votes ?? 0) + 1,
    })
  }
  for (const [surface, { votes }] of surfaces) if (votes < least) surfaces.delete(surface)
  return surfaces
}

function merged(a: ReadonlyMap<string, number> = new Map(), b: ReadonlyMap<string, number>): Map<string, number> {
  const sum = new Map(a)
  for (const [label, votes] of b) sum.set(label, (sum.get(label) ?? 0) + votes)
  return sum
}

/** Where surfaces stand, within sentences, the longest first from the left, with a span for each of their labels. */
function occurrences(
  { lexemes, tokens, runs }: Words,
  surfaces: Surfaces,
  spelling: Spec['case'],
  counts: (place: { readonly start: number; readonly end: number }, surface: Surface) => boolean,
): Span[] {
  const byFirst = new Map<string, Surface[]>()
  const enter = (surface: Surface) =>
    void byFirst.set(surface.words[0]!, [...(byFirst.get(surface.words[0]!) ?? []), surface])
  for (const surface of surfaces.values()) {
    enter(surface)
    const words = surface.words.map((word) => word.toUpperCase())
    if (spelling === 'capitals' && !surfaces.has(words.join(' '))) enter({ ...surface, words })
  }
  for (const list of byFirst.values()) list.sort((a, b) => b.words.length - a.words.length)
  return runs.flatMap((sentence) => {
    const spans: Span[] = []
    for (let start = sentence.start; start < sentence.end;) {
      const surface = byFirst
        .get(lexemes[start]!.text)
        ?.find(
          ({ words }) =>
            start + words.length <= sentence.end && words.every((word, i) => lexemes[start + i]!.text === word),
        )
      const end = start + (surface?.words.length ?? 1)
      if (surface && counts({ start, end }, surface)) {
        for (const label of surface.labels.keys()) {
          spans.push({ start: tokens[start]!.start, end: tokens[end - 1]!.end, label })
        }
      }
      start = end
    }
    return spans
  })
}

function namesOf({ wordsIn }: Words, spans: readonly Span[], labels: readonly string[] | undefined): Name[] {
  const names: Name[] = []
  for (const span of spans) {
    if (span.label === sentinelLabel || (labels && !labels.includes(span.label))) continue
    const place = wordsIn(span)
    if (place) names.push({ ...place, label: span.label })
  }
  return names
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i)
