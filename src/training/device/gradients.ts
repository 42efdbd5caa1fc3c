import { inline } from '../../graph/inline.js'
import { product } from '../../graph/dims.js'
import { Graph } from '../../graph/graph.js'
import type { Tensor, Value } from '../../graph/types.js'
import type { Parameter } from '../../models/parameters.js'
import type { Tagger } from '../../models/tagger.js'
import type { DropoutSite } from '../dropout.js'
import { mixed } from '../../graph/rewrite/mixed.js'
import type { Objective } from '../objective.js'
import { batchInputs, buildForward, gradientOutput, stepOutputs, type StepSizes } from '../step.js'
import type { Precision } from '../cpu/trainer.js'
import { isFinite, scaling } from './scaling.js'

/** The inputs of a device's gradient graph that no other graph has. */
export const deviceInputs = {
  /** int32 [rows]: the pieces that the step touches, each once. */
  touched: 'touched',
  /** int32 [batch, sequence]: each piece's place among them. */
  touchedRow: 'touched_row',
  /** float32 []: 1 adds to what was accumulated, 0 starts anew. */
  keep: 'keep',
  /** float32 []: the losses summed since they were read last. */
  lossSum: 'loss_sum',
  /** int32 []: a mask's first row in its pool. */
  maskRow: (site: string) => `${site}.row`,
} as const

/** What was accumulated before, by the name of the output that it is added to. */
export const accumulatedInput = (output: string) => `${output}.before`

export const poolInput = (rate: number) => `mask_pool.${rate}`

/** Floats in a row of a pool: masks start at rows. */
export const poolWidth = 16

/** A batch's sizes as numbers. */
export type FixedSizes = Readonly<Record<keyof StepSizes, number>>

export interface GradientOptions {
  /** Whether what was there before is added to gradients and loss. */
  readonly accumulates?: boolean
  readonly precision?: Precision | undefined
}

export interface GradientGraph {
  readonly graph: Graph
  readonly dropoutSites: readonly DropoutSite[]
}

/**
 * One batch's gradients where parameters, pools of masks and what was accumulated before live on the device: the graph
 * of `Objective.step`, with three things around it.
 * - Masks of dropout are rows of a pool that is there already; the host only says where they start.
 * - The piece table is read through the `rows` that the step touches: their gradient is [rows, hidden].
 * - Rows of a gradient are added up by a product, the same on every run, where adding in place would not be.
 * - Indices are int32, which is what GPUs have.
 */
export function buildGradients(
  tagger: Tagger,
  { parameters, step }: Pick<Objective, 'parameters' | 'step'>,
  sizes: FixedSizes,
  rows: number,
  { accumulates = true, precision = 'fp32' }: GradientOptions = {},
): GradientGraph {
  const scaled = precision === 'fp16'
  const { graph: plain, dropoutSites } = step(sizes)
  const host = scaled ? mixed(plain, scaling.scale).graph : plain
  const { pieceTable } = tagger.encoder
  const g = new Graph('device gradients')
  const pieces = sizes.batch * sizes.sequence
  const weights = Object.fromEntries(parameters.map(({ name, shape }) => [name, g.input(name, 'float32', shape)]))
  const touched = g.input(deviceInputs.touched, 'int32', [rows])
  const touchedRow = g.input(deviceInputs.touchedRow, 'int32', [sizes.batch, sizes.sequence])
  const feeds: Record<string, Value> = {
    ...weights,
    ...declareIndices(g, sizes),
    ...pooledMasks(g, dropoutSites),
    [pieceTable]: g.gather(weights[pieceTable]!, touched),
    [batchInputs.inputIds]: touchedRow,
  }
  for (const { name, dtype, shape } of host.inputs) feeds[name] ??= g.input(name, dtype, shape)
  const {
    [stepOutputs.loss]: ownLoss,
    [stepOutputs.pieces]: lookedUp,
    ...dense
  } = inline(g, host, feeds, { ScatterND: addRows })

  const width = lookedUp!.shape.at(-1)!
  const ofRows = sumRows(g, touchedRow, g.reshape(lookedUp!, [pieces, width]), rows)

  // A loss that overflowed has no gradient that will be taken, and is left out of sums.
  const loss = scaled ? g.where(isFinite(g, ownLoss!), ownLoss!, g.scalar(0)) : ownLoss!
  const all = { [gradientOutput(pieceTable)]: ofRows, ...dense }
  if (!accumulates) {
    for (const [name, gradient] of Object.entries(all)) g.output(name, gradient)
    g.output(stepOutputs.loss, loss)
    return { graph: g, dropoutSites }
  }
  // Not a product with 0: what is there may be infinite, of a step in fp16 that was skipped.
  const keep = g.less(g.scalar(0), g.input(deviceInputs.keep, 'float32', []))
  for (const [name, gradient] of Object.entries(all)) {
    const before = g.input(accumulatedInput(name), 'float32', gradient.shape)
    g.output(name, g.add(gradient, g.where(keep, before, g.scalar(0))))
  }
  g.output(stepOutputs.loss, g.add(loss, g.input(deviceInputs.lossSum, 'float32', [])))
  return { graph: g, dropoutSites }
}

/** `buildForward` for a device: logits of every word, of a batch of these sizes. */
export function buildDeviceForward(tagger: Tagger, parameters: readonly Parameter[], sizes: FixedSizes): Graph {
  const g = new Graph('device forward')
  const { logits } = inline(g, buildForward(tagger, sizes), {
    ...Object.fromEntries(parameters.map(({ name, shape }) => [name, g.input(name, 'float32', shape)])),
    [batchInputs.inputIds]: g.input(batchInputs.inputIds, 'int32', [sizes.batch, sizes.sequence]),
    ...declareIndices(g, sizes),
  })
  g.output('logits', logits!)
  return g
}

/** The forward pass with its weights in the file, for a device that would be sent them in every run. */
export function buildBakedForward(tagger: Tagger, weights: ReadonlyMap<string, Tensor>): Graph {
  const g = new Graph('baked forward')
  const forward = buildForward(tagger)
  const feeds = forward.inputs.map(({ name, dtype, shape }): [string, Value] => {
    const weight = weights.get(name)
    return [name, weight ? g.initializer(name, weight) : g.input(name, dtype, shape)]
  })
  g.output('logits', inline(g, forward, Object.fromEntries(feeds))['logits']!)
  return g
}

/** Σ of the rows of `values` [n, width] that go to each of `rows` places: a product with a matrix of zeros and ones. */
function sumRows(g: Graph, places: Value, values: Value, rows: number): Value {
  const [count] = values.shape
  const all = g.unsqueeze(g.initializer('rows', int32Range(rows)), [1])
  return g.matmul(g.cast(g.equal(all, g.cast(g.reshape(places, [1, count!]), 'int32')), 'float32'), values)
}

/** The gradient of a look-up (an adding ScatterND of rows) in the same way. */
const addRows = (g: Graph, [x, indices, updates]: readonly Value[]): Value => {
  const count = product(indices!.shape)
  const width = product(x!.shape.slice(1))
  const sums = sumRows(g, indices!, g.reshape(updates!, [count, width]), x!.shape[0] as number)
  return g.add(x!, g.reshape(sums, x!.shape))
}

function declareIndices(g: Graph, { batch, sequence, sentences, words }: FixedSizes): Record<string, Value> {
  const { attentionMask, wordIndex } = batchInputs
  return {
    [attentionMask]: g.input(attentionMask, 'float32', [batch, sequence]),
    [wordIndex]: g.input(wordIndex, 'int32', [sentences, words]),
  }
}

/** Every site's mask: as many rows of its rate's pool as it has elements, from the row that the host names. */
function pooledMasks(g: Graph, sites: readonly DropoutSite[]): Record<string, Value> {
  const pools = new Map<number, Value>()
  const masks: Record<string, Value> = {}
  for (const { input, rate, shape } of sites) {
    if (!pools.has(rate)) pools.set(rate, g.input(poolInput(rate), 'float32', ['pool', poolWidth]))
    const count = Math.ceil((product(shape) as number) / poolWidth)
    const own = g.add(g.initializer('mask rows', int32Range(count)), g.input(deviceInputs.maskRow(input), 'int32', []))
    masks[input] = g.reshape(g.gather(pools.get(rate)!, own), shape)
  }
  return masks
}

export const int32Range = (length: number): Tensor => ({
  dtype: 'int32',
  dims: [length],
  data: Int32Array.from({ length }, (_, i) => i),
})
