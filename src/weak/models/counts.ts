import { emptyCounts, type ExpectedCounts, type MarkovChain } from './forward-backward.js'
import type { Emissions } from './emissions.js'
import { isClosedPattern, type Evidence } from '../votes/segments.js'

/** What is known before any model: the states of closed words, all O, and of chains that people have checked. */
export interface Certain {
  readonly counts: ExpectedCounts
  /** How often each distinct segment occurs in chains that are not checked. */
  readonly times: Float64Array
}

/**
 * A few thousand checked words would be lost among millions of others. They count for as much as these, together, and
 * for no less than what they are (EM with weighted unlabelled data, Nigam et al. 2000).
 */
function checkedWeight(known: Int32Array): number {
  const checked = known.reduce((sum, state) => sum + Number(state >= 0), 0)
  return checked === 0 ? 1 : Math.max(1, (known.length - checked) / checked)
}

/**
 * Counts what is certain. `known` is the state of every word of a checked chain, and -1 elsewhere. A type that nobody
 * votes for is not open to a label model: there it stands for O, whose meaning is "none of the types voted for".
 */
export function certainCounts({ votes, open, segments }: Evidence, known?: Int32Array): Certain {
  const { words, chains, tags } = votes
  const states = tags.length
  const counts = emptyCounts(states, open.starts.length - 1)
  const occurrences = new Float64Array(segments.starts.length - 1)
  const weight = known ? checkedWeight(known) : 1
  const stateOf = (word: number): number => {
    const pattern = words[word]!
    if (isClosedPattern(open, pattern)) return 0
    const state = known?.[word] ?? -1
    return state < 0 || open.states.subarray(open.starts[pattern], open.starts[pattern + 1]).includes(state) ? state : 0
  }
  for (let chain = 0; chain + 1 < chains.length; chain++) {
    let before = -1
    const times = known && known[chains[chain]!]! >= 0 ? weight : 1
    for (let word = chains[chain]!; word < chains[chain + 1]!; word++) {
      const own = stateOf(word)
      // The words before it may be closed: then the span begins here.
      const state = own > 0 && own % 2 === 0 && before !== own && before !== own - 1 ? own - 1 : own
      if (state >= 0) {
        counts.occupancy[words[word]! * states + state]! += times
        if (word === chains[chain]) counts.initial[state]! += times
        else if (before >= 0) counts.transition[before * states + state]! += times
      }
      before = state
    }
  }
  segments.occurrences.segments.forEach((segment, i) => {
    if (stateOf(segments.occurrences.words[i]!) < 0) occurrences[segment]!++
  })
  return { counts, times: occurrences }
}

export const copyOf = ({ initial, transition, occupancy }: ExpectedCounts): ExpectedCounts => ({
  initial: initial.slice(),
  transition: transition.slice(),
  occupancy: occupancy.slice(),
})

/** Log-likelihood of known states and their votes: Σ counts · log probability. */
export function certainLogLikelihood(
  counts: ExpectedCounts,
  { initial, transition }: MarkovChain,
  { likelihood, logScale }: Emissions,
): number {
  const states = initial.length
  const seen = (count: Float64Array, probability: Float64Array) =>
    count.reduce((sum, times, i) => (times > 0 ? sum + times * Math.log(probability[i]!) : sum), 0)
  const scales = counts.occupancy.reduce((sum, times, i) => sum + times * logScale[Math.floor(i / states)]!, 0)
  return (
    seen(counts.initial, initial) + seen(counts.transition, transition) + seen(counts.occupancy, likelihood) + scales
  )
}

/**
 * Counts as if the words of a segment were independent, with the distributions of their patterns, [patterns × states]:
 * where EM begins.
 */
export function independentCounts(
  { votes, open, segments }: Evidence,
  { counts: certain, times }: Certain,
  rows: Float64Array,
): ExpectedCounts {
  const states = votes.tags.length
  const counts = copyOf(certain)
  const openOf = (pattern: number) => open.states.subarray(open.starts[pattern], open.starts[pattern + 1])
  for (const [segment, count] of times.entries()) {
    if (count === 0) continue
    const first = segments.starts[segment]!
    const last = segments.starts[segment + 1]! - 1
    for (let at = first; at <= last; at++) {
      const pattern = segments.patterns[at]!
      for (const state of openOf(pattern)) {
        const mass = count * rows[pattern * states + state]!
        counts.occupancy[pattern * states + state]! += mass
        if (at === last && segments.endsChain[segment] === 0) counts.transition[state * states]! += mass
        if (at > first) {
          const before = segments.patterns[at - 1]!
          for (const from of openOf(before))
            counts.transition[from * states + state]! += mass * rows[before * states + from]!
        } else if (segments.beginsChain[segment] === 1) counts.initial[state]! += mass
        else counts.transition[state]! += mass
      }
    }
  }
  return counts
}
