import { alignSpans } from '../../data/align.js'
import { goldLayer, type Span } from '../../data/document.js'
import type { Interval } from '../../data/scoring.js'
import type { SegmentedDocument } from '../../data/segment.js'
import { random, shuffle } from '../../random.js'
import { knownStates } from '../votes/checked.js'
import type { VotedCorpus } from '../fit.js'
import { fitLabelModel, posteriorsOf } from '../models/label-model.js'
import type { Evidence } from '../votes/segments.js'
import type { LabelModelSettings } from '../models/settings.js'
import { abstain, statesOfVote, typeOfState } from '../votes/votes.js'

/** A share of so many, with its 95 % interval (Wilson 1927). */
export interface Proportion {
  readonly right: number
  readonly of: number
  readonly interval: Interval
}

/** What is said of one source's votes for one type, or for O. Counts are of words but where spans are named. */
export interface SourceLabel {
  readonly source: string
  readonly label: string
  /** Words it votes on, and their share of all words. */
  readonly words: number
  readonly coverage: number
  /** Shares of these words: another source votes, too; another source votes for something else. */
  readonly overlaps: number
  readonly conflicts: number
  /** Share of these words that the label model takes for that type. */
  readonly estimated: number
  /** Spans of the checked set, strictly matched; absent without one, and of O. */
  readonly precision?: Proportion
  readonly recall?: Proportion
  /** Some of its wrong spans in the checked set. */
  readonly wrong: readonly WrongVote[]
}

export interface WrongVote {
  readonly document: string
  /** The sentence; the offsets of the spans are into it. */
  readonly text: string
  readonly gold: readonly Span[]
  readonly vote: Span
}

export interface VoteAnalysis {
  readonly documents: number
  readonly words: number
  readonly sources: readonly string[]
  readonly rows: readonly SourceLabel[]
  /** By pair of sources: words on which both vote, and on how many of them for one type. */
  readonly agreement: readonly (readonly { readonly both: number; readonly same: number }[])[]
}

/** Wrong spans that are shown of a source and label. */
const shown = 5

/**
 * What each source's votes for each type are worth: alone, beside the others, under the label model of the settings, and
 * on the checked set where there is one.
 */
export function analyseVotes(corpus: VotedCorpus, settings: LabelModelSettings): VoteAnalysis {
  const { documents, unchecked, evidence } = corpus
  const { votes } = evidence
  const checked = documents.slice(unchecked).filter(({ layers }) => layers[goldLayer] !== undefined)
  const known = checked.length === 0 ? undefined : knownStates(documents, votes, (document) => document >= unchecked)
  const types = ['O', ...votes.labels]
  const counts = countVotes(evidence, typePosteriors(evidence, settings, known))
  const rows = votes.sources.flatMap((source, s) =>
    types.flatMap((label, type) => {
      const { words, overlaps, conflicts, estimated } = counts.cells[s * types.length + type]!
      if (words === 0) return []
      return [
        {
          source,
          label,
          words,
          coverage: words / votes.words.length,
          overlaps: overlaps / words,
          conflicts: conflicts / words,
          estimated: estimated / words,
          ...(type > 0 && checked.length > 0 ? onChecked(checked, source, label, settings.seed) : { wrong: [] }),
        },
      ]
    }),
  )
  return {
    documents: documents.length,
    words: votes.words.length,
    sources: votes.sources,
    rows,
    agreement: counts.agreement,
  }
}

/** Posteriors of O and the types, summed over the words of each pattern, [patterns × (1 + types)]. */
function typePosteriors(evidence: Evidence, settings: LabelModelSettings, known?: Int32Array): Float64Array {
  const { votes, segments } = evidence
  const states = votes.tags.length
  const types = 1 + votes.labels.length
  const sums = new Float64Array((votes.patterns.length / votes.sources.length) * types)
  for (const pattern of votes.words) sums[pattern * types]!++
  const posteriors = posteriorsOf(fitLabelModel(evidence, settings, known), evidence)
  const times = new Float64Array(segments.starts.length - 1)
  for (const segment of segments.occurrences.segments) times[segment]!++
  for (const [segment, count] of times.entries()) {
    const found = posteriors(segment)
    const first = segments.starts[segment]!
    for (let word = 0; first + word < segments.starts[segment + 1]!; word++) {
      const row = segments.patterns[first + word]! * types
      sums[row]! -= count
      for (let state = 0; state < states; state++)
        sums[row + typeOfState(state)]! += count * found[word * states + state]!
    }
  }
  return sums
}

/** Counts by [sources × (1 + types)], and by pair of sources. A split vote is one for each of its types. */
function countVotes({ votes }: Evidence, posteriors: Float64Array) {
  const { patterns, sources, labels } = votes
  const types = 1 + labels.length
  const cells = Array.from({ length: sources.length * types }, () => ({
    words: 0,
    overlaps: 0,
    conflicts: 0,
    estimated: 0,
  }))
  const agreement = sources.map(() => sources.map(() => ({ both: 0, same: 0 })))
  const times = new Float64Array(patterns.length / sources.length)
  for (const pattern of votes.words) times[pattern]!++
  for (const [pattern, count] of times.entries()) {
    const cast = sources.flatMap((_, source) => {
      const vote = patterns[pattern * sources.length + source]!
      return vote === abstain ? [] : [{ source, types: [...new Set(statesOfVote(votes, vote).map(typeOfState))] }]
    })
    for (const a of cast) {
      const others = cast.filter((b) => b !== a)
      for (const b of others) {
        const pair = agreement[a.source]![b.source]!
        pair.both += count
        if (a.types.some((type) => b.types.includes(type))) pair.same += count
      }
      for (const type of a.types) {
        const cell = cells[a.source * types + type]!
        cell.words += count
        if (others.length > 0) cell.overlaps += count
        if (others.some((b) => !b.types.includes(type))) cell.conflicts += count
        cell.estimated += posteriors[pattern * types + type]!
      }
    }
  }
  return { cells, agreement }
}

/** Spans of one source and label against the gold ones. */
function onChecked(documents: readonly SegmentedDocument[], source: string, label: string, seed: number) {
  let right = 0
  let found = 0
  let gold = 0
  const wrong: WrongVote[] = []
  for (const document of documents) {
    const { tokens, layers } = document
    const spans = (layer: string) => (layers[layer] ?? []).filter((span) => span.label === label)
    const wanted = alignSpans(spans(goldLayer), tokens).words
    gold += wanted.length
    const keys = new Set(wanted.map(({ start, end }) => `${start} ${end}`))
    for (const { start, end } of alignSpans(spans(source), tokens).words) {
      found++
      if (keys.has(`${start} ${end}`)) right++
      else wrong.push(inItsSentence(document, start, end, label))
    }
  }
  return {
    precision: proportion(right, found),
    recall: proportion(right, gold),
    wrong: shuffle(wrong, random('wrong votes', source, label, seed)).slice(0, shown),
  }
}

/** A run of words with the sentence it begins in. */
function inItsSentence(document: SegmentedDocument, first: number, end: number, label: string): WrongVote {
  const { id, text, tokens, sentences, layers } = document
  const sentence = sentences.find((it) => it.end > first)!
  const from = tokens[sentence.start]!.start
  const to = tokens[Math.max(end, sentence.end) - 1]!.end
  const moved = (span: Span): Span => ({ ...span, start: span.start - from, end: span.end - from })
  return {
    document: id,
    text: text.slice(from, to),
    gold: layers[goldLayer]!.filter((span) => span.start >= from && span.end <= to).map(moved),
    vote: moved({ start: tokens[first]!.start, end: tokens[end - 1]!.end, label }),
  }
}

/** Wilson's score interval: sensible for few trials and for shares near 0 and 1. */
export function proportion(right: number, of: number): Proportion {
  if (of === 0) return { right, of, interval: { low: 0, high: 1 } }
  const z = 1.959964
  const share = right / of
  const scale = 1 + z ** 2 / of
  const middle = (share + z ** 2 / (2 * of)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2))
  return { right, of, interval: { low: Math.max(0, middle - half), high: Math.min(1, middle + half) } }
}
