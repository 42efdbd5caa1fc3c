import { product } from '../graph/dims.js'
import { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import type { Transitions } from '../data/schemes.js'
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

/** What the chain's sentences are, and what they are trained towards. */
export interface ChainTargets {
  /** float32 [sentences, words, labels]: a distribution over tags for every word, 0 on padding. */
  readonly targets: Value
  /** int64 [sentences] */
  readonly lengths: Value
  /** float32 [sentences, words, 1]: 1 on words, 0 on padding. */
  readonly mask: Value
}

/**
 * Emissions this far below the best of their word count as this far below. Two such words in a row, which is what a
 * scheme can force on a sentence, are still a normal float32 with room for transitions.
 */
const lowestEmission = -36

/** Keeps padding, where sums may vanish, from dividing by 0. */
const smallestNormal = 1.2e-38

/**
 * Σ over sentences of log Z − E_q[score], with q the target distribution (for hard tags, −log p of the gold path), as
 * a scalar. Transitions that `legal` forbids have probability 0.
 *
 * With α and β the forward and backward messages of the chain, normalised at every word so that nothing underflows,
 * the gradient is closed: ∂/∂e[t] = p(yₜ) − q(yₜ), ∂/∂transitions = Σₜ p(yₜ₋₁, yₜ) − q(yₜ₋₁)·q(yₜ)ᵀ, and the first
 * and last words' p − q for start and end. Both directions run in one scan, as the two rows of a batch: backwards is
 * forwards over reversed sentences with transposed transitions. Start and end are one more tag, the boundary.
 */
export function crfLoss(
  g: Graph,
  emissions: Value,
  parameters: CrfParameters,
  { targets, lengths, mask }: ChainTargets,
  legal: Transitions,
): Value {
  const [sentences, words, labels] = emissions.shape as [string, string, number]
  const forbidden = forbiddenScores(g, legal)
  const start = g.add(parameters.start, forbidden.start)
  const end = g.add(parameters.end, forbidden.end)
  const transitions = g.add(parameters.transitions, forbidden.transitions)

  // Potentials of words, relative to the best tag's: exp(e − max e), and 0 for the boundary.
  const peaks = g.maximum(emissions, [-1])
  const relative = g.max(g.sub(emissions, peaks), g.scalar(lowestEmission))
  const potentials = g.concat([g.exp(relative), g.fill([sentences, words, 1], 0, 'float32')], 2)

  // Potentials of steps, the boundary tag last: its row holds the starts, its column the ends.
  const step = g.concat(
    [
      g.concat([g.exp(transitions), g.unsqueeze(g.exp(end), [1])], 1),
      g.concat([g.unsqueeze(g.exp(start), [0]), g.fill([1, 1], 0, 'float32')], 1),
    ],
    0,
  )
  const reversed = (value: Value) => g.reverseSequence(value, lengths, { batch_axis: 0, time_axis: 1 })
  const { before, messages, states, norms } = runChain(g, step, potentials, reversed(potentials))

  const forward = (value: Value) => g.transpose(direction(g, value, 0), [1, 0, 2])
  const backward = (value: Value) => reversed(g.transpose(direction(g, value, 1), [1, 0, 2]))

  // log Z = Σ log(norm) + max e over the words, and the step from the last word's state to the boundary.
  const last = lastWords(g, mask)
  const closing = g.matmul(forward(states), g.slice(step, 1, labels, labels + 1))
  const logs = g.add(g.add(g.log(forward(norms)), peaks), g.mul(last, g.log(g.max(closing, g.scalar(smallestNormal)))))
  const logPartition = g.sum(g.mul(logs, mask), [0, 1, 2], 0)

  // E_q[score], with the words' distributions taken as independent.
  const previous = g.concat([g.fill([sentences, 1, labels], 0, 'float32'), g.slice(targets, 1, 0, -1)], 1)
  const first = firstWords(g, mask)
  const flat = (value: Value, width: number) => g.reshape(value, [product([sentences, words]), width])
  const goldSteps = g.gemm(flat(previous, labels), flat(targets, labels), { transA: 1 })
  const goldStart = g.sum(g.mul(targets, first), [0, 1], 0)
  const goldEnd = g.sum(g.mul(targets, last), [0, 1], 0)
  const dot = (a: Value, b: Value) => g.sum(g.mul(a, b), [...a.shape.keys()], 0)
  const goldScore = g.add(
    g.add(dot(targets, emissions), dot(goldSteps, parameters.transitions)),
    g.add(dot(goldStart, parameters.start), dot(goldEnd, parameters.end)),
  )
  const loss = g.sub(logPartition, goldScore)

  return g.withGradient(loss, [emissions, parameters.transitions, parameters.start, parameters.end], (dy) => {
    // With α the forward messages and γ the backward states, which hold the word's potential already:
    //   p(yₜ) = α·γ / Σ α·γ,   p(yₜ₋₁ = i, yₜ = j) = step[i, j]·before[t, i]·γ[t, j] / Σ α·γ
    // Never the product of three: where forwards, backwards and the word itself each want another tag, it is 0.
    const gamma = backward(states)
    const joint = g.mul(forward(messages), gamma)
    const scale = g.div(mask, g.max(g.sum(joint, [2]), g.scalar(smallestNormal)))
    const tags = g.slice(g.mul(joint, scale), 2, 0, labels)
    const pairs = g.gemm(flat(forward(before), labels + 1), flat(g.mul(gamma, scale), labels + 1), { transA: 1 })
    const expected = g.slice(g.slice(g.mul(step, pairs), 0, 0, labels), 1, 0, labels)
    return [
      g.mul(g.sub(tags, targets), dy),
      g.mul(g.sub(expected, goldSteps), dy),
      g.mul(g.sub(g.sum(g.mul(tags, first), [0, 1], 0), goldStart), dy),
      g.mul(g.sub(g.sum(g.mul(tags, last), [0, 1], 0), goldEnd), dy),
    ]
  })
}

/** −10⁴ where a sentence may not start, step or end: exp of it is 0. */
function forbiddenScores(g: Graph, legal: Transitions) {
  const scores = (rows: readonly boolean[], dims: readonly number[]) =>
    g.initializer('illegal', { dtype: 'float32', dims, data: Float32Array.from(rows, (ok) => (ok ? 0 : -1e4)) })
  const labels = legal.start.length
  return {
    start: scores(legal.start, [labels]),
    end: scores(legal.end, [labels]),
    transitions: scores(legal.follow.flat(), [labels, labels]),
  }
}

/**
 * The recurrence of both directions:  message = before·step,  state = message·potential / norm,  norm their sum.
 * Results are [words, 2, sentences, ·], one row a direction; padding after a sentence's end holds what nobody reads.
 */
function runChain(g: Graph, step: Value, forward: Value, backward: Value) {
  const [sentences, , tags] = forward.shape as [string, string, number]
  const body = new Graph('chain')
  const before = body.input('before', 'float32', [2, sentences, tags])
  const steps = body.input('steps', 'float32', [2, tags, tags])
  const potential = body.input('potential', 'float32', [2, sentences, tags])
  const message = body.matmul(before, steps)
  const joint = body.mul(message, potential)
  const norm = body.sum(joint, [2])
  const state = body.div(joint, norm)
  body.output('state', state)
  body.output('steps.next', steps)
  body.output('before.out', before)
  body.output('message.out', message)
  body.output('state.out', state)
  body.output('norm.out', norm)

  const both = g.transpose(g.concat([g.unsqueeze(forward, [0]), g.unsqueeze(backward, [0])], 0), [2, 0, 1, 3])
  const atBoundary = g.concat(
    [g.fill([2, sentences, tags - 1], 0, 'float32'), g.fill([2, sentences, 1], 1, 'float32')],
    2,
  )
  const directions = g.concat([g.unsqueeze(step, [0]), g.unsqueeze(g.swapLastAxes(step), [0])], 0)
  const [, , befores, messages, states, norms] = g.scan(body, [atBoundary, directions], [both])
  return { before: befores!, messages: messages!, states: states!, norms: norms! }
}

/** One direction of a scanned result: [words, sentences, ·]. */
function direction(g: Graph, value: Value, index: 0 | 1): Value {
  const [words, , sentences, width] = value.shape
  return g.reshape(g.slice(value, 1, index, index + 1), [words!, sentences!, width!])
}

/** 1 on the first word of every sentence: [sentences, words, 1]. */
function firstWords(g: Graph, mask: Value): Value {
  const [sentences] = mask.shape
  const shifted = g.concat([g.fill([sentences!, 1, 1], 0, 'float32'), g.slice(mask, 1, 0, -1)], 1)
  return g.mul(mask, g.sub(mask, shifted))
}

/** 1 on the last word of every sentence: [sentences, words, 1]. */
function lastWords(g: Graph, mask: Value): Value {
  const [sentences] = mask.shape
  const shifted = g.concat([g.slice(mask, 1, 1), g.fill([sentences!, 1, 1], 0, 'float32')], 1)
  return g.sub(mask, shifted)
}
