import { findWords } from '../text/words.js'
import type { Entry } from './knowledge-base.js'
import { folded, normal } from '../text/fold.js'
import { childrenOf, type Trie, trieBuilder } from './trie.js'
import { shared, type Vocabulary, vocabularyBuilder } from './vocabulary.js'

/*
 * All knowledge bases in one trie of words, so that a text is walked once. What differs in how a text is read has a root
 * of its own: by words or by characters, as written or with case folded.
 */

export const rootNames = ['word', 'word folded', 'character', 'character folded'] as const

/** Which surfaces of an entry are taken, and how a text may write them. */
export interface SurfaceSettings {
  /** What a text's words may differ in: nothing; all in capitals; case. */
  readonly case: 'exact' | 'capitals' | 'any'
  /** Where a surface may begin and end: at words' ends, or anywhere, inside words too. */
  readonly boundaries: 'word' | 'character'
  /** Of surfaces that overlap in a text: the longest, or all. */
  readonly overlaps: 'longest' | 'all'
  /** In UTF-16 units; shorter surfaces are left out. */
  readonly minLength: number
  readonly minWords: number
  readonly minPopularity?: number
  /** Surfaces that are left out, folded. */
  readonly stop: ReadonlySet<string>
}

const rootOf = ({ case: spelling, boundaries }: SurfaceSettings): number =>
  rootNames.indexOf(spelling === 'any' ? `${boundaries} folded` : boundaries)

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
  /** The roots that have anything under them, each with the nodes that words lead to from it, by number, or -1. */
  readonly roots: readonly { readonly root: number; readonly children: Int32Array }[]
}

export interface GazetteerBuilder {
  /** Adds an entry's surfaces under a label, and says how many were taken. */
  readonly add: (entry: Entry, label: string, source: number, settings: SurfaceSettings) => number
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
    add({ surfaces, popularity = NaN }, label, source, settings) {
      const { minLength, minWords, minPopularity, stop } = settings
      if (minPopularity !== undefined && !(popularity >= minPopularity)) return 0
      const root = rootOf(settings)
      const meaning = meaningOf(source, label, settings.overlaps === 'longest')
      let taken = 0
      for (const surface of surfaces) {
        const text = typeof surface === 'string' ? surface.trim() : surface.join(' ')
        if (text.length < minLength || (stop.size > 0 && stop.has(folded(text)))) continue
        const readings = divisionsAndSpellings(surface, settings)
        if (readings[0]!.length < minWords && settings.boundaries === 'word') continue
        for (const words of readings) {
          trie.add(
            root,
            words.map(settings.case === 'any' ? (word) => vocabulary.add(folded(word)) : vocabulary.add),
            meaning,
            popularity,
          )
        }
        roots.add(root)
        taken++
      }
      return taken
    },
    finish() {
      const words = vocabulary.finish()
      const names = trie.finish()
      const children = (root: number) => shared(childrenOf(names, root, words.size), words.size)
      return {
        vocabulary: words,
        trie: names,
        meanings,
        roots: [...roots].sort().map((root) => ({ root, children: children(root) })),
      }
    },
  }
}

/** The ways in which a surface may be divided and written, each its words. */
function divisionsAndSpellings(surface: string | readonly string[], settings: SurfaceSettings): string[][] {
  if (settings.boundaries === 'character') {
    const text = typeof surface === 'string' ? surface : surface.join(' ')
    const spellings = settings.case === 'capitals' ? [text, text.toUpperCase()] : [text]
    return spellings.map((spelling) => charactersOf(spelling.trim()).map(({ unit }) => normal(unit)))
  }
  const readings = typeof surface === 'string' ? divisionsOf(surface) : [surface.map(normal)]
  if (settings.case !== 'capitals') return readings
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
export function charactersOf(text: string): { readonly unit: string; readonly start: number; readonly end: number }[] {
  return Array.from(text.matchAll(/\s+|[^]/gu), ({ 0: found, index }) => ({
    unit: /\s/.test(found) ? ' ' : found,
    start: index,
    end: index + found.length,
  }))
}
