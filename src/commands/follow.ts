import type { TrainEvent } from '../training/loop.js'
import { trainingProgress } from './progress.js'

export type Done = Extract<TrainEvent, { kind: 'done' }>

/**
 * Follows a run to its end, showing its progress. Ctrl-C asks it to stop at a point it can be resumed from; a second one
 * stops it where it is.
 */
export async function followRun(start: (signal: AbortSignal) => AsyncIterable<TrainEvent>): Promise<Done> {
  const progress = trainingProgress()
  const interruption = interruptible()
  let outcome: Done | undefined
  try {
    for await (const event of start(interruption.signal)) {
      progress.show(event)
      if (event.kind === 'done') outcome = event
    }
  } finally {
    progress.stop()
    interruption.end()
  }
  if (outcome === undefined) throw new Error('the run ended without a result')
  if (outcome.interrupted) process.stderr.write('Interrupted. The same command with --resume goes on from here.\n')
  return outcome
}

function interruptible() {
  const controller = new AbortController()
  const stop = () => controller.abort()
  const end = () => ['SIGINT', 'SIGTERM'].forEach((name) => process.off(name, stop))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  return { signal: controller.signal, end }
}
