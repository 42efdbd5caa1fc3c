import { product } from '../graph/dims.js'
import { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'

/** Which words of a batch are there. */
export interface ChainWords {
  /** int64 [sentences] */
  readonly lengths: Value
  /** float32 [sentences, words, 1]: 1 on words, 0 on padding. */
  readonly mask: Value
}

/** What a distribution over sequences of tags says of single words and of neighbours: all that a chain's score reads. */
export interface ChainMarginals {
  /** q(yₜ), float32 [sentences, words, labels]; 0 on padding. */
  readonly tags: Value
  /** Σ over neighbours of q(yₜ₋₁, yₜ), float32 [labels, labels]. */
  readonly steps: Value
}

/** The two passes over a batch of chains; what is read off them is added to the graph when it is asked for. */
export interface ForwardBackward {
  /** What each word adds to log Z, [sentences, words, 1]; padding holds what nobody reads. */
  logNorms(): Value
  marginals(): ChainMarginals
}

/** Keeps padding, where sums may vanish, from dividing by 0. */
const smallestNormal = 1.2e-38

/**
 * Forward–backward over p(y) ∝ Π step[yₜ₋₁, yₜ]·potential[t, yₜ]. `step` is [labels + 1, labels + 1]: its last tag is
 * the boundary, before the first word and after the last. Messages are normalised at every word, so that nothing
 * underflows. Both directions run in one scan, as the two rows of a batch: backwards is forwards over reversed sentences
 * with transposed steps.
 */
export function forwardBackward(
  g: Graph,
  potentials: Value,
  step: Value,
  { lengths, mask }: ChainWords,
): ForwardBackward {
  const [sentences, words, labels] = potentials.shape as [string, string, number]
  const bounded = g.concat([potentials, g.fill([sentences, words, 1], 0, 'float32')], 2)
  const reversed = (value: Value) => g.reverseSequence(value, lengths, { batch_axis: 0, time_axis: 1 })
  const { before, messages, states, norms } = runChain(g, step, bounded, reversed(bounded))
  const forward = (value: Value) => g.transpose(direction(g, value, 0), [1, 0, 2])
  const backward = (value: Value) => reversed(g.transpose(direction(g, value, 1), [1, 0, 2]))

  return {
    logNorms() {
      // The last word has the step to the boundary beside its own norm.
      const closing = g.matmul(forward(states), g.slice(step, 1, labels, labels + 1))
      const closed = g.mul(lastWords(g, mask), g.log(g.max(closing, g.scalar(smallestNormal))))
      return g.add(g.log(forward(norms)), closed)
    },
    marginals() {
      // With α the forward messages and γ the backward states, which hold the word's potential already:
      //   p(yₜ) = α·γ / Σ α·γ,   p(yₜ₋₁ = i, yₜ = j) = step[i, j]·before[t, i]·γ[t, j] / Σ α·γ
      // Never the product of three: where forwards, backwards and the word itself each want another tag, it is 0.
      const gamma = backward(states)
      const joint = g.mul(forward(messages), gamma)
      const scale = g.div(mask, g.max(g.sum(joint, [2]), g.scalar(smallestNormal)))
      const flat = (value: Value) => g.reshape(value, [product([sentences, words]), labels + 1])
      const pairs = g.gemm(flat(forward(before)), flat(g.mul(gamma, scale)), { transA: 1 })
      return {
        tags: g.slice(g.mul(joint, scale), 2, 0, labels),
        steps: g.slice(g.slice(g.mul(step, pairs), 0, 0, labels), 1, 0, labels),
      }
    },
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
export function firstWords(g: Graph, mask: Value): Value {
  const [sentences] = mask.shape
  const shifted = g.concat([g.fill([sentences!, 1, 1], 0, 'float32'), g.slice(mask, 1, 0, -1)], 1)
  return g.mul(mask, g.sub(mask, shifted))
}

/** 1 on the last word of every sentence: [sentences, words, 1]. */
export function lastWords(g: Graph, mask: Value): Value {
  const [sentences] = mask.shape
  const shifted = g.concat([g.slice(mask, 1, 1), g.fill([sentences!, 1, 1], 0, 'float32')], 1)
  return g.sub(mask, shifted)
}
