import { NerError } from '../../errors.js'
import type { LabelModelSettings } from './settings.js'
import { abstain, type Votes } from '../votes/votes.js'

/*
 * A label model takes its sources to err independently. Two gazetteers made from one list do not: counted twice, their
 * error looks like a fact. n sources that correlate by ρ are worth n / (1 + (n − 1)ρ) independent ones (Kish 1965), so
 * that the log-likelihood of each has the weight 1 / (1 + Σ ρ to the others).
 */

/**
 * What each source's likelihood counts for in each pattern, [patterns × sources]: 1 / (1 + Σ ρ) over the others that
 * vote where it votes, or are silent where it is. Alone, a source keeps its whole say.
 */
export function evidenceWeights({ patterns, sources }: Votes, correlations: Float64Array): Float64Array {
  const count = sources.length
  const weights = new Float64Array(patterns.length).fill(1)
  if (correlations.every((correlation) => correlation === 0)) return weights
  for (let row = 0; row < patterns.length; row += count) {
    for (let i = 0; i < count; i++) {
      let others = 0
      for (let j = 0; j < count; j++)
        if ((patterns[row + i] === abstain) === (patterns[row + j] === abstain)) others += correlations[i * count + j]!
      weights[row + i] = 1 / (1 + others)
    }
  }
  return weights
}

/**
 * Sources that were declared correlated, wholly so. Throws `config/bad-value` on a name that is no source's.
 */
function declaredCorrelations(sources: readonly string[], groups: readonly (readonly string[])[]): Float64Array {
  const correlations = new Float64Array(sources.length ** 2)
  for (const group of groups) {
    const members = group.map((name) => {
      const source = sources.indexOf(name)
      if (source >= 0) return source
      throw new NerError('config/bad-value', `label_model.correlated names ${name}, which casts no votes.`, {
        where: 'label_model.correlated',
        mend: `Sources are ${sources.join(', ')}.`,
      })
    })
    for (const i of members) for (const j of members) if (i !== j) correlations[i * sources.length + j] = 1
  }
  return correlations
}

/** Sources of which so large a share of votes are the same are taken for one. */
const repetition = 0.8

/**
 * Sources that repeat one another, seen from the votes alone, [patterns] words: of the words on which either votes, the
 * share on which both cast the same vote. Before any model: one that starts from copies' votes takes them for the truth,
 * under which they err no more.
 */
function repeatedVotes({ patterns, sources }: Votes, words: Float64Array): Float64Array {
  const count = sources.length
  const correlations = new Float64Array(count * count)
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      let same = 0
      let either = 0
      for (const [pattern, times] of words.entries()) {
        const [a, b] = [patterns[pattern * count + i]!, patterns[pattern * count + j]!]
        if (a === abstain && b === abstain) continue
        either += times
        if (a === b) same += times
      }
      const share = either > 0 ? same / either : 0
      if (share >= repetition) correlations[i * count + j] = correlations[j * count + i] = share
    }
  }
  return correlations
}

/** [sources × sources]: those that the settings declare, or those that the votes show; `words` are counted by pattern. */
export function correlationsOf(votes: Votes, words: Float64Array, { correlated }: LabelModelSettings): Float64Array {
  return correlated === 'detect'
    ? repeatedVotes(votes, words)
    : declaredCorrelations(votes.sources, correlated === 'none' ? [] : correlated)
}
