import type { Evidence } from '../votes/segments.js'
import { statesOfVote } from '../votes/votes.js'

/** Every source that speaks counts the same. */
export interface MajorityModel {
  readonly kind: 'majority'
}

export const fitMajority = (): MajorityModel => ({ kind: 'majority' })

/** The share of the votes that each tag has in each pattern, [patterns × states]; a split vote counts in parts. */
export function majorityRows({ votes, open }: Evidence): Float64Array {
  const { patterns, sources, tags } = votes
  const states = tags.length
  const rows = new Float64Array((open.starts.length - 1) * states)
  for (let pattern = 0; pattern + 1 < open.starts.length; pattern++) {
    let cast = 0
    for (let source = 0; source < sources.length; source++) {
      const meant = statesOfVote(votes, patterns[pattern * sources.length + source]!)
      if (meant.length > 0) cast++
      for (const state of meant) rows[pattern * states + state]! += 1 / meant.length
    }
    if (cast === 0) rows[pattern * states] = 1
    else for (let state = 0; state < states; state++) rows[pattern * states + state]! /= cast
  }
  return rows
}
