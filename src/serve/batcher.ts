import { NerError } from '../errors.js'
import type { Batch, Example } from '../features/batch.js'
import { fillBatch } from '../features/batches.js'

export interface BatcherSettings {
  /** Most examples in a batch. */
  readonly maxBatch: number
  /** Most pieces in a batch, padding included; a larger example makes a batch of its own. */
  readonly maxTokens: number
  /** Milliseconds after which a batch for a busy engine is closed, and handed over for when the engine is free. */
  readonly maxWait: number
  /** Examples that may wait for an engine. A text that does not fit is refused, save one that finds the queue empty. */
  readonly maxQueue: number
  /** Number of tags: the width of emissions. */
  readonly labels: number
  readonly padId: number
}

/** An engine, as the queue sees it. */
export interface Slot {
  /** Whether it takes batches now. */
  readonly ready: boolean
  /** Emissions of the batch's words, [sentences, words, labels]. */
  run(batch: Batch): Promise<Float32Array>
}

/** The examples of one text, to be run. */
export interface Submission {
  readonly examples: readonly Example[]
  /** Words of the text. */
  readonly words: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export interface Tagged {
  /** [words × labels] */
  readonly emissions: Float32Array
  /** Milliseconds from submission to the first batch. */
  readonly queued: number
  /** Milliseconds from the first batch to the last answer. */
  readonly engine: number
}

/** A batch that was run, for metrics. */
export interface BatchRun {
  readonly examples: number
  readonly milliseconds: number
  readonly failed: boolean
}

export interface Batcher {
  /**
   * The emissions of a text's words.
   *
   * @throws NerError `serve/overloaded`, and what an engine throws for this text alone; the signal's reason where it is
   *   aborted
   */
  submit(submission: Submission): Promise<Tagged>
  /** Looks for work: an engine has become ready. */
  wake(): void
  /** Examples that wait for an engine, and texts without an answer yet. */
  readonly load: { readonly waiting: number; readonly texts: number }
}

/** One batch is run and one waits beside the engine, so that it is never idle between them. */
const batchesAhead = 2

/** A text without an answer yet. */
interface Ticket {
  readonly emissions: Float32Array
  readonly submitted: number
  /** When its first batch was dispatched. */
  dispatched?: number
  /** Examples that wait for an engine. */
  waiting: Waiting[]
  unanswered: number
  readonly settle: (outcome: Tagged | Error) => void
}

interface Waiting {
  readonly ticket: Ticket
  readonly example: Example
  /** Pieces of its longest window. */
  readonly length: number
  /** Was in a batch that failed, and is tried again by itself. */
  readonly alone: boolean
}

/**
 * Puts the examples of many texts into batches. A batch is run at once where an engine is idle. Otherwise it is closed
 * when it is full, or when its oldest example has waited `maxWait`, and handed to a busy engine. Examples of like length
 * share a batch. A text of many examples takes turns with the others and delays none. What is aborted leaves the queue.
 *
 * Where a batch fails, its examples are tried again one by one: an example that fails alone fails its text.
 */
// eslint-disable-next-line max-lines-per-function -- its short functions share one queue
export function createBatcher(
  slots: readonly Slot[],
  settings: BatcherSettings,
  onBatch: (run: BatchRun) => void = () => undefined,
): Batcher {
  const { maxBatch, maxTokens, maxWait, maxQueue, labels } = settings
  /** Texts with examples that wait, in turn. */
  let queue: Ticket[] = []
  let waiting = 0
  /** Texts without an answer yet. */
  const open = new Set<Ticket>()
  let timer: NodeJS.Timeout | undefined
  const running = slots.map(() => 0)

  function dispatch(): void {
    for (;;) {
      const slot = freest()
      if (slot === undefined || queue.length === 0) return
      if (running[slot]! > 0 && !isClosed()) return
      const batch = nextBatch(queue, maxBatch, maxTokens)
      waiting -= batch.length
      const served = new Set(batch.map(({ ticket }) => ticket))
      for (const ticket of served) ticket.waiting = ticket.waiting.filter((one) => !batch.includes(one))
      // Whoever was served goes to the end of the line.
      const rest = [...served].filter((ticket) => ticket.waiting.length > 0)
      queue = [...queue.filter((ticket) => !served.has(ticket)), ...rest]
      void run(slot, batch)
    }
  }

  function freest(): number | undefined {
    let best: number | undefined
    for (const [i, { ready }] of slots.entries()) {
      if (ready && running[i]! < batchesAhead && (best === undefined || running[i]! < running[best]!)) best = i
    }
    return best
  }

  /** Whether the next batch is complete though every engine is busy. Otherwise `dispatch` is called when it is. */
  function isClosed(): boolean {
    if (waiting >= maxBatch) return true
    const pieces = queue.flatMap((ticket) => ticket.waiting).reduce((sum, { length }) => sum + length, 0)
    const left = queue[0]!.submitted + maxWait - performance.now()
    if (pieces >= maxTokens || left <= 0) return true
    timer ??= setTimeout(() => {
      timer = undefined
      dispatch()
    }, left)
    return false
  }

  async function run(slot: number, entries: readonly Waiting[]): Promise<void> {
    const began = performance.now()
    for (const { ticket } of entries) ticket.dispatched ??= began
    const batch = fillBatch(
      entries.map(({ example }) => example),
      settings,
    )
    running[slot]!++
    let failed = false
    try {
      answer(entries, batch, await slots[slot]!.run(batch))
    } catch (error) {
      failed = true
      tryAgain(entries, error instanceof Error ? error : new Error(String(error)))
    } finally {
      running[slot]!--
      onBatch({ examples: entries.length, milliseconds: performance.now() - began, failed })
      dispatch()
    }
  }

  function answer(entries: readonly Waiting[], { sizes }: Batch, emissions: Float32Array): void {
    let row = 0
    for (const { ticket, example } of entries) {
      for (const { firstWord, piece } of example.sentences) {
        const from = row++ * sizes.words * labels
        ticket.emissions.set(emissions.subarray(from, from + piece.length * labels), firstWord * labels)
      }
      if (--ticket.unanswered > 0) continue
      const dispatched = ticket.dispatched!
      ticket.settle({
        emissions: ticket.emissions,
        queued: dispatched - ticket.submitted,
        engine: performance.now() - dispatched,
      })
    }
  }

  function tryAgain(entries: readonly Waiting[], error: Error): void {
    // Which of them an engine hangs on is not known, and to find out would hang it again.
    const hopeless = error instanceof NerError && error.code === 'serve/engine-hung'
    for (const entry of entries.toReversed()) {
      const { ticket } = entry
      if (hopeless || entry.alone) ticket.settle(error)
      else if (open.has(ticket)) {
        ticket.waiting.unshift({ ...entry, alone: true })
        waiting++
        if (!queue.includes(ticket)) queue.unshift(ticket)
      }
    }
  }

  function submit({ examples, words, signal }: Submission): Promise<Tagged> {
    const submitted = performance.now()
    if (examples.length === 0) {
      return Promise.resolve({ emissions: new Float32Array(words * labels), queued: 0, engine: 0 })
    }
    return new Promise<Tagged>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error)
        return
      }
      if (waiting > 0 && waiting + examples.length > maxQueue) {
        reject(overloaded(waiting))
        return
      }
      const settle = (outcome: Tagged | Error) => {
        if (!open.delete(ticket)) return
        waiting -= ticket.waiting.length
        ticket.waiting = []
        queue = queue.filter((other) => other !== ticket)
        signal.removeEventListener('abort', abort)
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      const abort = () => settle(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
      const ticket: Ticket = {
        emissions: new Float32Array(words * labels),
        submitted,
        waiting: [],
        unanswered: examples.length,
        settle,
      }
      ticket.waiting = examples.map((example) => ({ ticket, example, length: longestWindow(example), alone: false }))
      open.add(ticket)
      waiting += examples.length
      queue.push(ticket)
      dispatch()
    })
  }

  return {
    submit,
    wake: dispatch,
    get load() {
      return { waiting, texts: open.size }
    },
  }
}

/** Texts that are looked at for a batch, in batches: enough to find examples of like length. */
const lookAhead = 8

/** The example at the front of the queue, and those that are most like it in length. */
function nextBatch(queue: readonly Ticket[], maxBatch: number, maxTokens: number): Waiting[] {
  const first = queue[0]!.waiting[0]!
  if (first.alone) return [first]
  // A text's second example costs more than anybody's first, whatever their lengths.
  const costs = queue
    .slice(0, lookAhead * maxBatch)
    .flatMap(({ waiting }) =>
      waiting
        .slice(0, maxBatch)
        .map((one, turn) => ({ one, cost: Math.abs(one.length - first.length) + turn * maxTokens })),
    )
    .filter(({ one }) => !one.alone && one !== first)
    .sort((a, b) => a.cost - b.cost)
  const batch = [first]
  let rows = first.example.windows.length
  let longest = first.length
  for (const { one } of costs) {
    if (batch.length === maxBatch) break
    const wider = Math.max(longest, one.length)
    const more = rows + one.example.windows.length
    if (more * wider > maxTokens) continue
    batch.push(one)
    rows = more
    longest = wider
  }
  return batch
}

const longestWindow = ({ windows }: Example) => windows.reduce((most, { length }) => Math.max(most, length), 0)

const overloaded = (waiting: number) =>
  new NerError('serve/overloaded', `The queue is full: ${waiting} sentences wait for an engine.`, {
    mend: 'Try again later, or send less at once.',
  })
