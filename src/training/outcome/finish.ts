import { removeCheckpoint } from '../checkpoint.js'
import { settleBias } from '../emission-bias.js'
import type { TrainResult } from '../events.js'
import { scoreHeldOut } from '../held-out.js'
import { writeRun } from './results.js'
import type { Task } from '../run.js'
import type { Trained, Training } from '../steps.js'
import { trainingWarnings } from './warnings.js'

/** Scores what the steps have led to, writes the model folder and drops the checkpoint. */
export async function finishRun(
  { config, tagger, trainer, batches }: Training,
  { weights, progress }: Trained,
  task: Task,
): Promise<TrainResult> {
  // With a loss of their own the emissions have the bias that suits plain argmax.
  if (config.training.emission_loss === 0) settleBias(weights, tagger, task.examples)
  await trainer.restore(new Map([...weights].map(([name, data]) => [name, { data }])))
  const dev = task.held.dev && (await scoreHeldOut(trainer, tagger, config, task.held.dev))
  const test = task.held.test && (await scoreHeldOut(trainer, tagger, config, task.held.test))
  // Rounds of self-training come on top of what was planned.
  const totalSteps = Math.max(batches.steps, progress.step)
  const results = writeRun({ ...task, config, weights, progress, totalSteps, dev, test })
  removeCheckpoint(config.output)
  const { best, step: steps } = progress
  const evaluations = { dev: dev?.evaluation, test: test?.evaluation }
  const warnings = trainingWarnings({ steps, best }, evaluations.test ?? evaluations.dev)
  return { output: config.output, interrupted: false, ...evaluations, warnings, results }
}
