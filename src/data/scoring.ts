import { random } from '../random.js'
import { spansFromTags, type Scheme, type TagMode, type WordSpan } from './schemes.js'

/** How tags were read into the spans that are scored; a score without its mode cannot be compared. */
export type ScoringMode = TagMode

/** Spans of one type that are right, wrongly predicted, and missed. A span is right where both ends and type are. */
export interface Counts {
  readonly tp: number
  readonly fp: number
  readonly fn: number
}

/** Counts by type, of one sentence, one document or a corpus. */
export type TypeCounts = ReadonlyMap<string, Counts>

/** Each between 0 and 1, and 0 where undefined. */
export interface Rates {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** `number` is how many gold spans there are, under the name that Hugging Face's metric files use. */
export interface TypeScore extends Rates, Counts {
  readonly number: number
}

export interface Scores {
  readonly mode: ScoringMode
  readonly micro: Rates & Counts & { readonly support: number }
  /** Mean over the types of gold and prediction. */
  readonly macro: Rates & { readonly support: number }
  /** Mean over types, weighted by their gold spans. */
  readonly weighted: Rates & { readonly support: number }
  /** Sorted by type. */
  readonly perType: Readonly<Record<string, TypeScore>>
  /** Share of tokens with the right tag; only where tags were scored. */
  readonly accuracy?: number
}

/**
 * Scores spans, sentence by sentence (or document by document). Types and both ends must be equal; a span given twice
 * counts once. Linear in spans where they come sorted.
 *
 * `mode` names how the spans were read from tags; those that were never tags are strict. Throws a RangeError where the
 * two sides differ in length.
 */
export function scoreSpans(
  gold: readonly (readonly WordSpan[])[],
  predicted: readonly (readonly WordSpan[])[],
  mode: ScoringMode = 'strict',
): Scores {
  checkSameLength(gold, predicted)
  return scoresFromCounts(sumCounts(gold.map((spans, i) => countSpans(spans, predicted[i]!))), mode)
}

/**
 * Scores tag sequences. `strict` equals seqeval's strict mode under the scheme; `conlleval` equals the conlleval script
 * (Tjong Kim Sang & De Meulder 2003) and seqeval's default.
 */
export function scoreTags(
  gold: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
  scheme: Scheme,
  mode: ScoringMode = 'strict',
): Scores {
  checkSameLength(gold, predicted)
  const spans = (sentences: readonly (readonly string[])[]) =>
    sentences.map((tags) => spansFromTags(tags, scheme, mode))
  let right = 0
  let tokens = 0
  for (const [i, tags] of gold.entries()) {
    const others = predicted[i]!
    checkSameLength(tags, others)
    tokens += tags.length
    for (let t = 0; t < tags.length; t++) if (tags[t] === others[t]) right++
  }
  return { ...scoreSpans(spans(gold), spans(predicted), mode), accuracy: ratio(right, tokens) }
}

function checkSameLength(gold: readonly unknown[], predicted: readonly unknown[]): void {
  if (gold.length !== predicted.length) {
    throw new RangeError(`gold and prediction differ in length: ${gold.length} and ${predicted.length}`)
  }
}

/** Right, wrong and missed spans of one sentence, by type. */
export function countSpans(gold: readonly WordSpan[], predicted: readonly WordSpan[]): TypeCounts {
  const counts = new Map<string, { tp: number; fp: number; fn: number }>()
  const of = (label: string) => {
    let entry = counts.get(label)
    if (!entry) counts.set(label, (entry = { tp: 0, fp: 0, fn: 0 }))
    return entry
  }
  for (const [wanted, found] of merge(distinct(gold), distinct(predicted), compareSpans)) {
    if (wanted && found) of(wanted.label).tp++
    else if (wanted) of(wanted.label).fn++
    else of(found!.label).fp++
  }
  return counts
}

export function sumCounts(all: Iterable<TypeCounts>): TypeCounts {
  const sum = new Map<string, Counts>()
  for (const counts of all) {
    for (const [label, { tp, fp, fn }] of counts) {
      const old = sum.get(label) ?? { tp: 0, fp: 0, fn: 0 }
      sum.set(label, { tp: old.tp + tp, fp: old.fp + fp, fn: old.fn + fn })
    }
  }
  return sum
}

export function scoresFromCounts(counts: TypeCounts, mode: ScoringMode = 'strict'): Scores {
  const types = [...counts].sort(([a], [b]) => compareStrings(a, b))
  const perType = types.map(([type, c]) => [type, { ...rates(c), number: c.tp + c.fn, ...c }] as const)
  const total = { tp: 0, fp: 0, fn: 0 }
  for (const [, c] of types) {
    total.tp += c.tp
    total.fp += c.fp
    total.fn += c.fn
  }
  const support = total.tp + total.fn
  const mean = (weight: (score: TypeScore) => number) => {
    const weights = perType.reduce((sum, [, score]) => sum + weight(score), 0)
    const average = (rate: keyof Rates) =>
      ratio(
        perType.reduce((sum, [, score]) => sum + weight(score) * score[rate], 0),
        weights,
      )
    return { precision: average('precision'), recall: average('recall'), f1: average('f1'), support }
  }
  return {
    mode,
    micro: { ...rates(total), support, ...total },
    macro: mean(() => 1),
    weighted: mean((score) => score.number),
    perType: Object.fromEntries(perType),
  }
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)

function rates({ tp, fp, fn }: Counts): Rates {
  const precision = ratio(tp, tp + fp)
  const recall = ratio(tp, tp + fn)
  return { precision, recall, f1: ratio(2 * precision * recall, precision + recall) }
}

const compareStrings = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1)
const compareBounds = (a: WordSpan, b: WordSpan) => a.start - b.start || a.end - b.end
const compareSpans = (a: WordSpan, b: WordSpan) => compareBounds(a, b) || compareStrings(a.label, b.label)

function distinct(spans: readonly WordSpan[]): readonly WordSpan[] {
  const ascending = (list: readonly WordSpan[]) =>
    list.every((span, i) => i === 0 || compareSpans(list[i - 1]!, span) < 0)
  if (ascending(spans)) return spans
  return [...spans].sort(compareSpans).filter((span, i, list) => i === 0 || compareSpans(list[i - 1]!, span) !== 0)
}

type Pair = readonly [WordSpan | undefined, WordSpan | undefined]

/** Walks two sorted lists at once, pairing what compares as equal. */
function merge(
  left: readonly WordSpan[],
  right: readonly WordSpan[],
  compare: (a: WordSpan, b: WordSpan) => number,
): Pair[] {
  const pairs: Pair[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    const order = i === left.length ? 1 : j === right.length ? -1 : compare(left[i]!, right[j]!)
    pairs.push([order <= 0 ? left[i++] : undefined, order >= 0 ? right[j++] : undefined])
  }
  return pairs
}

/** 95 % of the resamples lie between the two. */
export interface Interval {
  readonly low: number
  readonly high: number
}

export interface Intervals {
  readonly micro: Interval
  readonly perType: Readonly<Record<string, Interval>>
}

/**
 * Percentile bootstrap of F1 (Efron & Tibshirani 1993): units, which should be what was sampled independently
 * (documents, or sentences where there are no documents), are drawn with replacement, as many as there are. A resample
 * with no gold and no predicted span of a type says nothing about it and is left out of that type's interval.
 */
export function bootstrap(
  units: readonly TypeCounts[],
  { resamples = 1000, seed }: { readonly resamples?: number; readonly seed: number },
): Intervals {
  const types = [...new Set(units.flatMap((unit) => [...unit.keys()]))].sort(compareStrings)
  const column = new Map(types.map((type, i) => [type, i]))
  // F1 = 2 tp / (gold + predicted). Rows in the compressed sparse form: most units hold few types, or none.
  const rowStart = new Int32Array(units.length + 1)
  for (const [i, unit] of units.entries()) rowStart[i + 1] = rowStart[i]! + unit.size
  const cellType = new Int32Array(rowStart[units.length]!)
  const cellRight = new Int32Array(cellType.length)
  const cellSpans = new Int32Array(cellType.length)
  let cell = 0
  for (const unit of units) {
    for (const [type, { tp, fp, fn }] of unit) {
      cellType[cell] = column.get(type)!
      cellRight[cell] = tp
      cellSpans[cell++] = 2 * tp + fp + fn
    }
  }
  const next = random('bootstrap', seed)
  const f1s: number[][] = Array.from({ length: types.length + 1 }, () => [])
  const right = new Float64Array(types.length)
  const spans = new Float64Array(types.length)
  for (let resample = 0; resample < resamples; resample++) {
    right.fill(0)
    spans.fill(0)
    for (let draw = 0; draw < units.length; draw++) {
      const unit = Math.floor(next() * units.length)
      for (let c = rowStart[unit]!; c < rowStart[unit + 1]!; c++) {
        right[cellType[c]!]! += cellRight[c]!
        spans[cellType[c]!]! += cellSpans[c]!
      }
    }
    let allRight = 0
    let allSpans = 0
    for (let type = 0; type < types.length; type++) {
      allRight += right[type]!
      allSpans += spans[type]!
      if (spans[type]! > 0) f1s[type]!.push((2 * right[type]!) / spans[type]!)
    }
    f1s[types.length]!.push(ratio(2 * allRight, allSpans))
  }
  return {
    micro: percentiles(f1s[types.length]!),
    perType: Object.fromEntries(types.map((type, i) => [type, percentiles(f1s[i]!)])),
  }
}

/** What 95 % of the values lie between: their percentiles 2.5 and 97.5, interpolated. */
export function percentiles(values: readonly number[]): Interval {
  const sorted = Float64Array.from(values).sort()
  const percentile = (share: number) => {
    const place = share * (sorted.length - 1)
    const below = Math.floor(place)
    const above = Math.min(below + 1, sorted.length - 1)
    return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!)
  }
  return sorted.length === 0 ? { low: 0, high: 0 } : { low: percentile(0.025), high: percentile(0.975) }
}

/** The names that Hugging Face's `seqeval` metric and the scripts built on it write and read. */
export type Metrics = Record<string, number | { precision: number; recall: number; f1: number; number: number }>

export function toMetrics(scores: Scores): Metrics {
  const perType = Object.entries(scores.perType).map(
    ([type, { precision, recall, f1, number }]) => [type, { precision, recall, f1, number }] as const,
  )
  return {
    ...Object.fromEntries(perType),
    overall_precision: scores.micro.precision,
    overall_recall: scores.micro.recall,
    overall_f1: scores.micro.f1,
    ...(scores.accuracy !== undefined && { overall_accuracy: scores.accuracy }),
  }
}
