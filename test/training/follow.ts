import type { TrainEvent, TrainResult } from '../../src/training/events.js'

/** Runs a training to its end: what it said on the way, and what it came to. */
export async function followed(
  run: AsyncGenerator<TrainEvent, TrainResult>,
  watch: (event: TrainEvent) => void = () => {},
): Promise<{ readonly events: readonly TrainEvent[]; readonly result: TrainResult }> {
  const events: TrainEvent[] = []
  for (;;) {
    const { value, done } = await run.next()
    if (done === true) return { events, result: value }
    events.push(value)
    watch(value)
  }
}
