import type { Graph } from '../../graph/graph.js'
import { balance, balancingFactors } from '../../graph/rewrite/balance.js'
import { quantizeDynamic } from '../../graph/rewrite/dynamic.js'
import { constantOf, linearOf } from '../../graph/rewrite/linear.js'
import type { Emissions } from '../../inference/decode.js'
import { dropsBetween, overBudget, type Budget } from './gates.js'
import { measure, sampleOf, type LabelledSet, type Measurement } from './measure.js'
import { observe } from './observe.js'
import type { LayerCost, Plan, Task } from './plan.js'

/** Words that each layer's cost is measured on; what is decided is measured on all of the file. */
const words = 5_000

/**
 * Dynamic int8 within a budget. Every layer's cost is measured by itself. Where all layers together cost too much, they
 * are balanced, if that loses less; then the costliest stay in float, twice as many each time, until the budget is kept.
 */
export async function* auto(
  task: Task,
  dev: LabelledSet,
  before: Measurement,
  budget: Budget,
): AsyncGenerator<string, Plan> {
  const { model, float, layers, limit, threads } = task
  const sample = await sampleOf(model, dev, words)
  const costs = yield* layerCosts(task, sample)

  const quantized = (g: Graph, kept: ReadonlySet<string>) =>
    quantizeDynamic(g, { limit, includes: (layer) => layers.includes(layer) && !kept.has(layer) }).graph
  const scored = async (graph: Graph) => {
    const after = await measure(graph, model, dev, threads)
    const drops = dropsBetween(before.scores, after.scores)
    return { graph, after, drops, keepsBudget: overBudget(drops, budget).length === 0 }
  }

  yield 'measuring all layers in int8'
  const plain = await scored(quantized(float, new Set()))
  if (plain.keepsBudget) return { ...plain, float: [], balanced: [], costs }

  yield 'measuring all layers in int8, balanced'
  const balancedFloat = balance(float, await factorsOf(task, sample)).graph
  const balanced = await scored(quantized(balancedFloat, new Set()))
  if (balanced.keepsBudget) return { ...balanced, float: [], balanced: layers, costs }

  const helps = balanced.drops.overall < plain.drops.overall
  for (let count = 1; ; count = Math.min(2 * count, layers.length)) {
    yield `measuring with the ${count} costliest layers in float`
    const kept = costs.slice(0, count).map(({ layer }) => layer)
    const mixed = await scored(quantized(helps ? balancedFloat : float, new Set(kept)))
    if (mixed.keepsBudget || count === layers.length)
      return { ...mixed, float: kept, balanced: helps ? layers : [], costs }
  }
}

async function* layerCosts(
  { model, float, layers, limit, threads }: Task,
  sample: LabelledSet,
): AsyncGenerator<string, LayerCost[]> {
  yield 'measuring layers'
  const before = await measure(float, model, sample, threads)
  const costs: LayerCost[] = []
  for (const [i, layer] of layers.entries()) {
    yield `measuring layer ${i + 1}/${layers.length}`
    const { graph } = quantizeDynamic(float, { limit, includes: (name) => name === layer })
    const after = await measure(graph, model, sample, threads)
    costs.push({
      layer,
      drops: dropsBetween(before.scores, after.scores),
      divergence: divergence(before.emissions, after.emissions, model.tagger.tags.length),
    })
  }
  return costs.sort((a, b) => b.divergence - a.divergence)
}

/** Mean KL(p ‖ q) of the words' distributions over tags. */
function divergence(before: readonly Emissions[], after: readonly Emissions[], labels: number): number {
  let sum = 0
  let count = 0
  for (const [document, logits] of before.entries()) {
    for (let at = 0; at < logits.length; at += labels, count++) {
      const p = logSoftmax(logits.subarray(at, at + labels))
      const q = logSoftmax(after[document]!.subarray(at, at + labels))
      p.forEach((logP, tag) => (sum += Math.exp(logP) * (logP - q[tag]!)))
    }
  }
  return sum / count
}

function logSoftmax(logits: Float32Array): Float64Array {
  const peak = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - peak), 0)
  return Float64Array.from(logits, (logit) => logit - peak - Math.log(total))
}

/** Balancing factors of every layer, the same for layers that read the same value. */
async function factorsOf({ model, float, layers, threads }: Task, sample: LabelledSet) {
  const weights = rowMaxima(float, new Set(layers))
  const factors = new Map<string, Float32Array>()
  for (const { layers: readers, channels } of await observe(float, model, layers, sample, threads)) {
    const rows = channels.map((_, i) => Math.max(...readers.map((layer) => weights.get(layer)![i]!)))
    const own = balancingFactors({ activations: channels, weights: rows })
    for (const layer of readers) factors.set(layer, own)
  }
  return factors
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
