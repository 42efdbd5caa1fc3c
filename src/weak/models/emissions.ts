import type { OpenStates } from '../votes/segments.js'
import { statesOfVote, type Votes } from '../votes/votes.js'

/** How one source votes on a word, given its true tag: probabilities of every code, [states × (1 + tags)]. */
export type Confusion = Float64Array

/** Likelihoods of patterns by state, [patterns × states], each row divided by its largest value; closed states are 0. */
export interface Emissions {
  readonly likelihood: Float64Array
  /** The logarithm of what each row was divided by. */
  readonly logScale: Float64Array
}

/** Below the largest of its row by this factor, a likelihood decides nothing, but keeps a chain from breaking. */
const least = 1e-280

/**
 * p(pattern | state) = Π p(vote of s | state)^w over the sources s, with weights w [patterns × sources]; a vote split over
 * several types has the mean of their probabilities.
 */
export function emissions(
  votes: Votes,
  open: OpenStates,
  confusions: readonly Confusion[],
  weights: Float64Array,
): Emissions {
  const { patterns, sources, tags } = votes
  const states = tags.length
  const count = open.starts.length - 1
  const likelihood = new Float64Array(count * states)
  const logScale = new Float64Array(count)
  for (let pattern = 0; pattern < count; pattern++) {
    const row = pattern * states
    let highest = -Infinity
    for (let i = open.starts[pattern]!; i < open.starts[pattern + 1]!; i++) {
      const state = open.states[i]!
      let sum = 0
      for (let source = 0; source < sources.length; source++) {
        const cell = pattern * sources.length + source
        sum += weights[cell]! * Math.log(probability(votes, confusions[source]!, state, patterns[cell]!))
      }
      likelihood[row + state] = sum
      if (sum > highest) highest = sum
    }
    logScale[pattern] = highest
    for (let i = open.starts[pattern]!; i < open.starts[pattern + 1]!; i++) {
      const at = row + open.states[i]!
      likelihood[at] = Math.max(least, Math.exp(likelihood[at]! - highest))
    }
  }
  return { likelihood, logScale }
}

function probability(votes: Votes, confusion: Confusion, state: number, vote: number): number {
  const row = state * (1 + votes.tags.length)
  if (vote <= votes.tags.length) return confusion[row + vote]!
  const meant = statesOfVote(votes, vote)
  return meant.reduce((sum, tag) => sum + confusion[row + 1 + tag]!, 0) / meant.length
}

/**
 * How often each source cast each vote, [states × (1 + tags)], given [patterns × states] words; these count by the source's
 * weight in their pattern. A split vote is divided as the confusions of before explain it (the E-step of a coarsened
 * observation); without any, evenly.
 */
export function voteCounts(
  votes: Votes,
  open: OpenStates,
  occupancy: Float64Array,
  weights: Float64Array,
  before?: readonly Confusion[],
): Float64Array[] {
  const { patterns, sources, tags } = votes
  const states = tags.length
  const width = 1 + states
  return sources.map((_, source) => {
    const counts = new Float64Array(states * width)
    for (let pattern = 0; pattern + 1 < open.starts.length; pattern++) {
      const cell = pattern * sources.length + source
      const vote = patterns[cell]!
      const meant = vote <= states ? [] : statesOfVote(votes, vote)
      for (let i = open.starts[pattern]!; i < open.starts[pattern + 1]!; i++) {
        const state = open.states[i]!
        const row = state * width
        const mass = weights[cell]! * occupancy[pattern * states + state]!
        if (vote <= states) counts[row + vote]! += mass
        const share = (tag: number) => (before ? before[source]![row + 1 + tag]! : 1)
        const total = meant.reduce((sum, tag) => sum + share(tag), 0)
        for (const tag of meant) counts[row + 1 + tag]! += (mass * share(tag)) / total
      }
    }
    return counts
  })
}
