import { product } from '../../graph/dims.js'
import type { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { Encoder, EncoderInputs, Watch } from '../encoder.js'
import {
  activations,
  attend,
  headsOf,
  layerNorm,
  linear,
  maskBias,
  positions,
  rowsOf,
  splitHeads,
  type Activation,
  type Dropout,
} from '../layers.js'
import { inBlock, parameterMaker, type Parameter, type Weights } from '../parameters.js'

/** Names of the parts of a layer; each has a `.weight` and a `.bias`. */
export interface LayerNames {
  readonly query: string
  readonly key: string
  readonly value: string
  /** Projects what was attended to. */
  readonly attended: string
  readonly attendedNorm: string
  /** The feed-forward layer: to `intermediate` and back. */
  readonly inner: string
  readonly outer: string
  readonly outerNorm: string
}

/**
 * An encoder that normalises after every residual sum (Vaswani et al., 2017), as BERT and most of its kin: their
 * differences are sizes and names.
 */
export interface PostNorm {
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly pieces: number
  /** Rows of the position table, from `firstPosition` on in use; where there is no table, the longest sequence. */
  readonly positions: number
  readonly firstPosition?: number
  /** Rows of the token type table. */
  readonly types: number
  /** Width of the embeddings, where it is not that of the layers. */
  readonly embedding?: number
  readonly activation: Activation
  readonly epsilon: number
  readonly dropout: number
  readonly attentionDropout: number
  readonly headDropout: number
  /** Of fresh weights. */
  readonly deviation: number
  readonly names: {
    readonly pieces: string
    readonly positions?: string
    readonly types?: string
    readonly norm: string
    /** Projects embeddings to the width of the layers. */
    readonly projection?: string
    /** Layers of one name share their weights. */
    readonly layer: (index: number) => LayerNames
  }
  /** Whether layers have no weights of their own, however many there are. */
  readonly sharesLayers?: boolean
  /** Attention that also sees how far apart two pieces are. */
  readonly relative?: RelativeAttention
  /** Changes what the first layer gives, [batch·sequence, hidden], by the embeddings that it was given. */
  readonly afterFirst?: {
    readonly parameters: readonly Parameter[]
    build(g: Graph, inputs: EncoderInputs, embedded: Value, x: Value, weights: Weights, dropout: Dropout): Value
  }
}

export interface RelativeAttention {
  readonly parameters: readonly Parameter[]
  /** How many terms a score sums; it is divided by √(terms·width). */
  readonly terms: number
  /** Makes once what all layers use. */
  prepare(g: Graph, inputs: EncoderInputs, weights: Weights, dropout: Dropout): RelativeScores
}

/**
 * What a score has beside Q·Kᵀ, [batch, heads, sequence, sequence]. The query, [batch, heads, sequence, width], comes
 * with the scale in it; the key is transposed, [batch, heads, width, sequence].
 */
export type RelativeScores = (layer: number, query: Value, key: Value, scale: number) => Value

export function postNormEncoder(it: PostNorm): Encoder {
  return {
    sizes: {
      hiddenSize: it.hidden,
      embeddingSize: it.embedding ?? it.hidden,
      layers: it.layers,
      heads: it.heads,
      vocabSize: it.pieces,
      maxPositions: it.positions - (it.firstPosition ?? 0),
    },
    parameters: parameters(it),
    pieceTable: `${it.names.pieces}.weight`,
    takesTokenTypes: it.types > 1,
    headDropout: it.headDropout,
    forward: (g, inputs, weights, dropout, watch) => forward(g, it, inputs, weights, dropout, watch),
  }
}

function parameters(it: PostNorm): Parameter[] {
  const { hidden, intermediate, names, embedding = hidden } = it
  const { table, dense, norm } = parameterMaker(it.deviation)
  const layers = new Map(Array.from({ length: it.layers }, (_, i) => [names.layer(i).query, names.layer(i)] as const))
  return [
    table(names.pieces, it.pieces, embedding),
    ...(names.positions === undefined ? [] : [table(names.positions, it.positions, embedding)]),
    ...(names.types === undefined ? [] : [table(names.types, it.types, embedding)]),
    ...norm(names.norm, embedding),
    ...(names.projection === undefined ? [] : dense(names.projection, hidden, embedding)),
    ...[...layers.values()].flatMap((layer, index) =>
      inBlock(it.sharesLayers ? 'shared' : index, {
        query: dense(layer.query, hidden, hidden),
        key: dense(layer.key, hidden, hidden),
        value: dense(layer.value, hidden, hidden),
        attended: dense(layer.attended, hidden, hidden),
        attendedNorm: norm(layer.attendedNorm, hidden),
        inner: dense(layer.inner, intermediate, hidden),
        outer: dense(layer.outer, hidden, intermediate),
        outerNorm: norm(layer.outerNorm, hidden),
      } satisfies Record<keyof LayerNames, Parameter[]>),
    ),
    ...(it.relative?.parameters ?? []),
    ...(it.afterFirst?.parameters ?? []),
  ]
}

function forward(
  g: Graph,
  it: PostNorm,
  inputs: EncoderInputs,
  weights: Weights,
  dropout: Dropout,
  watch?: Watch,
): Value {
  const heads = headsOf(inputs.inputIds, it.hidden, it.heads)
  const bias = maskBias(g, inputs.attentionMask)
  const embedded = g.scoped('embeddings', () => embeddings(g, it, inputs, weights, dropout))
  const relative = it.relative && g.scoped('relative', () => it.relative!.prepare(g, inputs, weights, dropout))
  const scale = 1 / Math.sqrt(heads.width * (it.relative?.terms ?? 1))
  // A layer that another step follows has to give every row.
  const rowsIn = (layer: number) => (layer === it.layers - 1 && !it.afterFirst ? inputs.rows : undefined)
  let x = embedded
  watch?.hidden(0, x)
  for (let i = 0; i < it.layers; i++) {
    x = g.scoped(`layer.${i}`, () => {
      const names = it.names.layer(i)
      const queries = linear(g, x, weights, names.query, scale)
      const keys = linear(g, x, weights, names.key)
      const values = linear(g, x, weights, names.value)
      watch?.attention(i + 1, { query: queries, key: keys, value: values, scale })
      const query = splitHeads(g, queries, heads)
      const key = splitHeads(g, keys, heads, true)
      const value = splitHeads(g, values, heads)
      const product = g.matmul(query, key)
      const scores = g.add(relative ? g.add(product, relative(i, query, key, scale)) : product, bias)
      const context = attend(g, scores, value, it.attentionDropout, dropout)
      const rows = rowsIn(i)
      return feedForward(g, it, rowsOf(g, x, rows), rowsOf(g, context, rows), names, weights, dropout)
    })
    if (i === 0 && it.afterFirst) x = it.afterFirst.build(g, inputs, embedded, x, weights, dropout)
    watch?.hidden(i + 1, x)
  }
  return it.afterFirst ? rowsOf(g, x, inputs.rows) : x
}

/** The sum of the embeddings of piece, position and token type, normalised: [batch·sequence, hidden]. */
function embeddings(g: Graph, it: PostNorm, inputs: EncoderInputs, weights: Weights, dropout: Dropout): Value {
  const { names, embedding = it.hidden } = it
  const { inputIds, tokenTypeIds } = inputs
  const table = (name: string, rows: Value) => g.gather(weights(`${name}.weight`), rows)
  const beside = [
    ...(names.positions === undefined
      ? []
      : [table(names.positions, positions(g, inputIds, it.positions, it.firstPosition))]),
    ...(names.types === undefined ? [] : [table(names.types, tokenTypeIds ?? g.integers([0]))]),
  ]
  const piece = table(names.pieces, inputIds)
  const sum =
    beside.length === 0
      ? piece
      : g.add(
          piece,
          beside.reduce((a, b) => g.add(a, b)),
        )
  const rows = g.reshape(sum, [product(inputIds.shape), embedding])
  const normal = dropout(g, layerNorm(g, rows, weights, names.norm, it.epsilon), it.dropout)
  return names.projection === undefined ? normal : linear(g, normal, weights, names.projection)
}

/** The second half of a layer: both residual sums, with the feed-forward layer between them. */
function feedForward(
  g: Graph,
  it: PostNorm,
  x: Value,
  context: Value,
  names: LayerNames,
  weights: Weights,
  dropout: Dropout,
): Value {
  const attended = dropout(g, linear(g, context, weights, names.attended), it.dropout)
  const h = layerNorm(g, g.add(x, attended), weights, names.attendedNorm, it.epsilon)
  const inner = activations[it.activation](g, linear(g, h, weights, names.inner))
  const fed = dropout(g, linear(g, inner, weights, names.outer), it.dropout)
  return layerNorm(g, g.add(h, fed), weights, names.outerNorm, it.epsilon)
}
