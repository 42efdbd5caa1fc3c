import type { Span } from '../../../src/data/document.js'
import { spansFromTags, tagsFromSpans, type WordSpan } from '../../../src/data/schemes.js'
import { segment, type SegmentedDocument } from '../../../src/data/segment.js'
import { random } from '../../../src/random.js'

export interface SimulatedSource {
  /** Of the types it sees, the share it gets right; the others get a wrong type. */
  readonly accuracy: number
  /** The share of names it votes on at all. */
  readonly coverage: number
  /** The share of words outside names that it calls a name of some type; 0 unless said. */
  readonly spurious?: number
  /** Repeats another source's votes instead. */
  readonly copies?: string
}

const labels = ['LOC', 'ORG', 'PER']

/** Documents of made-up words with names of one to so many of them, and sources that vote as they are said to. */
export function simulate(
  count: number,
  sources: Readonly<Record<string, SimulatedSource>>,
  { seed = 1, longest = 3 } = {},
): SegmentedDocument[] {
  const next = random('simulated votes', seed)
  const oneOf = <T>(items: readonly T[]) => items[Math.floor(next() * items.length)]!
  return Array.from({ length: count }, (_, id) => {
    const length = 8 + Math.floor(next() * 12)
    const gold: WordSpan[] = []
    for (let word = 0; word < length; word++) {
      if (next() > 0.15) continue
      const end = Math.min(length, word + 1 + Math.floor(next() * longest))
      gold.push({ start: word, end, label: oneOf(labels) })
      word = end
    }
    const tags = tagsFromSpans(gold, length, 'IOB2')
    const text = tags.map((_, word) => `w${word}`).join(' ')
    const document = segment({ id: String(id), text, layers: {} })
    const spanOf = ({ start, end, label }: WordSpan): Span => ({
      start: document.tokens[start]!.start,
      end: document.tokens[end - 1]!.end,
      label,
    })
    const layers: Record<string, Span[]> = { gold: spansFromTags(tags, 'IOB2').map(spanOf) }
    for (const [name, { accuracy, coverage, spurious = 0, copies }] of Object.entries(sources)) {
      layers[name] = copies
        ? [...layers[copies]!]
        : gold
            .flatMap((span) => {
              if (next() > coverage) return []
              return [next() < accuracy ? span : { ...span, label: oneOf(labels.filter((it) => it !== span.label)) }]
            })
            .map(spanOf)
      if (copies) continue
      for (const [word, tag] of tags.entries())
        if (tag === 'O' && next() < spurious)
          layers[name].push(spanOf({ start: word, end: word + 1, label: oneOf(labels) }))
    }
    return { ...document, layers }
  })
}
