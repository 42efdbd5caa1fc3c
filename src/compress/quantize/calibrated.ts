import { quantizeStatic } from '../../graph/rewrite/static.js'
import { sampleOf, type LabelledSet } from './measure.js'
import { observe } from './observe.js'
import type { Plan, Task } from './plan.js'
import { thresholdOf, type Calibration } from './thresholds.js'

/** Words that calibration looks at: more do not move the thresholds. */
const calibrationWords = 20_000

/** Static int8: every layer's input has the scale that was right for the calibration file. */
export async function calibrated(task: Task, data: LabelledSet, calibration: Calibration): Promise<Plan> {
  const { model, float, layers, limit, activations, threads } = task
  const sample = await sampleOf(model, data, calibrationWords)
  const thresholds = new Map<string, number>()
  for (const { layers: readers, histogram } of await observe(float, model, layers, sample, threads)) {
    const threshold = thresholdOf(histogram, calibration)
    // A layer that several places share reads through one scale.
    for (const layer of readers) thresholds.set(layer, Math.max(threshold, thresholds.get(layer) ?? 0))
  }
  return { graph: quantizeStatic(float, { limit, activations, thresholds }).graph, float: [], balanced: [] }
}
