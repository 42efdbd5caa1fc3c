import type { SoftTags, Span, Token } from '../../data/document.js'
import { legalTransitions } from '../../data/schemes.js'
import { decodeTags, runsOf, type ScoredRun } from './decode.js'
import { fitHmm, hmmPosteriors, type HmmModel } from './hmm.js'
import { fitMajority, majorityRows, type MajorityModel } from './majority.js'
import type { Evidence } from '../votes/segments.js'
import type { LabelModelSettings } from './settings.js'
import type { SegmentedDocument } from '../../data/segment.js'
import { fitWeighted, weightedRows, type WeightedModel } from './weighted.js'

/** What weighs the votes of sources. */
export type LabelModel = MajorityModel | WeightedModel | HmmModel
export type LabelModelKind = LabelModel['kind']

/** Gives the posteriors of a distinct segment's words, [words × states], until it is asked for the next one. */
export type Posteriors = (segment: number) => Float64Array

interface Method<M extends LabelModel> {
  /** Learns from votes, and from checked words where there are any: `known` is the state of each, -1 where it is not. */
  readonly fit: (evidence: Evidence, settings: LabelModelSettings, known?: Int32Array) => M
  readonly posteriors: (model: M, evidence: Evidence) => Posteriors
}

const methods: { readonly [K in LabelModelKind]: Method<Extract<LabelModel, { kind: K }>> } = {
  majority: { fit: fitMajority, posteriors: (_, evidence) => rowsBySegment(evidence, majorityRows(evidence)) },
  weighted: {
    fit: fitWeighted,
    posteriors: ({ precisions }, evidence) => rowsBySegment(evidence, weightedRows(evidence, precisions)),
  },
  hmm: { fit: fitHmm, posteriors: hmmPosteriors },
}

/** Fits the model that the settings name. Throws `config/bad-value` and `weak/not-finite`. */
export const fitLabelModel = (evidence: Evidence, settings: LabelModelSettings, known?: Int32Array): LabelModel =>
  methods[settings.model].fit(evidence, settings, known)

export function posteriorsOf(model: LabelModel, evidence: Evidence): Posteriors {
  const { posteriors } = methods[model.kind] as Method<LabelModel>
  return posteriors(model, evidence)
}

/** A model that looks at words one by one has a row for every pattern. */
function rowsBySegment({ votes, segments }: Evidence, rows: Float64Array): Posteriors {
  const states = votes.tags.length
  return (segment) => {
    const patterns = segments.patterns.subarray(segments.starts[segment], segments.starts[segment + 1])
    const posteriors = new Float64Array(patterns.length * states)
    for (const [word, pattern] of patterns.entries())
      posteriors.set(rows.subarray(pattern * states, (pattern + 1) * states), word * states)
    return posteriors
  }
}

/** What a label model says of a distinct segment. */
interface SegmentLabels {
  readonly runs: readonly ScoredRun[]
  readonly rows: readonly (readonly number[])[]
}

export type LabelledDocument = SegmentedDocument & { readonly soft: SoftTags }

/** Labels a document of those that the votes were collected from, given its index among them. */
export type Labeller = (document: SegmentedDocument, index: number) => LabelledDocument

/** The layer that a label model's spans are written to. */
export const weakLayer = 'weak'

/**
 * What a label model makes of documents: scored spans in the layer `weak`, in place of the votes, and a distribution
 * over IOB2 tags for every word.
 */
export function labeller(evidence: Evidence, model: LabelModel): Labeller {
  const { votes, segments } = evidence
  const { words: firsts, segments: ids } = segments.occurrences
  const labelled = segmentLabels(evidence, posteriorsOf(model, evidence))
  const known: SegmentLabels[] = []
  const outside: readonly number[] = votes.tags.map((_, state) => (state === 0 ? 1 : 0))
  return ({ annotator: _annotator, ...document }, index) => {
    const { tokens } = document
    const first = votes.chains[votes.documents[index]!]!
    const rows = new Array<readonly number[]>(tokens.length).fill(outside)
    const spans: Span[] = []
    for (let i = firstAtLeast(firsts, first); i < firsts.length && firsts[i]! < first + tokens.length; i++) {
      const at = firsts[i]! - first
      const found = (known[ids[i]!] ??= labelled(ids[i]!))
      for (const [word, row] of found.rows.entries()) rows[at + word] = row
      for (const run of found.runs) spans.push(spanOf(run, at, tokens))
    }
    return { ...document, layers: { [weakLayer]: spans }, soft: { tags: votes.tags, rows } }
  }
}

/** Index of the first of ascending numbers that is not below a bound. */
function firstAtLeast(ascending: Int32Array, bound: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! < bound) low = middle + 1
    else high = middle
  }
  return low
}

/** Decodes a segment and writes its distributions as people read numbers. */
function segmentLabels({ votes, segments }: Evidence, posteriors: Posteriors): (segment: number) => SegmentLabels {
  const legal = legalTransitions(votes.tags, 'IOB2')
  const states = votes.tags.length
  return (segment) => {
    const words = segments.starts[segment + 1]! - segments.starts[segment]!
    const found = posteriors(segment)
    return {
      runs: runsOf(decodeTags(found, words, legal), found, votes.labels),
      rows: Array.from({ length: words }, (_, word) => rounded(found.subarray(word * states, (word + 1) * states))),
    }
  }
}

const spanOf = ({ start, end, label, score }: ScoredRun, at: number, tokens: readonly Token[]): Span => ({
  start: tokens[at + start]!.start,
  end: tokens[at + end - 1]!.end,
  label,
  score: Math.round(score * 1e4) / 1e4,
})

/** Shares in ten-thousandths that still sum to 1: the largest takes what rounding left. */
function rounded(shares: Float64Array): number[] {
  const parts = Array.from(shares, (share) => Math.round(share * 1e4))
  const largest = shares.indexOf(Math.max(...shares))
  parts[largest]! += 1e4 - parts.reduce((sum, part) => sum + part, 0)
  return parts.map((part) => part / 1e4)
}
