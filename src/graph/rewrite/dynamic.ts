import { factors } from '../dims.js'
import type { Graph } from '../graph.js'
import type { Value } from '../types.js'
import { constantOf, linearOf, scaled, type Linear } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'
import { quantizeColumns, type Limit } from './symmetric.js'

/** What a value is between, known before it is there. */
export interface Range {
  readonly low: number
  readonly high: number
}

export interface DynamicOptions {
  readonly limit: Limit
  readonly includes: (layer: string) => boolean
  /** What layers read is between; of others each row is measured as it comes. */
  readonly ranges?: ReadonlyMap<string, Range>
}

/**
 * Linear layers in int8, which give a row the same bits whatever rows are beside it.
 *
 *     y = x·W + b   →   y = r·(float(MatMulInteger(q, Q, z))·t) + b    x ≈ r·(q − z), uint8;  W ≈ Q·diag(t), int8
 *
 * Of a layer with a range, r and z are numbers, and r is part of t. Of any other there is an r for each row, max|x|/127,
 * and z = 128. Layers that read the same x share its bytes, and places that share a matrix have one Q.
 *
 * ONNX Runtime fuses the product, the cast, the scales and, where r is a number, the bias into one call of its 8-bit
 * kernels (`MatMulIntegerToFloat`); other runtimes run the nodes as they stand.
 *
 * `limit` is 64 where the kernel multiplies with vpmaddubsw (AVX2, and AVX-512 without VNNI), which adds two products
 * u·q in 16 bits: 2·255·64 = 32,640 fits, 2·255·127 = 64,770 would be cut off at 32,767 without a word.
 *
 * Matches Gemm and MatMul with a float32 weight that is part of the graph and whose layer `includes` names. Left alone:
 * products of two activations, a transposed x, and without a range an x that is not a matrix.
 */
export function quantizeDynamic(g: Graph, { limit, includes, ranges = new Map() }: DynamicOptions): Rewritten {
  const known = new Map<Value, Bytes>()
  const ones = new Map<string, Value>()
  const matrices = new Map<string, Value>()
  const bytesOf = (next: Graph, { name, x }: Linear): Bytes | undefined => {
    const range = ranges.get(name)
    if (!range && x.shape.length !== 2) return undefined
    const made = known.get(x) ?? (range ? withinRange(next, x, range) : byRow(next, x))
    known.set(x, made)
    return made
  }
  return rewrite(g, (next, node) => {
    const layer = linearOf(next, node)
    const weight = constantOf(next, layer?.weight)
    if (!layer || !weight || !includes(layer.name)) return undefined
    const input = bytesOf(next, layer)
    if (!input) return undefined
    const { name, x, bias, beta } = layer
    const bytes = quantizeColumns(weight, { ...layer, limit })
    const stored = `${layer.weight.name} ${layer.transposed}`
    const matrix = matrices.get(stored) ?? next.initializer(`${name}.int8`, bytes.matrix)
    matrices.set(stored, matrix)
    const steps = (bytes.scales.data as Float32Array).map((scale) => scale * input.step)
    const scales = next.initializer(`${name}.scales`, { ...bytes.scales, data: steps })
    const product = next.apply('MatMulInteger', [input.bytes, matrix, input.zero], {})[0]!
    const y = next.mul(next.cast(product, 'float32'), next.mul(one(next, x, ones), scales))
    if (!input.rows) return [bias ? next.add(y, scaled(next, bias, beta)) : y]
    const rows = next.mul(y, input.rows)
    // Not an Add: ONNX Runtime would fuse it with the GELU after it, and that kernel takes longer than both.
    return [bias ? next.sub(rows, scaled(next, bias, -beta)) : rows]
  })
}

/** A value as bytes: `step·rows·(bytes − zero)`. */
interface Bytes {
  readonly bytes: Value
  readonly zero: Value
  readonly step: number
  /** [rows, 1], where each row has a scale of its own. */
  readonly rows?: Value
}

function withinRange(g: Graph, x: Value, { low, high }: Range): Bytes {
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)]
  const step = most > least ? (most - least) / 255 : 1
  const zero = g.scalar(Math.round(-least / step), 'uint8')
  return { bytes: g.quantize(x, g.scalar(step), zero), zero, step }
}

/** A row of zeros has any scale. */
const smallestPeak = 1e-12

/** The least value of GELU is −0.16997, so that its largest is all that has to be looked for. */
const leastGelu = 0.17

function byRow(g: Graph, x: Value): Bytes {
  const { bytes, scales } = quantizeEachRow(g, x)
  return { bytes, zero: g.scalar(128, 'uint8'), step: 1, rows: scales }
}

/** A matrix as bytes with a zero of 128 and a scale for each row, [rows, 1]. */
export function quantizeEachRow(g: Graph, x: Value): Readonly<Record<'bytes' | 'scales', Value>> {
  const [rows] = x.shape
  const isGelu = g.nodes.some(({ op, outputs }) => op === 'Gelu' && outputs[0] === x)
  const peaks = isGelu
    ? g.max(g.maximum(x, [-1]), g.scalar(leastGelu))
    : g.max(g.maximum(g.max(x, g.neg(x)), [-1]), g.scalar(smallestPeak))
  const scales = g.mul(peaks, g.scalar(1 / 127))
  const zeros = g.fill([rows!], 128, 'uint8')
  return { bytes: g.quantize(x, g.reshape(scales, [rows!]), zeros), scales }
}

/**
 * 1, as a size of the batch divided by itself: ONNX Runtime looks for a product of two scales, and before it does, it
 * makes one constant of two.
 */
function one(g: Graph, { shape }: Value, made: Map<string, Value>): Value {
  const sizes = new Set(g.inputs.flatMap((input) => input.shape))
  const symbol = shape.flatMap((dim) => factors(dim)).find((size) => typeof size === 'string' && sizes.has(size))
  if (typeof symbol !== 'string') return g.scalar(1)
  const size = made.get(symbol) ?? g.cast(g.dim(symbol), 'float32')
  made.set(symbol, size)
  return g.div(size, size)
}
