import type { Example } from '../features/batch.js'
import { removeCheckpoint } from './checkpoint.js'
import { settleBias } from './gauge.js'
import { scoreHeldOut, type HeldOut } from './held-out.js'
import type { Run, Trained, TrainEvent } from './loop.js'
import { writeRun, type FinishedRun } from './results.js'

/** What a run read, to be told of in its folder. */
export interface Prepared extends Pick<
  FinishedRun,
  'corpus' | 'tokenizer' | 'encoderConfig' | 'origin' | 'lineage' | 'windows'
> {
  readonly examples: readonly Example[]
  readonly held: Readonly<Record<'dev' | 'test', HeldOut | undefined>>
}

/** Scores what the steps have led to, writes the model folder and drops the checkpoint. */
export async function finishRun(
  { config, tagger, trainer, plan }: Run,
  { weights, progress }: Trained,
  { examples, held, ...read }: Prepared,
): Promise<Extract<TrainEvent, { kind: 'done' }>> {
  settleBias(weights, tagger, examples)
  await trainer.restore(new Map([...weights].map(([name, data]) => [name, { data }])))
  const dev = held.dev && (await scoreHeldOut(trainer, tagger, config, held.dev))
  const test = held.test && (await scoreHeldOut(trainer, tagger, config, held.test))
  // Rounds of self-training come on top of what was planned.
  const totalSteps = Math.max(plan.steps, progress.step)
  const results = writeRun({ ...read, config, tagger, weights, progress, totalSteps, dev, test })
  removeCheckpoint(config.output)
  return {
    kind: 'done',
    output: config.output,
    interrupted: false,
    dev: dev?.evaluation,
    test: test?.evaluation,
    results,
  }
}
