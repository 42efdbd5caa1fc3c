import { type Document, goldLayer } from '../data/document.js'
import { random, shuffle } from '../random.js'

/** What documents are told apart by. */
export type Trait = 'type' | 'source' | 'length'

export const traits = ['type', 'source', 'length'] as const satisfies readonly Trait[]

/** Documents that are alike in every trait, and how many of them are drawn. */
export interface Stratum {
  /** The value of each trait, in the order they were asked for. */
  readonly values: readonly string[]
  readonly documents: readonly Document[]
  readonly drawn: number
}

export interface Sample {
  /** In the order of the corpus. */
  readonly documents: readonly Document[]
  /** Sorted by their values. */
  readonly strata: readonly Stratum[]
}

/**
 * A stratified sample of `size` documents, the same for the same seed. Half of it is shared out evenly among the strata,
 * and to rare ones first, so that none that is rare is lost; the rest in proportion to their sizes. Smaller corpora are
 * taken whole.
 */
export function sampleStratified(
  documents: readonly Document[],
  size: number,
  by: readonly Trait[],
  seed: number,
): Sample {
  const valuesOf = by.map((trait) => traitOf[trait](documents))
  const groups = new Map<string, { values: string[]; members: number[] }>()
  for (const index of documents.keys()) {
    const values = valuesOf.map((of) => of[index]!)
    const group = groups.get(values.join('\n'))
    if (group) group.members.push(index)
    else groups.set(values.join('\n'), { values, members: [index] })
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => ({ key, ...group }))
  const drawn = allocate(
    sorted.map(({ members }) => members.length),
    size,
  )
  const chosen: number[] = []
  const strata = sorted.map(({ key, values, members }, i) => {
    chosen.push(...shuffle([...members], random('sample', seed, key)).slice(0, drawn[i]))
    return { values, documents: members.map((index) => documents[index]!), drawn: drawn[i]! }
  })
  return { documents: chosen.sort((a, b) => a - b).map((index) => documents[index]!), strata }
}

/** How many to draw from groups of these sizes. Sums to `total`, or to all there is; never more than a group has. */
export function allocate(sizes: readonly number[], total: number): number[] {
  const drawn = sizes.map(() => 0)
  const rareFirst = [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!)
  // The even half, or one each as far as it goes.
  const share = Math.max(1, Math.floor(total / 2 / sizes.length))
  let left = Math.min(
    total,
    sizes.reduce((a, b) => a + b, 0),
  )
  for (const group of rareFirst) {
    drawn[group] = Math.min(share, sizes[group]!, left)
    left -= drawn[group]
  }
  // Largest remainders (Hamilton) of what is left, by what the groups still hold, until nothing is.
  const remaining = sizes.map((size, group) => size - drawn[group]!)
  const rest = remaining.reduce((a, b) => a + b, 0)
  if (left === 0) return drawn
  const quotas = remaining.map((held) => (left * held) / rest)
  const floors = quotas.map(Math.floor)
  const missing = left - floors.reduce((a, b) => a + b, 0)
  const byRemainder = [...sizes.keys()].sort((a, b) => quotas[b]! - floors[b]! - (quotas[a]! - floors[a]!) || a - b)
  for (const group of byRemainder.slice(0, missing)) floors[group]!++
  return drawn.map((count, group) => count + floors[group]!)
}

/** A trait's value for every document of a corpus. */
const traitOf: Record<Trait, (documents: readonly Document[]) => string[]> = {
  /** A document with several types counts as its rarest. */
  type(documents) {
    const counts = new Map<string, number>()
    const typesOf = documents.map(({ layers }) =>
      [...new Set((layers[goldLayer] ?? []).map(({ label }) => label))].sort(),
    )
    for (const types of typesOf) for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1)
    return typesOf.map((types) =>
      types.length === 0 ? 'none' : types.reduce((a, b) => (counts.get(b)! < counts.get(a)! ? b : a)),
    )
  },
  /** What the document says of itself (`source`, or `meta.source`), else its id up to the last divider. */
  source: (documents) =>
    documents.map(({ id, fields }) => {
      const meta = fields?.['meta']
      const said = fields?.['source'] ?? (typeof meta === 'object' && meta && 'source' in meta ? meta['source'] : null)
      return typeof said === 'string' ? said : (/^(.+)[:/#].*$/.exec(id)?.[1] ?? 'none')
    }),
  /** Thirds of the corpus by number of words. */
  length(documents) {
    const lengths = documents.map(wordsOf)
    const sorted = [...lengths].sort((a, b) => a - b)
    const [low, high] = [1, 2].map((third) => sorted[Math.floor((third * (sorted.length - 1)) / 3)]!) as [
      number,
      number,
    ]
    return lengths.map((length) =>
      length <= low ? `1: up to ${low} words` : length <= high ? `2: ${low + 1} to ${high}` : `3: over ${high}`,
    )
  },
}

const wordsOf = ({ text, tokens }: Document) => tokens?.length ?? text.split(/\s+/).filter(Boolean).length
