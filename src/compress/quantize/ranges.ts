import type { Batch } from '../../features/batch.js'
import type { Graph } from '../../graph/graph.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import { balance, balancingFactors } from '../../graph/rewrite/balance.js'
import type { Range } from '../../graph/rewrite/dynamic.js'
import { constantOf, linearOf } from '../../graph/rewrite/linear.js'
import { rewrite } from '../../graph/rewrite/rewrite.js'
import type { Value } from '../../graph/types.js'
import type { ModelFolder } from '../../artifacts/model.js'
import { pieceFeeds } from '../../inference/engine.js'
import { random } from '../../random.js'
import { createSession } from '../../runtime/session.js'
import { readersOf } from './observe.js'

/**
 * How what layers read is known before it is there. What a norm gives is alike in every row once its channels are
 * balanced, and what attention averages is alike as it is. What an activation gives is not: rows differ by 20 times, and
 * are measured as they come.
 */
const known: Readonly<Record<string, { readonly balanced: boolean; readonly margin: number }>> = {
  LayerNormalization: { balanced: true, margin: 1 },
  // Text of the model's own kind is up to 1.6 times wider than random pieces, in one layer of eighteen that were tried.
  Reshape: { balanced: false, margin: 1.5 },
}

/** A graph that is about to be quantized. */
export interface Ranged {
  /** The same function; of what norms give to layers, channels are balanced. */
  readonly graph: Graph
  /** What those layers read, by layer. */
  readonly ranges: ReadonlyMap<string, Range>
  readonly balanced: readonly string[]
}

/** Values of one kind, and the layers that read them: what one layer reads in several places is one input. */
interface Input {
  readonly layers: readonly string[]
  readonly values: readonly Value[]
  readonly balanced: boolean
  readonly margin: number
}

/**
 * Finds what layers read between which bounds, on random pieces of the model's vocabulary: on those, norms reach what they
 * reach on text, and no text is needed.
 */
export async function measureRanges(
  float: Graph,
  model: ModelFolder,
  layers: readonly string[],
  threads: number,
): Promise<Ranged> {
  const inputs = inputsOf(float, layers)
  const channels = await channelRanges(
    float,
    model,
    inputs.map(({ values }) => values),
    threads,
  )
  const weights = rowMaxima(float, new Set(layers))
  const factors = new Map<string, Float32Array>()
  const ranges = new Map<string, Range>()
  for (const [i, { layers: readers, balanced, margin }] of inputs.entries()) {
    const { low, high } = channels[i]!
    const own = balancingFactors({
      activations: high.map((most, channel) => Math.max(most, -low[channel]!)),
      weights: high.map((_, channel) => Math.max(...readers.map((layer) => weights.get(layer)![channel]!))),
    })
    const bound = (values: Float32Array) => values.map((value, channel) => value / (balanced ? own[channel]! : 1))
    const range = { low: margin * Math.min(...bound(low)), high: margin * Math.max(...bound(high)) }
    for (const layer of readers) {
      ranges.set(layer, range)
      if (balanced) factors.set(layer, own)
    }
  }
  return { graph: balance(float, factors).graph, ranges, balanced: [...factors.keys()] }
}

function inputsOf(g: Graph, layers: readonly string[]): Input[] {
  const producers = new Map(g.nodes.flatMap(({ op, outputs }) => outputs.map((value) => [value, op] as const)))
  let groups: { readonly layers: ReadonlySet<string>; readonly values: readonly Value[] }[] = []
  for (const [x, readers] of readersOf(g, new Set(layers))) {
    // Where layers share their weights, or read two values as DeBERTa's keys do, these are balanced as one.
    const joined = groups.filter((group) => readers.some((layer) => group.layers.has(layer)))
    groups = groups.filter((group) => !joined.includes(group))
    groups.push({
      layers: new Set([...joined.flatMap((group) => [...group.layers]), ...readers]),
      values: [...joined.flatMap(({ values }) => values), x],
    })
  }
  return groups.flatMap(({ layers: own, values }): Input[] => {
    const kinds = new Set(values.map((value) => known[producers.get(value) ?? '']))
    const [kind] = kinds
    return kinds.size === 1 && kind ? [{ layers: [...own], values, ...kind }] : []
  })
}

interface ChannelRange {
  readonly low: Float32Array
  readonly high: Float32Array
}

/** What each channel is between, 0 included, over groups of values. */
async function channelRanges(
  g: Graph,
  model: ModelFolder,
  groups: readonly (readonly Value[])[],
  threads: number,
): Promise<ChannelRange[]> {
  const { graph, now } = rewrite(g, () => undefined)
  groups.forEach((values, i) => values.forEach((x, k) => graph.output(`input.${i}.${k}`, now(x))))
  const ranges = groups.map(([x]): ChannelRange => {
    const width = Number(x!.shape.at(-1))
    return { low: new Float32Array(width), high: new Float32Array(width) }
  })
  const session = await createSession(encodeModel(graph), { threads })
  try {
    for (const batch of randomPieces(model)) {
      const seen = await session.run(pieceFeeds(session, batch))
      groups.forEach((values, i) => values.forEach((_, k) => widen(ranges[i]!, seen[`input.${i}.${k}`]!.data)))
    }
  } finally {
    await session.release()
  }
  return ranges
}

function widen({ low, high }: ChannelRange, rows: ArrayLike<unknown>): void {
  const values = rows as Float32Array
  for (let at = 0; at < values.length; at++) {
    const channel = at % low.length
    const value = values[at]!
    if (value < low[channel]!) low[channel] = value
    if (value > high[channel]!) high[channel] = value
  }
}

const lengths = [8, 16, 32, 64, 128]
const piecesPerBatch = 1024

/** Windows of random pieces between the special ones, of several lengths; without padding. */
function* randomPieces({
  tokenizer,
  tagger,
  ner,
}: ModelFolder): Generator<Pick<Batch, 'sizes' | 'inputIds' | 'attentionMask'>> {
  const next = random('ranges')
  const { prefix, suffix, vocabSize } = tokenizer
  const longest = Math.min(ner.window, tagger.encoder.sizes.maxPositions)
  for (const sequence of new Set(lengths.map((length) => Math.min(length, longest)))) {
    const batch = Math.max(1, Math.floor(piecesPerBatch / sequence))
    const windows = Array.from({ length: batch }, () => [
      ...prefix,
      ...Array.from({ length: sequence - prefix.length - suffix.length }, () => Math.floor(next() * vocabSize)),
      ...suffix,
    ])
    yield {
      sizes: { batch, sequence, sentences: 0, words: 0 },
      inputIds: BigInt64Array.from(windows.flat(), BigInt),
      attentionMask: new BigInt64Array(batch * sequence).fill(1n),
    }
  }
}

/** max |W| over what each input channel meets, by layer. */
function rowMaxima(g: Graph, layers: ReadonlySet<string>): Map<string, Float32Array> {
  const maxima = new Map<string, Float32Array>()
  for (const node of g.nodes) {
    const layer = linearOf(g, node)
    const weight = constantOf(g, layer?.weight)
    if (!layer || !weight || !layers.has(layer.name)) continue
    const [rows, columns] = weight.dims as [number, number]
    const own = new Float32Array(layer.transposed ? columns : rows)
    ;(weight.data as Float32Array).forEach((value, i) => {
      const channel = layer.transposed ? i % columns : Math.floor(i / columns)
      own[channel] = Math.max(own[channel]!, Math.abs(value))
    })
    maxima.set(layer.name, own)
  }
  return maxima
}
