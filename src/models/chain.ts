import { product } from '../graph/dims.js'
import { Graph } from '../graph/graph.js'
import type { Dim, Tensor, Value } from '../graph/types.js'

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

/** log 0 */
export const impossible = -1e4

/**
 * Forward–backward over log p(y) = Σ step[yₜ₋₁, yₜ] + scores[t, yₜ] − log Z. `step` is [labels + 1, labels + 1]: its last
 * tag is the boundary, before the first word and after the last.
 *
 * All of it is in logarithms, relative to each word's best: a path that counts may be e⁻²⁴⁰ of the best one up to a word,
 * and no float32 that is not a logarithm holds that.
 *
 * Word by word in a scan; or, where the number of words is known when the graph is built, in a logarithmic number of
 * steps, for the devices that have no loops. GPUs do.
 */
export function forwardBackward(g: Graph, scores: Value, step: Value, words: ChainWords): ForwardBackward {
  const [sentences, length, labels] = scores.shape as [Dim, Dim, number]
  const bounded = g.concat([scores, g.fill([sentences, length, 1], impossible, 'float32')], 2)
  const messages =
    typeof length === 'number' ? doubled(g, bounded, step, words, length) : scanned(g, bounded, step, words)
  return {
    logNorms: () => messages.logNorms(),
    marginals() {
      // p(yₜ) = exp(α + γ − log Σ exp(α + γ)),   p(yₜ₋₁ = i, yₜ = j) = exp(before[t, i] + step[i, j] + γ[t, j] − the same)
      const gamma = messages.gamma()
      const joint = g.add(messages.message(), gamma)
      const peak = g.maximum(joint, [2])
      const shares = g.exp(g.sub(joint, peak))
      const total = g.sum(shares, [2])
      const told = g.sub(gamma, g.add(peak, g.log(total)))
      const pairs = g.exp(g.add(g.add(g.unsqueeze(messages.before(), [3]), step), g.unsqueeze(told, [2])))
      const size = labels + 1
      const flat = (value: Value, width: number) => g.reshape(value, [product([sentences, length]), width])
      const steps = g.gemm(flat(words.mask, 1), flat(pairs, size * size), { transA: 1 })
      return {
        tags: g.slice(g.mul(shares, g.div(words.mask, total)), 2, 0, labels),
        steps: g.slice(g.slice(g.reshape(steps, [size, size]), 0, 0, labels), 1, 0, labels),
      }
    },
  }
}

/** What both ways of running a chain give, in logarithms, [sentences, words, labels + 1] each, up to a number for every word. */
interface Messages {
  /** The forward state of the word before. */
  before(): Value
  /** α = log Σ exp(before + step): what the words before say of this one. */
  message(): Value
  /** γ: what this word and those after say, the word's own score in it. */
  gamma(): Value
  /** As in `ForwardBackward`. */
  logNorms(): Value
}

/** log Σ exp(x) over one axis, kept as one. */
function logSumExp(g: Graph, x: Value, axis: number): Value {
  const peak = g.maximum(x, [axis])
  return g.add(g.log(g.sum(g.exp(g.sub(x, peak)), [axis])), peak)
}

/**
 * Word by word: states are relative to their best. Both directions run in one scan, as the two rows of a batch: backwards
 * is forwards over reversed sentences with transposed steps.
 */
function scanned(g: Graph, scores: Value, step: Value, { lengths, mask }: ChainWords): Messages {
  const boundary = (scores.shape[2] as number) - 1
  const reversed = (value: Value) => g.reverseSequence(value, lengths, { batch_axis: 0, time_axis: 1 })
  const { before, messages, states, norms } = runChain(g, step, scores, reversed(scores))
  const forward = (value: Value) => g.transpose(direction(g, value, 0), [1, 0, 2])
  const gamma = once(() => reversed(g.transpose(direction(g, states, 1), [1, 0, 2])))
  return {
    before: () => forward(before),
    message: () => forward(messages),
    gamma,
    logNorms() {
      // The last word has the step to the boundary beside its own norm.
      const toBoundary = g.reshape(g.slice(step, 1, boundary, boundary + 1), [1, 1, boundary + 1])
      const closing = logSumExp(g, g.add(forward(states), toBoundary), 2)
      return g.add(forward(norms), g.mul(lastWords(g, mask), closing))
    },
  }
}

/**
 * The recurrence of both directions:  message = log Σ exp(before + step),  state = message + score − norm,  norm the largest.
 * Results are [words, 2, sentences, ·], one row a direction; padding after a sentence's end holds what nobody reads.
 */
function runChain(g: Graph, step: Value, forward: Value, backward: Value) {
  const [sentences, , tags] = forward.shape as [string, string, number]
  const body = new Graph('chain')
  const before = body.input('before', 'float32', [2, sentences, tags])
  // [direction, 1, to, from]: sums are over what lies side by side.
  const steps = body.input('steps', 'float32', [2, 1, tags, tags])
  const score = body.input('score', 'float32', [2, sentences, tags])
  const paths = body.add(body.unsqueeze(before, [2]), steps)
  const message = body.reshape(logSumExp(body, paths, 3), [2, sentences, tags])
  const joint = body.add(message, score)
  const norm = body.maximum(joint, [2])
  const state = body.sub(joint, norm)
  body.output('state', state)
  body.output('steps.next', steps)
  body.output('before.out', before)
  body.output('message.out', message)
  body.output('state.out', state)
  body.output('norm.out', norm)

  const both = g.transpose(g.concat([g.unsqueeze(forward, [0]), g.unsqueeze(backward, [0])], 0), [2, 0, 1, 3])
  const atBoundary = g.concat(
    [g.fill([2, sentences, tags - 1], impossible, 'float32'), g.fill([2, sentences, 1], 0, 'float32')],
    2,
  )
  const directions = g.concat([g.unsqueeze(g.swapLastAxes(step), [0, 1]), g.unsqueeze(step, [0, 1])], 0)
  const [, , befores, messages, states, norms] = g.scan(body, [atBoundary, directions], [both])
  return { before: befores!, messages: messages!, states: states!, norms: norms! }
}

/** One direction of a scanned result: [words, sentences, ·]. */
function direction(g: Graph, value: Value, index: 0 | 1): Value {
  const [words, , sentences, width] = value.shape
  return g.reshape(g.slice(value, 1, index, index + 1), [words!, sentences!, width!])
}

/**
 * A chain is a product of matrices, Mₜ[i, j] = exp(step[i, j] + scores[t, j]), and products are associative: those of the
 * first t words, and of all from t on, are there after log₂(words) rounds, each of which doubles the words that a
 * product spans (Hillis & Steele, 1986). Matrices are held as logarithms; a word of padding is the identity.
 */
function doubled(g: Graph, scores: Value, step: Value, { mask }: ChainWords, words: number): Messages {
  const [sentences, , tags] = scores.shape as [Dim, number, number]
  const boundary = tags - 1
  const identity = g.initializer('identity', logIdentity(tags))
  const matrices = g.add(step, g.unsqueeze(scores, [2]))
  const isWord = g.less(g.scalar(0), g.unsqueeze(mask, [3]))
  const chain = g.where(isWord, matrices, identity)

  const prefixes = once(() => products(g, chain, words, 'prefix'))
  const suffixes = once(() => products(g, chain, words, 'suffix'))
  const relative = (rows: Value) => g.sub(rows, g.maximum(rows, [-1]))
  const states = once(() => g.reshape(g.slice(prefixes(), 2, boundary), [sentences, words, tags]))
  const toBoundary = g.reshape(g.slice(step, 1, boundary, boundary + 1), [1, 1, tags])

  const before = once(() => {
    const start = g.expandTo(g.initializer('at boundary', logOneHot(tags, boundary)), g.slice(states(), 1, 0, 1))
    return g.concat([start, g.slice(relative(states()), 1, 0, words - 1)], 1)
  })
  return {
    before,
    message: once(() => g.reshape(logSumExp(g, g.add(g.unsqueeze(before(), [3]), step), 2), [sentences, words, tags])),
    gamma: once(() => {
      // β of a word is what comes after it: the suffix that starts at the next one, and the step to the boundary.
      const ends = logSumExp(g, g.add(suffixes(), g.unsqueeze(toBoundary, [2])), 3)
      const after = relative(g.reshape(g.slice(ends, 1, 1), [sentences, words - 1, tags]))
      const last = g.expandTo(toBoundary, g.slice(states(), 1, 0, 1))
      return g.add(scores, g.concat([after, last], 1))
    }),
    logNorms() {
      const all = g.slice(states(), 1, words - 1)
      return g.mul(lastWords(g, mask), logSumExp(g, g.add(all, toBoundary), 2))
    },
  }
}

/** Logarithms of the products of matrices up to each word, or from each word on: [sentences, words, tags, tags]. */
function products(g: Graph, matrices: Value, words: number, kind: 'prefix' | 'suffix'): Value {
  let spans = matrices
  for (let reach = 1; reach < words; reach *= 2) {
    const joined = logMatmul(g, g.slice(spans, 1, 0, words - reach), g.slice(spans, 1, reach))
    spans =
      kind === 'prefix'
        ? g.concat([g.slice(spans, 1, 0, reach), joined], 1)
        : g.concat([joined, g.slice(spans, 1, words - reach)], 1)
  }
  return spans
}

/** Tags up to which all paths of a product are held at once, tags³ for each word. */
const fewTags = 16

/** Keeps sums that vanish from being log 0. */
const smallestNormal = 1.2e-38

/**
 * log(exp(a)·exp(b)). Of few tags, all paths relative to the best; of many, whose paths would not fit the memory of a
 * device, with the largest of a's rows and of b's columns taken out: paths more than e⁻⁸⁷ below both vanish.
 */
function logMatmul(g: Graph, a: Value, b: Value): Value {
  const tags = a.shape.at(-1) as number
  if (tags <= fewTags) {
    const paths = g.add(g.unsqueeze(a, [3]), g.unsqueeze(g.swapLastAxes(b), [2]))
    return g.reshape(logSumExp(g, paths, 4), a.shape)
  }
  const rows = g.maximum(a, [-1])
  const columns = g.maximum(b, [-2])
  const paths = g.matmul(g.exp(g.sub(a, rows)), g.exp(g.sub(b, columns)))
  return g.add(g.log(g.max(paths, g.scalar(smallestNormal))), g.add(rows, columns))
}

const logIdentity = (size: number): Tensor => ({
  dtype: 'float32',
  dims: [size, size],
  data: Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 0 : impossible)),
})

const logOneHot = (size: number, at: number): Tensor => ({
  dtype: 'float32',
  dims: [1, 1, size],
  data: Float32Array.from({ length: size }, (_, i) => (i === at ? 0 : impossible)),
})

/** Adds to the graph when it is first asked for, and no second time. */
function once(build: () => Value): () => Value {
  let value: Value | undefined
  return () => (value ??= build())
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
