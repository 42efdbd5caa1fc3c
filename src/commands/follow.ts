import type { TrainEvent, TrainResult } from '../training/events.js'
import { trainingProgress } from './progress.js'
import { tell } from '../terminal.js'

/**
 * Follows a run to its end, showing its progress. Ctrl-C asks it to stop at a point it can be resumed from; a second one
 * stops it where it is.
 */
export async function followRun(
  start: (signal: AbortSignal) => AsyncGenerator<TrainEvent, TrainResult>,
): Promise<TrainResult> {
  const progress = trainingProgress()
  const interruption = interruptible()
  try {
    const run = start(interruption.signal)
    for (;;) {
      const { value, done } = await run.next()
      if (done === true) {
        progress.stop()
        if (value.interrupted) tell('Interrupted. The same command with --resume goes on from here.\n')
        for (const warning of value.warnings) tell(`warning: ${warning}\n`)
        return value
      }
      progress.show(value)
    }
  } finally {
    progress.stop()
    interruption.end()
  }
}

/**
 * A signal that the first SIGINT or SIGTERM aborts. The listener stays: what hides the cursor of a terminal ends the process
 * where it finds itself to be the only one that listens.
 */
function interruptible() {
  const controller = new AbortController()
  const end = () => signals.forEach((name) => process.off(name, stop))
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      end()
      process.kill(process.pid, name)
    } else controller.abort()
  }
  for (const name of signals) process.on(name, stop)
  return { signal: controller.signal, end }
}

const signals = ['SIGINT', 'SIGTERM'] as const
