import { goldLayer, type Document, type Token } from './document.js'
import { findWords } from '../text/words.js'

/** How numbers are spread. */
export interface Spread {
  readonly mean: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

export interface TypeStats {
  readonly spans: number
  readonly surfaces: number
  /** The commonest, with how often each is there. */
  readonly commonest: readonly (readonly [surface: string, count: number])[]
}

export interface CorpusStats {
  readonly documents: number
  readonly sentences: number
  readonly tokens: number
  readonly spans: number
  /** Distinct labelled strings. */
  readonly surfaces: number
  /** Share of tokens that are inside a span. */
  readonly labelledTokens: number
  /** Share of documents without a span. */
  readonly withoutSpans: number
  readonly spansPer100Tokens: number
  readonly tokensPerDocument: Spread
  readonly tokensPerSentence: Spread
  readonly tokensPerSpan: Spread
  /** How many sentences have so many tokens, by number of tokens. */
  readonly sentenceLengths: ReadonlyMap<number, number>
  readonly spanLengths: ReadonlyMap<number, number>
  /** Sorted by spans, most first. */
  readonly types: Readonly<Record<string, TypeStats>>
}

const commonestShown = 5

/** Counts what labelled documents hold. `words` finds the tokens of texts that come without. */
export function corpusStats(
  documents: readonly Document[],
  words: (text: string) => readonly Token[] = findWords,
  layer = goldLayer,
): CorpusStats {
  const perDocument: number[] = []
  const perSentence: number[] = []
  const perSpan: number[] = []
  const types = new Map<string, Map<string, number>>()
  let labelledTokens = 0
  let withoutSpans = 0
  for (const document of documents) {
    const { text, tokens = words(text), sentences = [{ start: 0, end: tokens.length }], layers } = document
    const spans = layers[layer] ?? []
    perDocument.push(tokens.length)
    perSentence.push(...sentences.map(({ start, end }) => end - start))
    if (spans.length === 0) withoutSpans++
    for (const span of spans) {
      const surfaces = types.get(span.label) ?? new Map<string, number>()
      types.set(span.label, surfaces)
      add(surfaces, text.slice(span.start, span.end))
      perSpan.push(tokensWithin(tokens, span))
    }
    const merged = spans.length === 0 ? [] : mergedRanges(spans)
    labelledTokens += merged.reduce((sum, range) => sum + tokensWithin(tokens, range), 0)
  }
  const tokens = sum(perDocument)
  const byCount = [...types].sort((a, b) => sum(b[1].values()) - sum(a[1].values()))
  return {
    documents: documents.length,
    sentences: perSentence.length,
    tokens,
    spans: perSpan.length,
    surfaces: new Set([...types.values()].flatMap((surfaces) => [...surfaces.keys()])).size,
    labelledTokens: share(labelledTokens, tokens),
    withoutSpans: share(withoutSpans, documents.length),
    spansPer100Tokens: 100 * share(perSpan.length, tokens),
    tokensPerDocument: spreadOf(perDocument),
    tokensPerSentence: spreadOf(perSentence),
    tokensPerSpan: spreadOf(perSpan),
    sentenceLengths: histogram(perSentence),
    spanLengths: histogram(perSpan),
    types: Object.fromEntries(byCount.map(([label, surfaces]) => [label, typeStats(surfaces)])),
  }
}

function typeStats(surfaces: ReadonlyMap<string, number>): TypeStats {
  const commonest = [...surfaces].sort((a, b) => b[1] - a[1]).slice(0, commonestShown)
  return { spans: sum(surfaces.values()), surfaces: surfaces.size, commonest }
}

/** How many tokens touch a range; tokens are sorted. */
function tokensWithin(tokens: readonly Token[], { start, end }: Token): number {
  let low = 0
  let high = tokens.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (tokens[middle]!.end > start) high = middle
    else low = middle + 1
  }
  let after = low
  while (after < tokens.length && tokens[after]!.start < end) after++
  return after - low
}

/** Ranges that overlap as one. */
function mergedRanges(spans: readonly Token[]): Token[] {
  const merged: { start: number; end: number }[] = []
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last && start < last.end) last.end = Math.max(last.end, end)
    else merged.push({ start, end })
  }
  return merged
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  const at = (quantile: number) => sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0
  return { mean: share(sum(values), values.length), median: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 }
}

function histogram(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const value of [...values].sort((a, b) => a - b)) add(counts, value)
  return counts
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
