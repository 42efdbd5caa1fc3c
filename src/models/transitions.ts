import type { Transitions } from '../data/schemes.js'

/** A CRF's scores as numbers, −∞ where the scheme forbids a transition. Flat, from row to column. */
export interface Chain {
  readonly labels: number
  readonly transitions: Float64Array
  readonly start: Float64Array
  readonly end: Float64Array
}

export function makeChain(
  parameters: { readonly transitions: Float32Array; readonly start: Float32Array; readonly end: Float32Array },
  legal: Transitions,
): Chain {
  const masked = (scores: Float32Array, allowed: readonly boolean[]) =>
    Float64Array.from(scores, (score, i) => (allowed[i] ? score : -Infinity))
  return {
    labels: legal.start.length,
    transitions: masked(parameters.transitions, legal.follow.flat()),
    start: masked(parameters.start, legal.start),
    end: masked(parameters.end, legal.end),
  }
}
