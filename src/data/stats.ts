import { goldLayer, type Document, type Token } from './document.js'
import { seenTexts } from './stream/seen.js'
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
  const counter = statsCounter(words, layer)
  counter.add(documents)
  return counter.stats()
}

/** Counts as {@link corpusStats} what comes in pieces, and keeps none of it. */
export interface StatsCounter {
  add(documents: readonly Document[]): void
  stats(): CorpusStats
}

/** Makes a counter. What it takes grows with the distinct labelled strings, by some 40 bytes for each. */
export function statsCounter(words: (text: string) => readonly Token[] = findWords, layer = goldLayer): StatsCounter {
  const [perDocument, perSentence, perSpan] = [counts(), counts(), counts()]
  const types = new Map<string, SurfaceCounter>()
  const surfaces = seenTexts()
  let labelledTokens = 0
  let withoutSpans = 0
  const add = ({ text, layers, ...document }: Document) => {
    const { tokens = words(text), sentences = [{ start: 0, end: tokens.length }] } = document
    const spans = layers[layer] ?? []
    perDocument.add(tokens.length)
    for (const { start, end } of sentences) perSentence.add(end - start)
    if (spans.length === 0) withoutSpans++
    for (const span of spans) {
      const ofType = types.get(span.label) ?? surfaceCounter()
      types.set(span.label, ofType)
      const surface = text.slice(span.start, span.end)
      ofType.add(surface)
      surfaces.add(surface)
      perSpan.add(tokensWithin(tokens, span))
    }
    const merged = spans.length === 0 ? [] : mergedRanges(spans)
    for (const range of merged) labelledTokens += tokensWithin(tokens, range)
  }
  return {
    add: (documents) => {
      documents.forEach(add)
    },
    stats() {
      const [documents, tokens, spans] = [perDocument.count(), perDocument.sum(), perSpan.count()]
      const byCount = [...types].map(([label, { stats }]) => [label, stats()] as const)
      return {
        documents,
        sentences: perSentence.count(),
        tokens,
        spans,
        surfaces: surfaces.size,
        labelledTokens: share(labelledTokens, tokens),
        withoutSpans: share(withoutSpans, documents),
        spansPer100Tokens: 100 * share(spans, tokens),
        tokensPerDocument: perDocument.spread(),
        tokensPerSentence: perSentence.spread(),
        tokensPerSpan: perSpan.spread(),
        sentenceLengths: perSentence.sorted(),
        spanLengths: perSpan.sorted(),
        types: Object.fromEntries(byCount.sort(([, a], [, b]) => b.spans - a.spans)),
      }
    },
  }
}

interface SurfaceCounter {
  readonly add: (surface: string) => void
  readonly stats: () => TypeStats
}

/**
 * Counts strings by their hashes, and knows the commonest by name: a string that is among them at last is so when it is
 * counted for the last time.
 */
function surfaceCounter(): SurfaceCounter {
  const seen = seenTexts()
  let counted = new Float64Array(64)
  const top: { readonly surface: string; readonly at: number }[] = []
  let spans = 0
  const isBefore = (a: number, b: number) => counted[a]! > counted[b]! || (counted[a] === counted[b] && a < b)
  return {
    add(surface) {
      spans++
      const at = seen.add(surface)
      if (at >= counted.length) counted = doubled(counted)
      counted[at]!++
      const last = top.length === commonestShown ? top.at(-1)!.at : undefined
      if (last !== undefined && last !== at && !isBefore(at, last)) return
      // A copy: a slice would keep all of its text.
      if (!top.some((one) => one.at === at)) top.push({ surface: Buffer.from(surface).toString(), at })
      top.sort((a, b) => (isBefore(a.at, b.at) ? -1 : 1))
      top.length = Math.min(top.length, commonestShown)
    },
    stats: () => ({
      spans,
      surfaces: seen.size,
      commonest: top.map(({ surface, at }) => [surface, counted[at]!] as const),
    }),
  }
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(2 * values.length)
  longer.set(values)
  return longer
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

/** How often each number was given. */
function counts() {
  const counts = new Map<number, number>()
  let [count, sum] = [0, 0]
  const sorted = () => new Map([...counts].sort(([a], [b]) => a - b))
  const at = (quantile: number) => {
    let left = Math.min(count - 1, Math.floor(quantile * count))
    for (const [value, times] of sorted()) if ((left -= times) < 0) return value
    return 0
  }
  return {
    add(value: number): void {
      counts.set(value, (counts.get(value) ?? 0) + 1)
      count++
      sum += value
    },
    count: () => count,
    sum: () => sum,
    sorted,
    spread: (): Spread => ({ mean: share(sum, count), median: at(0.5), p95: at(0.95), max: at(1) }),
  }
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)
