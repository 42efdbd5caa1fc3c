import type { Evidence } from '../votes/segments.js'
import { believed, type LabelModelSettings } from './settings.js'
import { sentinelLabel } from '../../sources/source.js'
import { statesOfVote, typeOfState } from '../votes/votes.js'

/** A vote weighs what its source's votes for that type have proved to be worth. */
export interface WeightedModel {
  readonly kind: 'weighted'
  /** How often a source's votes for O and for each type are right, [sources × (1 + types)]. */
  readonly precisions: Float64Array
}

/** No source is trusted, or distrusted, beyond this. */
const surest = 0.99

/**
 * Precisions without labels: against the believed ones' vote, then against the vote weighed by what that gave. More
 * rounds would let sources that agree talk themselves into certainty. Where words are checked (`known` is the state of
 * each, -1 where it is not), these settle it, with the former as so many votes of belief.
 */
export function fitWeighted(evidence: Evidence, settings: LabelModelSettings, known?: Int32Array): WeightedModel {
  const { votes, open } = evidence
  const all = new Float64Array(open.starts.length - 1)
  const checked = new Float64Array(all.length * votes.tags.length)
  for (const [word, pattern] of votes.words.entries()) {
    all[pattern]!++
    if (known && known[word]! >= 0) checked[pattern * votes.tags.length + known[word]!]!++
  }
  let precisions = believedPrecisions(evidence, settings)
  for (let round = 0; round < 2; round++) {
    const rows = weightedRows(evidence, precisions)
    for (let cell = 0; cell < rows.length; cell++) rows[cell]! *= all[Math.floor(cell / votes.tags.length)]!
    precisions = precisionsAgainst(evidence, rows, believedPrecisions(evidence, settings), settings.strength)
  }
  if (known) precisions = precisionsAgainst(evidence, checked, precisions, settings.strength)
  return { kind: 'weighted', precisions }
}

/** What the configuration believes, [sources × (1 + types)]. */
export function believedPrecisions({ votes }: Evidence, settings: LabelModelSettings): Float64Array {
  const types = [sentinelLabel, ...votes.labels]
  return Float64Array.from(votes.sources.flatMap((source) => types.map((type) => believed(settings, source, type))))
}

/** Shares of votes that fall on words of their own type, by [patterns × states] words, from a belief worth some votes. */
function precisionsAgainst(
  { votes, open }: Evidence,
  words: Float64Array,
  belief: Float64Array,
  strength: number,
): Float64Array {
  const { patterns, sources, labels, tags } = votes
  const types = 1 + labels.length
  const right = belief.map((share) => share * strength)
  const cast = belief.map(() => strength)
  const byType = new Float64Array(types)
  for (let pattern = 0; pattern + 1 < open.starts.length; pattern++) {
    byType.fill(0)
    for (let state = 0; state < tags.length; state++)
      byType[typeOfState(state)]! += words[pattern * tags.length + state]!
    const total = byType.reduce((sum, count) => sum + count, 0)
    if (total === 0) continue
    for (let source = 0; source < sources.length; source++) {
      const meant = statesOfVote(votes, patterns[pattern * sources.length + source]!)
      for (const state of meant) {
        const cell = source * types + typeOfState(state)
        cast[cell]! += total / meant.length
        right[cell]! += byType[typeOfState(state)]! / meant.length
      }
    }
  }
  return right.map((count, cell) => Math.min(surest, Math.max(1 - surest, count / cast[cell]!)))
}

/**
 * Distributions by pattern, [patterns × states]: p(tag) ∝ exp Σ log(p/(1 − p)) over the votes for it, the weights that
 * are best for independent voters (Nitzan & Paroush 1982). O starts at 0, so that a tag needs votes worth more than a
 * coin's; a tag nobody votes for is left out.
 */
export function weightedRows({ votes, open }: Evidence, precisions: Float64Array): Float64Array {
  const { patterns, sources, tags, labels } = votes
  const states = tags.length
  const types = 1 + labels.length
  const rows = new Float64Array((open.starts.length - 1) * states)
  const scores = new Float64Array(states)
  for (let pattern = 0; pattern + 1 < open.starts.length; pattern++) {
    scores.fill(-Infinity)
    scores[0] = 0
    for (let source = 0; source < sources.length; source++) {
      const meant = statesOfVote(votes, patterns[pattern * sources.length + source]!)
      for (const state of meant) {
        const share = precisions[source * types + typeOfState(state)]!
        const before = scores[state] === -Infinity ? 0 : scores[state]!
        scores[state] = before + Math.log(share / (1 - share)) / meant.length
      }
    }
    const highest = Math.max(...scores)
    let sum = 0
    for (let state = 0; state < states; state++) sum += Math.exp(scores[state]! - highest)
    for (let state = 0; state < states; state++)
      rows[pattern * states + state] = Math.exp(scores[state]! - highest) / sum
  }
  return rows
}
