import { quantizeDynamic } from '../../graph/rewrite/dynamic.js'
import type { Emissions } from '../../inference/decode.js'
import { dropsBetween, overBudget, type Budget } from './gates.js'
import { measure, sampleOf, type LabelledSet, type Measurement } from './measure.js'
import type { LayerCost, Plan, RangedTask } from './plan.js'

/** Words that each layer's cost is measured on; what is decided is measured on all of the file. */
const words = 5_000

/**
 * Dynamic int8 within a budget. Every layer's cost is measured by itself. Where all layers together cost too much, the
 * costliest stay in float, twice as many each time, until the budget is kept.
 */
export async function* auto(
  task: RangedTask,
  dev: LabelledSet,
  before: Measurement,
  budget: Budget,
): AsyncGenerator<string, Plan> {
  const { model, float, ranges, balanced, layers, limit, threads } = task
  const costs = yield* layerCosts(task, await sampleOf(model, dev, words))
  for (let count = 0; ; count = Math.min(Math.max(1, 2 * count), layers.length)) {
    yield count === 0 ? 'measuring all layers in int8' : `measuring with the ${count} costliest layers in float`
    const kept = costs.slice(0, count).map(({ layer }) => layer)
    const includes = (layer: string) => layers.includes(layer) && !kept.includes(layer)
    const { graph } = quantizeDynamic(float, { limit, ranges, includes })
    const after = await measure(graph, model, dev, threads)
    if (overBudget(dropsBetween(before.scores, after.scores), budget).length === 0 || count === layers.length)
      return { graph, float: kept, balanced, costs, after }
  }
}

async function* layerCosts(
  { model, float, ranges, layers, limit, threads }: RangedTask,
  sample: LabelledSet,
): AsyncGenerator<string, LayerCost[]> {
  yield 'measuring layers'
  const before = await measure(float, model, sample, threads)
  const costs: LayerCost[] = []
  for (const [i, layer] of layers.entries()) {
    yield `measuring layer ${i + 1}/${layers.length}`
    const { graph } = quantizeDynamic(float, { limit, ranges, includes: (name) => name === layer })
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
