import type { Span } from '../data/document.js'
import { findWords } from '../text/words.js'
import type { SpecOf } from './config.js'
import type { Entry } from './knowledge-base.js'
import { folded, type Lexeme, normal } from './lexicon.js'
import { childrenOf, step, type Trie, trieBuilder } from './trie.js'
import { numberOf, type Vocabulary, vocabularyBuilder } from './vocabulary.js'
import type { Words } from './words.js'

/*
 * All knowledge bases in one trie of words, so that a text is walked once. What differs in how a text is read has a root
 * of its own: by words or by characters, as written or with case folded.
 */

const rootNames = ['word', 'word folded', 'character', 'character folded'] as const

type Spec = Pick<
  SpecOf<'knowledge_base'>,
  'case' | 'boundaries' | 'overlaps' | 'min_length' | 'min_words' | 'min_popularity'
>

const rootOf = (spec: Spec): number =>
  rootNames.indexOf(spec.case === 'any' ? `${spec.boundaries} folded` : spec.boundaries)

/** What an entry of the trie says: that a function gives a label. */
interface Meaning {
  /** Index of the function. */
  readonly source: number
  readonly label: string
  readonly longest: boolean
}

/** The knowledge bases as they are matched; threads share it without a copy. */
export interface Gazetteer {
  readonly vocabulary: Vocabulary
  readonly trie: Trie
  readonly meanings: readonly Meaning[]
  /** The roots that have anything under them. */
  readonly roots: readonly number[]
}

export interface GazetteerBuilder {
  /** Adds an entry's surfaces under a label, and says how many were taken. */
  readonly add: (entry: Entry, label: string, source: number, spec: Spec, stop: ReadonlySet<string>) => number
  readonly finish: () => Gazetteer
}

export function gazetteerBuilder(): GazetteerBuilder {
  const vocabulary = vocabularyBuilder()
  const trie = trieBuilder(rootNames.length)
  const meanings: Meaning[] = []
  const numbers = new Map<string, number>()
  const roots = new Set<number>()
  const meaningOf = (source: number, label: string, longest: boolean): number => {
    const key = `${source} ${label}`
    const known = numbers.get(key) ?? meanings.push({ source, label, longest }) - 1
    numbers.set(key, known)
    return known
  }
  return {
    add({ surfaces, popularity = NaN }, label, source, spec, stop) {
      if (spec.min_popularity !== undefined && !(popularity >= spec.min_popularity)) return 0
      const root = rootOf(spec)
      const meaning = meaningOf(source, label, spec.overlaps === 'longest')
      let taken = 0
      for (const surface of surfaces) {
        const text = typeof surface === 'string' ? surface.trim() : surface.join(' ')
        if (text.length < spec.min_length || (stop.size > 0 && stop.has(folded(text)))) continue
        const readings = readingsOf(surface, spec)
        if (readings[0]!.length < spec.min_words && spec.boundaries === 'word') continue
        for (const words of readings) {
          trie.add(
            root,
            words.map(spec.case === 'any' ? (word) => vocabulary.add(folded(word)) : vocabulary.add),
            meaning,
            popularity,
          )
        }
        roots.add(root)
        taken++
      }
      return taken
    },
    finish: () => ({ vocabulary: vocabulary.finish(), trie: trie.finish(), meanings, roots: [...roots].sort() }),
  }
}

/** The ways in which a surface may be divided and written, each its words. */
function readingsOf(surface: string | readonly string[], spec: Spec): string[][] {
  if (spec.boundaries === 'character') {
    const text = typeof surface === 'string' ? surface : surface.join(' ')
    const spellings = spec.case === 'capitals' ? [text, text.toUpperCase()] : [text]
    return spellings.map((spelling) => charactersOf(spelling.trim()).map(({ unit }) => normal(unit)))
  }
  const readings = typeof surface === 'string' ? divisionsOf(surface) : [surface.map(normal)]
  if (spec.case !== 'capitals') return readings
  return [...readings, ...readings.map((words) => words.map((word) => word.toUpperCase()))]
}

const plainWord = /^[\p{L}\p{N}]+$/u

/** By our rules for words, and by its spaces where those differ: a text's own words may come from either. */
function divisionsOf(surface: string): string[][] {
  const bySpaces = normal(surface.trim()).split(/\s+/)
  if (bySpaces.every((word) => plainWord.test(word) && word.length < 1000)) return [bySpaces]
  const text = bySpaces.join(' ')
  const byRules = findWords(text).map(({ start, end }) => text.slice(start, end))
  return byRules.length === 0 || byRules.join(' ') === text ? [bySpaces] : [byRules, bySpaces]
}

/** Characters of a text, each run of white space as one blank, with their offsets. */
function charactersOf(text: string): { readonly unit: string; readonly start: number; readonly end: number }[] {
  return Array.from(text.matchAll(/\s+|[^]/gu), ({ 0: found, index }) => ({
    unit: /\s/.test(found) ? ' ' : found,
    start: index,
    end: index + found.length,
  }))
}

/** The text as a trie's root reads it: numbers of words, their places, and the runs that no name crosses. */
interface Reading {
  readonly numbers: Int32Array
  readonly places: readonly { readonly start: number; readonly end: number }[]
  readonly runs: readonly { readonly start: number; readonly end: number }[]
}

const readers: Record<(typeof rootNames)[number], (words: Words, vocabulary: Vocabulary) => Reading> = {
  word: (words) => byWords(words, ({ exact }) => exact),
  'word folded': (words) => byWords(words, ({ folded }) => folded),
  character: (words, vocabulary) => byCharacters(words, (unit) => numberOf(vocabulary, normal(unit))),
  'character folded': (words, vocabulary) => byCharacters(words, (unit) => numberOf(vocabulary, folded(unit))),
}

function byWords({ lexemes, tokens, runs }: Words, number: (word: Lexeme) => number): Reading {
  const numbers = new Int32Array(lexemes.length)
  for (let i = 0; i < numbers.length; i++) numbers[i] = number(lexemes[i]!)
  return { numbers, places: tokens, runs }
}

function byCharacters({ text }: Words, number: (unit: string) => number): Reading {
  const characters = charactersOf(text)
  return {
    numbers: Int32Array.from(characters, ({ unit }) => number(unit)),
    places: characters,
    runs: [{ start: 0, end: characters.length }],
  }
}

/** Adds each function's spans to its list: a span for each label of an ambiguous surface. */
export function gazetteerMatcher({ vocabulary, trie, meanings, roots }: Gazetteer) {
  const { first, entries, weights } = trie
  const sources = 1 + Math.max(-1, ...meanings.map(({ source }) => source))
  const sourceOf = Int32Array.from(meanings, ({ source }) => source)
  const isLongest = new Uint8Array(sources)
  for (const { source, longest } of meanings) if (longest) isLongest[source] = 1
  const readings = roots.map((root) => ({ root, children: childrenOf(trie, root, vocabulary.size) }))
  /** Where each function's last match ended, and its longest match from the present word on. */
  const free = new Int32Array(sources)
  const end = new Int32Array(sources)
  const node = new Int32Array(sources)

  return (words: Words, layers: readonly Span[][]): void => {
    for (const { root, children } of readings) {
      const { numbers, places, runs } = readers[rootNames[root]!](words, vocabulary)
      const give = (source: number, node: number, from: number, to: number) =>
        emit(node, source, places[from]!.start, places[to - 1]!.end, layers[source]!)
      free.fill(0)
      for (const run of runs) {
        for (let from = run.start; from < run.end; from++) {
          let touched = 0
          let at = numbers[from]! < 0 ? -1 : children[numbers[from]!]!
          for (let to = from + 1; at >= 0; to++) {
            for (let entry = first[at]!; entry >= 0; entry = entries[2 * entry + 1]!) {
              const source = sourceOf[entries[2 * entry]!]!
              if (meanings[entries[2 * entry]!]!.longest) {
                if (from < free[source]!) continue
                touched = Math.max(touched, source + 1)
              } else if (end[source] !== to || node[source] !== at) give(source, at, from, to)
              end[source] = to
              node[source] = at
            }
            at = to < run.end && numbers[to]! >= 0 ? step(trie, at, numbers[to]!) : -1
          }
          for (let source = 0; source < touched; source++) {
            if (isLongest[source] === 0 || end[source]! <= from || free[source]! > from) continue
            give(source, node[source]!, from, end[source]!)
            free[source] = end[source]!
          }
        }
      }
      end.fill(0)
    }
  }

  function emit(node: number, source: number, start: number, end: number, layer: Span[]): void {
    const found: { readonly label: string; readonly weight: number }[] = []
    for (let entry = first[node]!; entry >= 0; entry = entries[2 * entry + 1]!) {
      const meaning = entries[2 * entry]!
      if (sourceOf[meaning] === source) found.push({ label: meanings[meaning]!.label, weight: weights[entry]! })
    }
    if (found.length === 1) {
      layer.push({ start, end, label: found[0]!.label })
      return
    }
    // Of several labels each has its share of the popularity, where that is known of all. Entries are chained last first.
    const total = found.reduce((sum, { weight }) => sum + weight, 0)
    for (const { label, weight } of found.reverse()) {
      layer.push({ start, end, label, ...(total > 0 && { score: weight / total }) })
    }
  }
}
