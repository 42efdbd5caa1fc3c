import { product } from '../graph/dims.js'
import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import type { Transitions } from '../data/schemes.js'
import { firstWords, forwardBackward, impossible, lastWords, type ChainMarginals, type ChainWords } from './chain.js'
import type { Parameter } from './parameters.js'

/**
 * Linear-chain conditional random field (Lafferty et al., 2001):
 *   p(y | e) ∝ exp(start[y₁] + Σ e[t, yₜ] + Σ transitions[yₜ₋₁, yₜ] + end[y_T])
 */
export interface CrfParameters {
  /** [labels, labels], from row to column. */
  readonly transitions: Value
  /** [labels] */
  readonly start: Value
  /** [labels] */
  readonly end: Value
}

export const crfNames = { transitions: 'crf.transitions', start: 'crf.start', end: 'crf.end' } as const

export function crfParameters(labels: number): Parameter[] {
  return [
    { name: crfNames.transitions, shape: [labels, labels], initial: 0, group: 'crf' },
    { name: crfNames.start, shape: [labels], initial: 0, group: 'crf' },
    { name: crfNames.end, shape: [labels], initial: 0, group: 'crf' },
  ]
}

/**
 * Σ over sentences of log Z − E_q[score], with q the target distribution (for hard tags, −log p of the gold path), as
 * a scalar. Transitions that `legal` forbids have probability 0.
 *
 * The gradient is closed: ∂/∂e[t] = p(yₜ) − q(yₜ), ∂/∂transitions = Σₜ p(yₜ₋₁, yₜ) − q(yₜ₋₁, yₜ), and the first and
 * last words' p − q for start and end. It vanishes where p has q's marginals; that there is such a p, q must be a
 * distribution over legal sequences.
 */
export function crfLoss(
  g: Graph,
  emissions: Value,
  parameters: CrfParameters,
  words: ChainWords,
  q: ChainMarginals,
  legal: Transitions,
): Value {
  const { marginals, logPartition } = crfChain(g, emissions, parameters, words, legal)
  const first = firstWords(g, words.mask)
  const last = lastWords(g, words.mask)
  const at = (place: Value) => g.sum(g.mul(q.tags, place), [0, 1], 0)
  const [qStart, qEnd] = [at(first), at(last)]
  const dot = (a: Value, b: Value) => g.sum(g.mul(a, b), [...a.shape.keys()], 0)
  const expectedScore = g.add(
    g.add(dot(q.tags, emissions), dot(q.steps, parameters.transitions)),
    g.add(dot(qStart, parameters.start), dot(qEnd, parameters.end)),
  )
  const loss = g.sub(logPartition(), expectedScore)

  return g.withGradient(loss, scoresOf(emissions, parameters), (dy) => {
    const p = marginals()
    return [
      g.mul(g.sub(p.tags, q.tags), dy),
      g.mul(g.sub(p.steps, q.steps), dy),
      g.mul(g.sub(g.sum(g.mul(p.tags, first), [0, 1], 0), qStart), dy),
      g.mul(g.sub(g.sum(g.mul(p.tags, last), [0, 1], 0), qEnd), dy),
    ]
  })
}

/** Evidence is never so strong that emissions beside it would count as the lowest. */
const smallestEvidence = 2 ** -30

/**
 * −log Σ_y p(y)·Π evidence[t, yₜ] = log Z(e) − log Z(e + log evidence), summed over sentences, as a scalar: what is known
 * of some words, where nothing may be known of others, whose evidence is 1 for every tag and says nothing. With 0 and 1
 * it is the likelihood of partially labelled sequences (Tsuboi et al. 2008); shares between them are virtual evidence
 * (Pearl 1988, 2.2.2), which a model that is sure of itself may outweigh.
 *
 * The gradient is closed: p − q, with q(y) ∝ p(y)·Π evidence[t, yₜ]. Where nothing is known, q is p.
 */
export function evidenceLoss(
  g: Graph,
  emissions: Value,
  parameters: CrfParameters,
  words: ChainWords,
  evidence: Value,
  legal: Transitions,
): Value {
  const free = crfChain(g, emissions, parameters, words, legal)
  const told = g.add(emissions, g.log(g.max(evidence, g.scalar(smallestEvidence))))
  const bound = crfChain(g, told, parameters, words, legal)
  const loss = g.sub(free.logPartition(), bound.logPartition())
  return g.withGradient(loss, scoresOf(emissions, parameters), (dy) => {
    const [p, q] = [free.marginals(), bound.marginals()]
    const difference = g.mul(g.sub(p.tags, q.tags), dy)
    const at = (place: Value) => g.sum(g.mul(difference, place), [0, 1], 0)
    return [difference, g.mul(g.sub(p.steps, q.steps), dy), at(firstWords(g, words.mask)), at(lastWords(g, words.mask))]
  })
}

const scoresOf = (emissions: Value, { transitions, start, end }: CrfParameters) => [emissions, transitions, start, end]

/** The marginals of a CRF's own distribution, e.g. of a teacher's. */
export function crfMarginals(
  g: Graph,
  emissions: Value,
  parameters: CrfParameters,
  words: ChainWords,
  legal: Transitions,
): ChainMarginals {
  return crfChain(g, emissions, parameters, words, legal).marginals()
}

/** Marginals of words that are independent of each other; of hard tags, their path. */
export function independentMarginals(g: Graph, targets: Value): ChainMarginals {
  const [sentences, words, labels] = targets.shape as [string, string, number]
  const previous = g.concat([g.fill([sentences, 1, labels], 0, 'float32'), g.slice(targets, 1, 0, -1)], 1)
  const flat = (value: Value) => g.reshape(value, [product([sentences, words]), labels])
  return { tags: targets, steps: g.gemm(flat(previous), flat(targets), { transA: 1 }) }
}

/** Where targets leave no legal sequence at all, one is made of tags with this share. */
const smallestShare = 2 ** -50

/**
 * Marginals of q(y) ∝ Π targets[t, yₜ] over the legal sequences: soft targets, each word's its own, as one
 * distribution that a chain can reach. Hard tags that are legal stay what they are, to some 10⁻¹⁵.
 */
export function legalMarginals(g: Graph, targets: Value, words: ChainWords, legal: Transitions): ChainMarginals {
  const follow = legal.follow.map((row, from) => [...row, legal.end[from]!])
  const steps = [...follow, [...legal.start, false]].flat().map((isLegal) => (isLegal ? 0 : impossible))
  const size = legal.start.length + 1
  const step = g.initializer('legal', { dtype: 'float32', dims: [size, size], data: Float32Array.from(steps) })
  return forwardBackward(g, g.log(g.max(targets, g.scalar(smallestShare))), step, words).marginals()
}

function crfChain(g: Graph, emissions: Value, parameters: CrfParameters, words: ChainWords, legal: Transitions) {
  const forbidden = forbiddenScores(g, legal)
  const start = g.add(parameters.start, forbidden.start)
  const end = g.add(parameters.end, forbidden.end)
  const transitions = g.add(parameters.transitions, forbidden.transitions)
  const peaks = g.maximum(emissions, [-1])
  // The boundary's row holds the starts, its column the ends.
  const step = g.concat(
    [
      g.concat([transitions, g.unsqueeze(end, [1])], 1),
      g.concat([g.unsqueeze(start, [0]), g.fill([1, 1], impossible, 'float32')], 1),
    ],
    0,
  )
  const chain = forwardBackward(g, g.sub(emissions, peaks), step, words)
  return {
    marginals: () => chain.marginals(),
    /** log Z, summed over sentences. */
    logPartition: () => g.sum(g.mul(g.add(chain.logNorms(), peaks), words.mask), [0, 1, 2], 0),
  }
}

/** Of where a sentence may not start, step or end. */
function forbiddenScores(g: Graph, legal: Transitions) {
  const scores = (rows: readonly boolean[], dims: readonly number[]) =>
    g.initializer('illegal', { dtype: 'float32', dims, data: Float32Array.from(rows, (ok) => (ok ? 0 : impossible)) })
  const labels = legal.start.length
  return {
    start: scores(legal.start, [labels]),
    end: scores(legal.end, [labels]),
    transitions: scores(legal.follow.flat(), [labels, labels]),
  }
}
