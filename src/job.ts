/**
 * Work that takes long: it yields what happens, and returns its result. `finish` runs it to its end; whoever wants to show
 * how far it is walks it with `next()`, or gives `finish` a listener.
 */
export type Job<Result, Event = string> = AsyncGenerator<Event, Result>

/** Runs a job to its end, telling of each event. Throws what the job throws. */
export async function finish<Result, Event>(
  job: Job<Result, Event>,
  onEvent: (event: Event) => void = () => undefined,
): Promise<Result> {
  for (;;) {
    const { value, done } = await job.next()
    if (done === true) return value
    onEvent(value)
  }
}
