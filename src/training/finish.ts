import { removeCheckpoint } from './checkpoint.js'
import { settleBias } from './emission-bias.js'
import type { TrainResult } from './events.js'
import { scoreHeldOut } from './held-out.js'
import { writeRun } from './results.js'
import type { Task } from './run.js'
import type { Trained, Training } from './steps.js'

/** Scores what the steps have led to, writes the model folder and drops the checkpoint. */
export async function finishRun(
  { config, tagger, trainer, batches }: Training,
  { weights, progress }: Trained,
  task: Task,
): Promise<TrainResult> {
  settleBias(weights, tagger, task.examples)
  await trainer.restore(new Map([...weights].map(([name, data]) => [name, { data }])))
  const dev = task.held.dev && (await scoreHeldOut(trainer, tagger, config, task.held.dev))
  const test = task.held.test && (await scoreHeldOut(trainer, tagger, config, task.held.test))
  // Rounds of self-training come on top of what was planned.
  const totalSteps = Math.max(batches.steps, progress.step)
  const results = writeRun({ ...task, weights, progress, totalSteps, dev, test })
  removeCheckpoint(config.output)
  return { output: config.output, interrupted: false, dev: dev?.evaluation, test: test?.evaluation, results }
}
