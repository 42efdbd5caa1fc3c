import type { ConfusionMatrix } from '../data/confusion.js'
import { type Agreement, cohen, collapse, oneAgainstRest, type Table, withoutFirst } from './coefficients.js'
import { type Estimate, estimate, type Resampling } from './estimate.js'
import { labelUnits, typeOfCode, type Unit } from './labels.js'
import type { SharedCorpus } from './match.js'
import { pairSpans, type SpanPair } from './pairing.js'
import { rowBuilder, sumRows } from './rows.js'
import { countPairs, f1, type SpanAgreement, spanColumns, spanConfusion, spanSums } from './spans.js'

/** Labels that are compared: IOB2 tags or types, with O; of all units, or without those that everybody calls O. */
export const variants = ['tags', 'types', 'tagsWithoutO', 'typesWithoutO'] as const
export type Variant = (typeof variants)[number]

export const variantNames: Readonly<Record<Variant, string>> = {
  tags: 'IOB2 tags',
  types: 'types',
  tagsWithoutO: 'IOB2 tags, without O of all',
  typesWithoutO: 'types, without O of all',
}

/** Stretches have types alone, and none of them is O for all. */
export const variantsOf = (unit: Unit): readonly Variant[] => (unit === 'span' ? ['types'] : variants)

export interface Kappa extends Omit<Agreement, 'kappa'> {
  /** How many units it is of. */
  readonly units: number
  /** Without a value where everything has one label. */
  readonly kappa: Estimate
}

/** A type against all others and O, and its spans. */
export interface TypeAgreement extends SpanAgreement, Kappa {}

/** How two annotators agree. */
export interface PairAgreement {
  /** Their indices in the corpus. */
  readonly annotators: readonly [number, number]
  /** How many both have labelled. */
  readonly documents: number
  readonly kappa: Readonly<Record<Variant, Kappa>>
  readonly spans: SpanAgreement
  readonly perType: Readonly<Record<string, TypeAgreement>>
  /** Of units by type, O first: the first annotator down, the second across. */
  readonly confusion: Table
  readonly spanConfusion: ConfusionMatrix
}

/** Agreement of two annotators, by their indices, who share a document. O(units + spans), and the resampling. */
export function pairAgreement(
  corpus: SharedCorpus,
  [a, b]: readonly [number, number],
  types: readonly string[],
  unit: Unit,
  resampling: Resampling,
): PairAgreement {
  const index = new Map(types.map((type, i) => [type, i]))
  const tags = 2 * types.length + 1
  const builder = rowBuilder(tags * tags + spanColumns(types.length))
  const pairs: SpanPair[] = []
  let documents = 0
  for (const { document, spans } of corpus.documents) {
    const [first, second] = [spans[a], spans[b]]
    if (!first || !second) continue
    documents++
    const [left, right] = labelUnits({ document, spans: [first, second] }, index, unit)
    left!.forEach((code, i) => builder.add(code * tags + right![i]!, 1))
    const found = pairSpans(first, second)
    countPairs(found, index, (column, count) => builder.add(tags * tags + column, count))
    builder.end()
    pairs.push(...found)
  }
  const rows = builder.rows()
  const tablesAndSpans = (sums: Float64Array) => ({
    ...tablesOf(sums, types.length),
    spans: (of: readonly number[]) => spanSums(sums.subarray(tags * tags), of),
  })
  const all = types.map((_, type) => type)
  const estimates = estimate(
    rows,
    (sums) => {
      const { whole, perType, spans } = tablesAndSpans(sums)
      const measures: Record<string, number> = {}
      for (const variant of variants) measures[variant] = cohen(whole[variant]).kappa
      const addSpans = (name: string, of: readonly number[]) => {
        const counts = spans(of)
        measures[`exact ${name}`] = f1(counts.exact, counts)
        measures[`partial ${name}`] = f1(counts.partial, counts)
      }
      for (const [t, type] of types.entries()) {
        measures[`kappa ${type}`] = cohen(perType[t]!).kappa
        addSpans(type, [t])
      }
      addSpans('', all)
      return measures
    },
    resampling,
  )
  const { whole, perType, spans } = tablesAndSpans(sumRows(rows))
  const kappaOf = (table: Table, name: string): Kappa => ({
    ...cohen(table),
    units: table.counts.reduce((sum, count) => sum + count, 0),
    kappa: estimates[name]!,
  })
  const spansOf = (name: string, of: readonly number[]): SpanAgreement => {
    const { first, second } = spans(of)
    return { exact: estimates[`exact ${name}`]!, partial: estimates[`partial ${name}`]!, spans: [first, second] }
  }
  return {
    annotators: [a, b],
    documents,
    kappa: forVariants((variant) => kappaOf(whole[variant], variant)),
    spans: spansOf('', all),
    perType: Object.fromEntries(
      types.map((type, t) => [type, { ...kappaOf(perType[t]!, `kappa ${type}`), ...spansOf(type, [t]) }]),
    ),
    confusion: whole.types,
    spanConfusion: spanConfusion(pairs, types),
  }
}

/** The tables that kappa is read off: of the variants, and of each type alone. */
function tablesOf(sums: Float64Array, types: number) {
  const size = 2 * types + 1
  const tags = { size, counts: sums.subarray(0, size * size) }
  const byType = collapse(tags, typeOfCode, types + 1)
  const whole: Record<Variant, Table> = {
    tags,
    types: byType,
    tagsWithoutO: withoutFirst(tags),
    typesWithoutO: withoutFirst(byType),
  }
  return { whole, perType: Array.from({ length: types }, (_, type) => oneAgainstRest(byType, type + 1)) }
}

/** One of something for every variant. */
export const forVariants = <T>(of: (variant: Variant) => T): Record<Variant, T> =>
  Object.fromEntries(variants.map((variant) => [variant, of(variant)])) as Record<Variant, T>
