import { batches } from '../../features/batches.js'
import type { Batch } from '../../features/batch.js'
import type { Graph } from '../../graph/graph.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import { linearOf } from '../../graph/rewrite/linear.js'
import { rewrite } from '../../graph/rewrite/rewrite.js'
import type { Value } from '../../graph/types.js'
import type { ModelFolder } from '../../artifacts/model.js'
import { batchPieces, pieceFeeds } from '../../inference/engine.js'
import { createSession } from '../../runtime/session.js'
import type { LabelledSet } from './measure.js'
import { histogramBins, type Histogram } from './thresholds.js'

/** The layers that read one value, and what was seen of it on pieces; padding does not count. */
export interface Observation {
  readonly layers: readonly string[]
  /** max |x| of each channel. */
  readonly channels: Float32Array
  readonly histogram: Histogram
}

/** Runs a served graph over a set, looking at what the given layers read: once for the ranges, once for histograms. */
export async function observe(
  g: Graph,
  model: ModelFolder,
  layers: readonly string[],
  { examples }: LabelledSet,
  threads: number,
): Promise<Observation[]> {
  const readers = readersOf(g, new Set(layers))
  const { graph, now } = rewrite(g, () => undefined)
  const inputs = [...readers.keys()]
  inputs.forEach((x, i) => graph.output(`input.${i}`, now(x)))
  const channels = inputs.map(({ shape }) => new Float32Array(Number(shape.at(-1))))
  const session = await createSession(encodeModel(graph), { threads })

  const eachInput = async (see: (i: number, rows: Float32Array, batch: Batch) => void) => {
    const options = { tokens: batchPieces, labels: model.tagger.tags.length, padId: model.tokenizer.pad }
    for (const batch of batches(examples, options)) {
      const seen = await session.run(pieceFeeds(session, batch))
      inputs.forEach((_, i) => see(i, seen[`input.${i}`]!.data as Float32Array, batch))
    }
  }
  try {
    await eachInput((i, rows, batch) => widen(channels[i]!, rows, batch))
    const histograms = channels.map((own): Histogram => {
      const largest = own.reduce((a, b) => Math.max(a, b), 0)
      return { largest, counts: new Float64Array(histogramBins) }
    })
    await eachInput((i, rows, batch) => count(histograms[i]!, channels[i]!.length, rows, batch))
    return inputs.map((x, i) => ({ layers: readers.get(x)!, channels: channels[i]!, histogram: histograms[i]! }))
  } finally {
    await session.release()
  }
}

/** The layers by the value that they read. */
export function readersOf(g: Graph, layers: ReadonlySet<string>): Map<Value, string[]> {
  const readers = new Map<Value, string[]>()
  for (const node of g.nodes) {
    const layer = linearOf(g, node)
    if (layer && layers.has(layer.name)) readers.set(layer.x, [...(readers.get(layer.x) ?? []), layer.name])
  }
  return readers
}

/** The rows that are no padding; of a value that is not a row a piece, such as a table of positions, all. */
function* rowsThatCount(rows: Float32Array, width: number, { attentionMask }: Batch): Generator<number> {
  const count = rows.length / width
  for (let row = 0; row < count; row++) if (count !== attentionMask.length || attentionMask[row] !== 0n) yield row
}

function widen(channels: Float32Array, rows: Float32Array, batch: Batch): void {
  const width = channels.length
  for (const row of rowsThatCount(rows, width, batch))
    for (let i = 0, at = row * width; i < width; i++, at++) channels[i] = Math.max(channels[i]!, Math.abs(rows[at]!))
}

function count({ largest, counts }: Histogram, width: number, rows: Float32Array, batch: Batch): void {
  if (largest === 0) return
  const perUnit = counts.length / largest
  const last = counts.length - 1
  for (const row of rowsThatCount(rows, width, batch))
    for (let at = row * width; at < (row + 1) * width; at++)
      counts[Math.min(last, Math.floor(Math.abs(rows[at]!) * perUnit))]!++
}
