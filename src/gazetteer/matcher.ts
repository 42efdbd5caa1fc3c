import type { Span } from '../data/document.js'
import type { Words } from '../data/words.js'
import { folded, normal } from '../text/fold.js'
import type { Lexeme } from '../text/lexicon.js'
import { charactersOf, type Gazetteer, rootNames } from './gazetteer.js'
import { step } from './trie.js'
import { numberOf, type Vocabulary } from './vocabulary.js'

/** The text as a trie's root walks it: numbers of words, their offsets, and the runs that no name crosses. */
interface Walk {
  readonly numbers: Int32Array
  readonly places: readonly { readonly start: number; readonly end: number }[]
  readonly runs: readonly { readonly start: number; readonly end: number }[]
}

const readers: Record<(typeof rootNames)[number], (words: Words, vocabulary: Vocabulary) => Walk> = {
  word: (words) => byWords(words, ({ exact }) => exact),
  'word folded': (words) => byWords(words, ({ folded }) => folded),
  character: (words, vocabulary) => byCharacters(words, (unit) => numberOf(vocabulary, normal(unit))),
  'character folded': (words, vocabulary) => byCharacters(words, (unit) => numberOf(vocabulary, folded(unit))),
}

function byWords({ lexemes, tokens, runs }: Words, number: (word: Lexeme) => number): Walk {
  const numbers = new Int32Array(lexemes.length)
  for (let i = 0; i < numbers.length; i++) numbers[i] = number(lexemes[i]!)
  return { numbers, places: tokens, runs }
}

function byCharacters({ text }: Words, number: (unit: string) => number): Walk {
  const characters = charactersOf(text)
  return {
    numbers: Int32Array.from(characters, ({ unit }) => number(unit)),
    places: characters,
    runs: [{ start: 0, end: characters.length }],
  }
}

/** The number of a word, normal or folded, among the gazetteer's, or -1. */
export const wordNumbers =
  ({ vocabulary }: Gazetteer) =>
  (word: string): number =>
    numberOf(vocabulary, word)

/** Adds each function's spans to its list: a span for each label of an ambiguous surface. */
export function gazetteerMatcher({ vocabulary, trie, meanings, roots }: Gazetteer) {
  const { first, entries, weights } = trie
  const sources = 1 + Math.max(-1, ...meanings.map(({ source }) => source))
  const sourceOf = Int32Array.from(meanings, ({ source }) => source)
  const isLongest = new Uint8Array(sources)
  for (const { source, longest } of meanings) if (longest) isLongest[source] = 1
  /** Where each function's last match ended, and its longest match from the present word on. */
  const free = new Int32Array(sources)
  const end = new Int32Array(sources)
  const node = new Int32Array(sources)

  return (words: Words, layers: readonly Span[][]): void => {
    for (const { root, children } of roots) {
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
