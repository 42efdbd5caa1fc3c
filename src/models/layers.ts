import { product } from '../graph/dims.js'
import type { Graph } from '../graph/graph.js'
import type { Dim, Value } from '../graph/types.js'
import type { Weights } from './parameters.js'

/** Zeroes a share of a tensor while training; the identity otherwise. */
export type Dropout = (g: Graph, x: Value, rate: number) => Value

export const noDropout: Dropout = (_g, x) => x

/** `x·Wᵀ + b` on the rows of x, with weights `[out, in]` as PyTorch stores them, all of it times `scale`. */
export function linear(g: Graph, x: Value, weights: Weights, name: string, scale = 1): Value {
  const factor = scale === 1 ? {} : { alpha: scale, beta: scale }
  return g.gemm(x, weights(`${name}.weight`), { transB: 1, ...factor }, weights(`${name}.bias`))
}

/** `x·Wᵀ` on the rows of x, as {@link linear}. */
export function plainLinear(g: Graph, x: Value, weights: Weights, name: string): Value {
  return g.gemm(x, weights(`${name}.weight`), { transB: 1 })
}

export function layerNorm(g: Graph, x: Value, weights: Weights, name: string, epsilon: number): Value {
  return g.layerNorm(x, weights(`${name}.weight`), weights(`${name}.bias`), epsilon)
}

/** A norm with a scale and no bias. */
export function plainNorm(g: Graph, x: Value, weights: Weights, name: string, epsilon: number): Value {
  return g.layerNorm(x, weights(`${name}.weight`), undefined, epsilon)
}

/** Activations of the feed-forward layers, by the names of `config.json`. */
export const activations = {
  gelu: (g: Graph, x: Value) => g.gelu(x),
  gelu_new: tanhGelu,
  gelu_pytorch_tanh: tanhGelu,
} as const

export type Activation = keyof typeof activations

/** ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), which is x·σ(2√(2/π)·x·(1 + 0.044715·x²)). */
function tanhGelu(g: Graph, x: Value): Value {
  const slope = 2 * Math.sqrt(2 / Math.PI)
  const cubic = g.add(g.mul(g.mul(x, x), g.scalar(slope * 0.044715)), g.scalar(slope))
  return g.mul(x, g.sigmoid(g.mul(x, cubic)))
}

/** A batch of attention heads: how the rows of a [batch·sequence, hidden] matrix are told apart. */
export interface Heads {
  readonly batch: Dim
  readonly sequence: Dim
  readonly count: number
  /** Of one head. */
  readonly width: number
}

export function headsOf({ shape: [batch, sequence] }: Value, hidden: number, count: number): Heads {
  return { batch: batch!, sequence: sequence!, count, width: hidden / count }
}

/** [batch·sequence, hidden] as [batch, heads, sequence, width], or transposed as [batch, heads, width, sequence]. */
export function splitHeads(g: Graph, x: Value, heads: Heads, transposed = false): Value {
  const { batch, sequence, count, width } = heads
  return g.transpose(g.reshape(x, [batch, sequence, count, width]), transposed ? [0, 2, 3, 1] : [0, 2, 1, 3])
}

/** softmax(scores)·V of every head, put back together: [batch·sequence, hidden]. */
export function attend(g: Graph, scores: Value, value: Value, rate: number, dropout: Dropout): Value {
  const context = g.transpose(g.matmul(dropout(g, g.softmax(scores), rate), value), [0, 2, 1, 3])
  const [batch, sequence, count, width] = context.shape
  return g.reshape(context, [product([batch!, sequence!]), product([count!, width!])])
}

/** The rows of a matrix that are asked for. */
export function rowsOf(g: Graph, x: Value, rows: Value | undefined): Value {
  return rows ? g.gather(x, rows) : x
}

/** 0 where a piece may be attended to, −10⁴ where it is padding: [batch, 1, 1, sequence]. */
export function maskBias(g: Graph, attentionMask: Value): Value {
  const padding = g.sub(g.scalar(1), g.cast(attentionMask, 'float32'))
  return g.unsqueeze(g.mul(padding, g.scalar(-1e4)), [1, 2])
}

/** `first`, `first` + 1 … for every place of a sequence, int64 [sequence]; the table they look up has `rows` rows. */
export function positions(g: Graph, inputIds: Value, rows: number, first = 0): Value {
  return positionRows(g, g.integers(Array.from({ length: rows - first }, (_, i) => first + i)), inputIds)
}

/** The rows of a table, one for every place of a sequence. */
export function positionRows(g: Graph, table: Value, inputIds: Value): Value {
  const [, sequence] = inputIds.shape
  return g.slice(table, 0, 0, typeof sequence === 'number' ? sequence : g.dim(sequence!))
}

/** How many places the first piece of a pair comes after the second, int32 [sequence, sequence]. */
export function distances(g: Graph, inputIds: Value, longest: number): Value {
  const places = g.cast(positions(g, inputIds, longest), 'int32')
  return g.sub(g.unsqueeze(places, [1]), g.unsqueeze(places, [0]))
}
