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

/** Keeps padding, where sums may vanish, from dividing by 0. */
const smallestNormal = 1.2e-38

/**
 * Forward–backward over p(y) ∝ Π step[yₜ₋₁, yₜ]·potential[t, yₜ]. `step` is [labels + 1, labels + 1]: its last tag is
 * the boundary, before the first word and after the last.
 *
 * Word by word in a scan; or, where the number of words is known when the graph is built, in a logarithmic number of
 * steps, for the devices that have no loops. GPUs do.
 */
export function forwardBackward(g: Graph, potentials: Value, step: Value, words: ChainWords): ForwardBackward {
  const [sentences, length, labels] = potentials.shape as [Dim, Dim, number]
  const bounded = g.concat([potentials, g.fill([sentences, length, 1], 0, 'float32')], 2)
  const messages =
    typeof length === 'number' ? doubled(g, bounded, step, words, length) : scanned(g, bounded, step, words)
  return {
    logNorms: () => messages.logNorms(),
    marginals() {
      // p(yₜ) = α·γ / Σ α·γ,   p(yₜ₋₁ = i, yₜ = j) = step[i, j]·before[t, i]·γ[t, j] / Σ α·γ
      // Never the product of three: where forwards, backwards and the word itself each want another tag, it is 0.
      const gamma = messages.gamma()
      const joint = g.mul(messages.message(), gamma)
      const scale = g.div(words.mask, g.max(g.sum(joint, [2]), g.scalar(smallestNormal)))
      const flat = (value: Value) => g.reshape(value, [product([sentences, length]), labels + 1])
      const pairs = g.gemm(flat(messages.before()), flat(g.mul(gamma, scale)), { transA: 1 })
      return {
        tags: g.slice(g.mul(joint, scale), 2, 0, labels),
        steps: g.slice(g.slice(g.mul(step, pairs), 0, 0, labels), 1, 0, labels),
      }
    },
  }
}

/** What both ways of running a chain give, [sentences, words, labels + 1] each, up to a factor for every word. */
interface Messages {
  /** The forward state of the word before. */
  before(): Value
  /** α = before·step: what the words before say of this one. */
  message(): Value
  /** γ: what this word and those after say, the word's potential in it. */
  gamma(): Value
  /** As in `ForwardBackward`. */
  logNorms(): Value
}

/**
 * Word by word: messages are normalised at every word, so that nothing underflows. Both directions run in one scan, as
 * the two rows of a batch: backwards is forwards over reversed sentences with transposed steps.
 */
function scanned(g: Graph, potentials: Value, step: Value, { lengths, mask }: ChainWords): Messages {
  const boundary = (potentials.shape[2] as number) - 1
  const reversed = (value: Value) => g.reverseSequence(value, lengths, { batch_axis: 0, time_axis: 1 })
  const { before, messages, states, norms } = runChain(g, step, potentials, reversed(potentials))
  const forward = (value: Value) => g.transpose(direction(g, value, 0), [1, 0, 2])
  const gamma = once(() => reversed(g.transpose(direction(g, states, 1), [1, 0, 2])))
  return {
    before: () => forward(before),
    message: () => forward(messages),
    gamma,
    logNorms() {
      // The last word has the step to the boundary beside its own norm.
      const closing = g.matmul(forward(states), g.slice(step, 1, boundary, boundary + 1))
      const closed = g.mul(lastWords(g, mask), g.log(g.max(closing, g.scalar(smallestNormal))))
      return g.add(g.log(forward(norms)), closed)
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

/**
 * A chain is a product of matrices, Mₜ[i, j] = step[i, j]·potential[t, j], and products are associative: those of the
 * first t words, and of all from t on, are there after log₂(words) rounds, each of which doubles the words that a
 * product spans (Hillis & Steele, 1986). Matrices are held as logarithms; a word of padding is the identity.
 */
function doubled(g: Graph, potentials: Value, step: Value, { mask }: ChainWords, words: number): Messages {
  const [sentences, , tags] = potentials.shape as [Dim, number, number]
  const boundary = tags - 1
  const log = (value: Value) => g.log(g.max(value, g.scalar(smallestNormal)))
  const identity = g.initializer('identity', logIdentity(tags))
  const matrices = g.add(log(step), g.unsqueeze(log(potentials), [2]))
  const isWord = g.less(g.scalar(0), g.unsqueeze(mask, [3]))
  const chain = g.where(isWord, matrices, identity)

  const prefixes = once(() => products(g, chain, words, 'prefix'))
  const suffixes = once(() => products(g, chain, words, 'suffix'))
  /** Rows of logarithms as numbers, the largest of each row 1. */
  const relative = (rows: Value) => g.exp(g.sub(rows, g.maximum(rows, [-1])))
  const states = once(() => g.reshape(g.slice(prefixes(), 2, boundary), [sentences, words, tags]))
  const toBoundary = g.slice(step, 1, boundary, boundary + 1)

  const before = once(() => {
    const start = g.expandTo(g.initializer('at boundary', oneHot(tags, boundary)), g.slice(states(), 1, 0, 1))
    return g.concat([start, g.slice(relative(states()), 1, 0, words - 1)], 1)
  })
  return {
    before,
    message: once(() => g.matmul(before(), step)),
    gamma: once(() => {
      // β of a word is what comes after it: the suffix that starts at the next one, and the step to the boundary.
      const peaks = g.maximum(suffixes(), [3])
      const ends = g.add(log(g.matmul(g.exp(g.sub(suffixes(), peaks)), toBoundary)), peaks)
      const after = relative(g.reshape(g.slice(ends, 1, 1), [sentences, words - 1, tags]))
      const last = g.expandTo(g.reshape(toBoundary, [1, 1, tags]), g.slice(states(), 1, 0, 1))
      return g.mul(potentials, g.concat([after, last], 1))
    }),
    logNorms() {
      const all = g.slice(states(), 1, words - 1)
      const peak = g.maximum(all, [-1])
      const logPartition = g.add(log(g.matmul(g.exp(g.sub(all, peak)), toBoundary)), peak)
      return g.mul(lastWords(g, mask), logPartition)
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

/** log(exp(a)·exp(b)), with the largest of a's rows and of b's columns taken out, so that no path that counts vanishes. */
function logMatmul(g: Graph, a: Value, b: Value): Value {
  const rows = g.maximum(a, [-1])
  const columns = g.maximum(b, [-2])
  const paths = g.matmul(g.exp(g.sub(a, rows)), g.exp(g.sub(b, columns)))
  return g.add(g.log(g.max(paths, g.scalar(smallestNormal))), g.add(rows, columns))
}

const logIdentity = (size: number): Tensor => ({
  dtype: 'float32',
  dims: [size, size],
  data: Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 0 : -1e4)),
})

const oneHot = (size: number, at: number): Tensor => ({
  dtype: 'float32',
  dims: [1, 1, size],
  data: Float32Array.from({ length: size }, (_, i) => (i === at ? 1 : 0)),
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
