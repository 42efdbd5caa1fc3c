import type { ConfusionMatrix } from '../data/confusion.js'
import type { Estimate } from './estimate.js'
import { overlap, sameEnds, type SpanPair } from './pairing.js'

/** F1 of one annotator's spans against the other's, which is the same both ways. */
export interface SpanAgreement {
  /** Both ends and the type are equal. */
  readonly exact: Estimate
  /** The type is equal and the spans overlap, one to one. */
  readonly partial: Estimate
  /** How many spans each of the two has. */
  readonly spans: readonly [number, number]
}

/** What is counted of every type's spans: pairs that agree, and each annotator's own. */
const counts = ['exact', 'partial', 'first', 'second'] as const
type Count = (typeof counts)[number]

/** Columns that the spans of so many types take. */
export const spanColumns = (types: number): number => counts.length * types

const columnOf = (type: number, count: Count) => counts.length * type + counts.indexOf(count)

/** Counts a document's pairs of spans. */
export function countPairs(
  pairs: readonly SpanPair[],
  types: ReadonlyMap<string, number>,
  add: (column: number, count: number) => void,
): void {
  for (const { first, second } of pairs) {
    if (first) add(columnOf(types.get(first.label)!, 'first'), 1)
    if (second) add(columnOf(types.get(second.label)!, 'second'), 1)
    if (!first || !second || first.label !== second.label || !overlap(first, second)) continue
    add(columnOf(types.get(first.label)!, 'partial'), 1)
    if (sameEnds(first, second)) add(columnOf(types.get(first.label)!, 'exact'), 1)
  }
}

/** What the span columns say of one type, or of all together. */
export function spanSums(sums: Float64Array, types: readonly number[]): Record<Count, number> {
  const sum = (count: Count) => types.reduce((total, type) => total + sums[columnOf(type, count)]!, 0)
  return { exact: sum('exact'), partial: sum('partial'), first: sum('first'), second: sum('second') }
}

/** F1 = 2 · agreeing / (spans of both); NaN where there are none. */
export const f1 = (agreeing: number, { first, second }: Record<Count, number>): number =>
  (2 * agreeing) / (first + second)

/** Where each type of the first annotator's spans went with the second, as a model's errors are shown. */
export function spanConfusion(pairs: Iterable<SpanPair>, types: readonly string[]): ConfusionMatrix {
  const index = new Map(types.map((type, i) => [type, i]))
  const zeros = () => new Array<number>(types.length).fill(0)
  const matrix = { types, exact: types.map(zeros), boundary: types.map(zeros), missed: zeros(), spurious: zeros() }
  for (const { first, second } of pairs) {
    const row = index.get(first?.label ?? '')!
    const column = index.get(second?.label ?? '')!
    if (!second) matrix.missed[row]!++
    else if (!first) matrix.spurious[column]!++
    else matrix[sameEnds(first, second) ? 'exact' : 'boundary'][row]![column]!++
  }
  return matrix
}
