import type { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { EncoderInputs } from '../encoder.js'
import { distances, layerNorm, linear } from '../layers.js'
import { inBlock, parameterMaker, type Parameter } from '../parameters.js'
import type { RelativeAttention } from './post-norm.js'

export interface Disentangled {
  /** The table of relative positions, and its norm where it has one. */
  readonly table: string
  readonly norm: string | undefined
  readonly hidden: number
  readonly heads: number
  readonly layers: number
  /** Longest sequence. */
  readonly longest: number
  /** Distances from here on are one. */
  readonly span: number
  /** Twice as many distances are told apart, the far ones in ever wider buckets; where not positive, all up to `span`. */
  readonly buckets: number
  /** Content to position, position to content. */
  readonly kinds: ReadonlySet<'c2p' | 'p2c'>
  /** What projects positions to keys and to queries in a layer, and whether that is not what projects pieces. */
  readonly projections: (layer: number) => { readonly key: string; readonly query: string }
  readonly ownProjections: boolean
  readonly epsilon: number
  readonly dropout: number
  readonly deviation: number
}

/**
 * Disentangled attention (He et al., 2021): with r the bucket of the distance i − j, a score is
 * (Qᵢ·Kⱼ + Qᵢ·PKᵣ + PQᵣ·Kⱼ)/√(3·width), where PK and PQ project a table of relative positions.
 */
export function disentangled(it: Disentangled): RelativeAttention {
  const reach = it.buckets > 0 ? it.buckets : it.span
  return {
    parameters: parameters(it, 2 * reach),
    terms: 1 + it.kinds.size,
    prepare(g, inputs, weights, dropout) {
      const stored = weights(`${it.table}.weight`)
      const table = it.norm === undefined ? stored : layerNorm(g, stored, weights, it.norm, it.epsilon)
      const index = bucketIndex(g, it, inputs, reach)
      return (layer, query, key, scale) => {
        const positions = dropout(g, table, it.dropout)
        const { key: keyName, query: queryName } = it.projections(layer)
        const toPosition = () => {
          const keys = perHead(g, it, linear(g, positions, weights, keyName), [1, 2, 0])
          return g.gatherElements(g.matmul(query, keys), index, 3)
        }
        const fromPosition = () => {
          const queries = perHead(g, it, linear(g, positions, weights, queryName, scale), [1, 0, 2])
          return g.gatherElements(g.matmul(queries, key), index, 2)
        }
        const terms = [...(it.kinds.has('c2p') ? [toPosition()] : []), ...(it.kinds.has('p2c') ? [fromPosition()] : [])]
        return terms.reduce((a, b) => g.add(a, b))
      }
    },
  }
}

function parameters(it: Disentangled, rows: number): Parameter[] {
  const { table, dense, norm } = parameterMaker(it.deviation)
  const projections = Array.from({ length: it.ownProjections ? it.layers : 0 }, (_, layer) => it.projections(layer))
  return [
    table(it.table, rows, it.hidden),
    ...(it.norm === undefined ? [] : norm(it.norm, it.hidden)),
    ...projections.flatMap(({ key, query }, layer) =>
      inBlock(layer, {
        positionKey: it.kinds.has('c2p') ? dense(key, it.hidden, it.hidden) : [],
        positionQuery: it.kinds.has('p2c') ? dense(query, it.hidden, it.hidden) : [],
      }),
    ),
  ]
}

/** Rows of projected positions, [rows, hidden], by head: [rows, heads, width] with its axes permuted. */
function perHead(g: Graph, { hidden, heads }: Disentangled, x: Value, perm: readonly number[]): Value {
  return g.transpose(g.reshape(x, [x.shape[0]!, heads, hidden / heads]), perm)
}

/** The row of the table for every pair of pieces, int32 [batch, heads, sequence, sequence]. */
function bucketIndex(g: Graph, it: Disentangled, { inputIds }: EncoderInputs, reach: number): Value {
  const { longest } = it
  const rows = Int32Array.from({ length: 2 * longest - 1 }, (_, i) => {
    const bucket = bucketOf(i - longest + 1, it.buckets, it.span)
    return Math.min(Math.max(bucket + reach, 0), 2 * reach - 1)
  })
  const table = g.initializer('buckets', { dtype: 'int32', dims: [rows.length], data: rows })
  const apart = distances(g, inputIds, longest)
  const index = g.gather(table, g.add(apart, g.scalar(longest - 1, 'int32')))
  const [batch, sequence] = inputIds.shape
  return g.expand(g.unsqueeze(index, [0, 1]), [batch!, it.heads, sequence!, sequence!])
}

/**
 * The bucket of a distance: itself up to half of `buckets`, beyond that by its logarithm, so that `span` − 1 comes last.
 * Rounded as in float32: at the edge of a bucket that decides.
 */
export function bucketOf(distance: number, buckets: number, span: number): number {
  const middle = Math.floor(buckets / 2)
  const size = Math.abs(distance)
  if (buckets <= 0 || size <= middle) return distance
  const log = (x: number) => Math.fround(Math.log(Math.fround(x)))
  const share = Math.fround(log(size / middle) / log((span - 1) / middle))
  return Math.sign(distance) * (Math.ceil(Math.fround(share * (middle - 1))) + middle)
}
