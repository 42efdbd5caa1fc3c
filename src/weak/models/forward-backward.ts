import type { Emissions } from './emissions.js'
import type { OpenStates, Segments } from '../votes/segments.js'

/** The chain of a hidden Markov model over [states]: how it begins, and [from × to] how it goes on. */
export interface MarkovChain {
  readonly initial: Float64Array
  readonly transition: Float64Array
}

/** Expected counts, under a model's posterior. */
export interface ExpectedCounts {
  readonly initial: Float64Array
  readonly transition: Float64Array
  /** Words by [pattern × state]. */
  readonly occupancy: Float64Array
}

export function emptyCounts(states: number, patterns: number): ExpectedCounts {
  return {
    initial: new Float64Array(states),
    transition: new Float64Array(states * states),
    occupancy: new Float64Array(patterns * states),
  }
}

/**
 * The forward–backward pass over one segment (Rabiner 1989, scaled): posteriors of its words are left in `posteriors`,
 * [words × states]. A segment stands between O words, or at an end of its chain.
 *
 * α₁ ∝ entry·e₁,  αₜ ∝ (αₜ₋₁ T)·eₜ,  βₙ = exit,  βₜ₋₁ = T(eₜ·βₜ),  γₜ = αₜβₜ / Σ αₜβₜ,
 * ξₜ(i, j) = αₜ₋₁(i) T(i, j) eₜ(j) βₜ(j) / Σ.
 */
// eslint-disable-next-line max-lines-per-function -- two passes over the same buffers, which no other code may see
export function forwardBackward(
  { initial, transition }: MarkovChain,
  { likelihood, logScale }: Emissions,
  open: OpenStates,
  segments: Segments,
) {
  const states = initial.length
  const longest = segments.starts.reduce((most, start, i) => Math.max(most, start - (segments.starts[i - 1] ?? 0)), 1)
  const alpha = new Float64Array(longest * states)
  const beta = new Float64Array(longest * states)
  const posteriors = new Float64Array(longest * states)

  /** α and β of a segment; the logarithm of its likelihood. */
  function run(segment: number): number {
    const first = segments.starts[segment]!
    const length = segments.starts[segment + 1]! - first
    let logLikelihood = 0
    posteriors.fill(0, 0, length * states)
    for (let t = 0; t < length; t++) {
      const pattern = segments.patterns[first + t]!
      const row = t * states
      let sum = 0
      for (let j = open.starts[pattern]!; j < open.starts[pattern + 1]!; j++) {
        const to = open.states[j]!
        let reach = 0
        if (t === 0) reach = segments.beginsChain[segment] === 1 ? initial[to]! : transition[to]!
        else {
          const before = segments.patterns[first + t - 1]!
          for (let i = open.starts[before]!; i < open.starts[before + 1]!; i++) {
            const from = open.states[i]!
            reach += alpha[row - states + from]! * transition[from * states + to]!
          }
        }
        sum += alpha[row + to] = reach * likelihood[pattern * states + to]!
      }
      for (let j = open.starts[pattern]!; j < open.starts[pattern + 1]!; j++) alpha[row + open.states[j]!]! /= sum
      logLikelihood += Math.log(sum) + logScale[pattern]!
    }
    let tail = 0
    for (let t = length - 1; t >= 0; t--) {
      const pattern = segments.patterns[first + t]!
      const row = t * states
      let sum = 0
      for (let i = open.starts[pattern]!; i < open.starts[pattern + 1]!; i++) {
        const from = open.states[i]!
        let rest = 0
        if (t === length - 1) rest = segments.endsChain[segment] === 1 ? 1 : transition[from * states]!
        else {
          const after = segments.patterns[first + t + 1]!
          for (let j = open.starts[after]!; j < open.starts[after + 1]!; j++) {
            const to = open.states[j]!
            rest += transition[from * states + to]! * likelihood[after * states + to]! * beta[row + states + to]!
          }
        }
        beta[row + from] = rest
        sum += alpha[row + from]! * rest
      }
      // What the scaled α leave of the likelihood: the way out of the segment.
      if (t === length - 1) tail = Math.log(sum)
      for (let i = open.starts[pattern]!; i < open.starts[pattern + 1]!; i++) {
        const state = open.states[i]!
        beta[row + state]! /= sum
        posteriors[row + state] = alpha[row + state]! * beta[row + state]!
      }
    }
    return logLikelihood + tail
  }

  /** Adds a segment's expected counts, so many times over. */
  function count(segment: number, times: number, counts: ExpectedCounts): void {
    const first = segments.starts[segment]!
    const length = segments.starts[segment + 1]! - first
    const entry = segments.beginsChain[segment] === 1 ? counts.initial : counts.transition
    for (let t = 0; t < length; t++) {
      const pattern = segments.patterns[first + t]!
      const row = t * states
      for (let j = open.starts[pattern]!; j < open.starts[pattern + 1]!; j++) {
        const to = open.states[j]!
        const mass = times * posteriors[row + to]!
        counts.occupancy[pattern * states + to]! += mass
        if (t === 0) entry[to]! += mass
        if (t === length - 1 && segments.endsChain[segment] === 0) counts.transition[to * states]! += mass
      }
      if (t === 0) continue
      const before = segments.patterns[first + t - 1]!
      let sum = 0
      for (const pass of [0, 1]) {
        for (let i = open.starts[before]!; i < open.starts[before + 1]!; i++) {
          const from = open.states[i]!
          for (let j = open.starts[pattern]!; j < open.starts[pattern + 1]!; j++) {
            const to = open.states[j]!
            const joint =
              alpha[row - states + from]! *
              transition[from * states + to]! *
              likelihood[pattern * states + to]! *
              beta[row + to]!
            if (pass === 0) sum += joint
            else counts.transition[from * states + to]! += (times * joint) / sum
          }
        }
      }
    }
  }

  return { run, count, posteriors }
}
