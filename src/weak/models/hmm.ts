import { legalTransitions } from '../../data/schemes.js'
import { NerError } from '../../errors.js'
import { evidenceWeights, correlationsOf } from './correlation.js'
import { certainCounts, certainLogLikelihood, copyOf, independentCounts, type Certain } from './counts.js'
import { emissions, voteCounts, type Confusion } from './emissions.js'
import { forwardBackward, type ExpectedCounts, type MarkovChain } from './forward-backward.js'
import type { Evidence } from '../votes/segments.js'
import type { LabelModelSettings } from './settings.js'
import { abstain } from '../votes/votes.js'
import { believedPrecisions, fitWeighted, weightedRows } from './weighted.js'

/**
 * The true tags of a sentence are a Markov chain, of which each source sees what it can: it abstains, says O or a tag
 * with probabilities that depend on the true tag alone (its confusion). After Lison et al. 2020, with silence a vote
 * like any other: that a source which knows most places says nothing is evidence too.
 *
 * The words of one name count as so many witnesses, though a source errs by name: where names are long, the best source
 * comes out better than it is, by up to 0.05 for names of one to three words.
 */
export interface HmmModel extends Parameters {
  readonly kind: 'hmm'
  /** [sources × sources], 0 where sources err independently. */
  readonly correlations: Float64Array
  /** The logarithm of likelihood times prior at each round of EM; it never falls. */
  readonly history: readonly number[]
}

export interface Parameters extends MarkovChain {
  readonly confusions: readonly Confusion[]
}

/** Words that count as seen before any is: for every legal step, and for every vote of a source. */
const pseudo = { step: 1, silent: 1, right: 0.5, wrong: 0.02 }

/**
 * Baum–Welch (Baum et al. 1970) from the weighted vote, up to the maximum of likelihood times a Dirichlet prior. Checked
 * chains (`known` is the state of each word, -1 where it is not) are counted as they are.
 *
 * Throws `weak/not-finite` where the likelihood is no number.
 */
export function fitHmm(evidence: Evidence, settings: LabelModelSettings, known?: Int32Array): HmmModel {
  const certain = certainCounts(evidence, known)
  const precisions = known ? fitWeighted(evidence, settings, known).precisions : believedPrecisions(evidence, settings)
  const start = independentCounts(evidence, certain, weightedRows(evidence, precisions))
  const correlations = correlationsOf(evidence.votes, patternTotals(start, evidence.votes.tags.length), settings)
  const weights = evidenceWeights(evidence.votes, correlations)
  let parameters = maximise(evidence, start, weights)
  const history: number[] = []
  const enough = settings.tolerance * (1 + votedWords(evidence, certain))
  for (let before = -Infinity; history.length < settings.iterations;) {
    const { counts, objective } = expectation(evidence, certain, parameters, weights)
    if (!Number.isFinite(objective)) throw notFinite(history.length + 1)
    history.push(objective)
    parameters = maximise(evidence, counts, weights, parameters.confusions)
    const converged = objective - before < enough
    before = objective
    if (converged) break
  }
  return { kind: 'hmm', ...parameters, correlations, history }
}

/** Words by pattern. */
const patternTotals = ({ occupancy }: ExpectedCounts, states: number): Float64Array =>
  Float64Array.from({ length: occupancy.length / states }, (_, pattern) =>
    occupancy.subarray(pattern * states, (pattern + 1) * states).reduce((sum, words) => sum + words, 0),
  )

function votedWords({ segments }: Evidence, { times }: Certain): number {
  return times.reduce((sum, count, i) => sum + count * (segments.starts[i + 1]! - segments.starts[i]!), 0)
}

const notFinite = (round: number) =>
  new NerError('weak/not-finite', `The likelihood of the votes is no number in round ${round} of EM.`, {
    mend: 'Leave label_model.precision at its default, or fit fewer sources, to see which one it comes from.',
  })

/** The E-step: expected counts, and the logarithm of likelihood times prior. */
export function expectation(
  { votes, open, segments }: Evidence,
  certain: Certain,
  parameters: Parameters,
  weights: Float64Array,
): { counts: ExpectedCounts; objective: number } {
  const likelihoods = emissions(votes, open, parameters.confusions, weights)
  const engine = forwardBackward(parameters, likelihoods, open, segments)
  const counts = copyOf(certain.counts)
  let objective = logPrior(parameters) + certainLogLikelihood(certain.counts, parameters, likelihoods)
  for (const [segment, times] of certain.times.entries()) {
    if (times === 0) continue
    objective += times * engine.run(segment)
    engine.count(segment, times, counts)
  }
  return { counts, objective }
}

/** The M-step: θ ∝ counts + pseudo-counts. */
export function maximise(
  { votes, open }: Evidence,
  counts: ExpectedCounts,
  weights: Float64Array,
  before?: readonly Confusion[],
): Parameters {
  const states = votes.tags.length
  const legal = legalTransitions(votes.tags, 'IOB2')
  const initial = counts.initial.map((count, state) => (legal.start[state] ? count + pseudo.step : 0))
  normaliseRows(initial, states)
  const transition = counts.transition.map((count, step) =>
    legal.follow[Math.floor(step / states)]![step % states] ? count + pseudo.step : 0,
  )
  normaliseRows(transition, states)
  const confusions = voteCounts(votes, open, counts.occupancy, weights, before).map((table) => {
    const confusion = table.map((count, cell) => count + pseudoVotes(states, cell))
    normaliseRows(confusion, 1 + states)
    return confusion
  })
  return { initial, transition, confusions }
}

/** For a cell of a confusion. */
function pseudoVotes(states: number, cell: number): number {
  const state = Math.floor(cell / (1 + states))
  const vote = cell % (1 + states)
  if (vote === abstain) return pseudo.silent
  return state > 0 && vote === 1 + state ? pseudo.right : pseudo.wrong
}

function normaliseRows(table: Float64Array, width: number): void {
  for (let row = 0; row < table.length; row += width) {
    let sum = 0
    for (let cell = row; cell < row + width; cell++) sum += table[cell]!
    for (let cell = row; cell < row + width; cell++) table[cell]! /= sum
  }
}

/** Of Dirichlet distributions, but for a constant: Σ pseudo-counts · log θ. */
function logPrior({ initial, transition, confusions }: Parameters): number {
  const steps = (table: Float64Array) => table.reduce((sum, p) => (p > 0 ? sum + pseudo.step * Math.log(p) : sum), 0)
  const vote = (sum: number, p: number, cell: number) => sum + pseudoVotes(initial.length, cell) * Math.log(p)
  return confusions.reduce((sum, confusion) => confusion.reduce(vote, sum), steps(initial) + steps(transition))
}

/** The posteriors of a segment's words, [words × states]; the array is used again for the next segment. */
export function hmmPosteriors(model: HmmModel, { votes, open, segments }: Evidence): (segment: number) => Float64Array {
  const likelihoods = emissions(votes, open, model.confusions, evidenceWeights(votes, model.correlations))
  const engine = forwardBackward(model, likelihoods, open, segments)
  return (segment) => {
    engine.run(segment)
    return engine.posteriors
  }
}
