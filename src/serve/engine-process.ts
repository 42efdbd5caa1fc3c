import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type ErrorCode, codes, NerError } from '../errors.js'
import type { Batch } from '../features/batch.js'
import type { Slot } from './batcher.js'
import type { Answer, EngineSettings, Question } from './engine-child.js'

/** An engine in a process of its own, which is replaced when it hangs or dies. */
export interface EngineProcess extends Slot {
  /** Of the process that runs now. */
  readonly pid: number | undefined
  /** How often it has been replaced. */
  readonly replaced: number
  /** Settles when the engine has loaded for the first time. */
  readonly started: Promise<void>
  close(): Promise<void>
}

export interface SupervisionOptions {
  /** Milliseconds after which a batch is taken to hang, and the process is killed. */
  readonly timeout: number
  /** Told when the engine takes batches again, or no longer does. */
  readonly onChange?: () => void
}

/** How long is waited before a process that has died is started again; twice as long each time it does not start. */
const firstPause = 50
const longestPause = 5_000

/** How long a process may take to stop before it is killed. */
const patience = 2_000

interface Run {
  readonly resolve: (emissions: Float32Array) => void
  readonly reject: (error: Error) => void
}

/**
 * Starts an engine in a process. Within this one its `run` would block whoever answers requests; in a thread it could not
 * be killed where it hangs in native code, and a crash would end the server. A message there and back takes 0.05 ms.
 *
 * A batch that takes longer than `timeout` fails with `serve/engine-hung`; the process is killed and another is started.
 * Batches that are lost with a process fail with `serve/engine-lost`: they may be run again.
 */
// eslint-disable-next-line max-lines-per-function -- its short functions share one process
export function startEngine(settings: EngineSettings, { timeout, onChange }: SupervisionOptions): EngineProcess {
  const runs = new Map<number, Run>()
  let child: ChildProcess | undefined
  let ready = false
  let closing = false
  let replaced = 0
  let pause = firstPause
  let lastId = 0
  let alarm: NodeJS.Timeout | undefined
  let restart: NodeJS.Timeout | undefined
  let onStart: { resolve: () => void; reject: (error: Error) => void }
  const started = new Promise<void>((resolve, reject) => {
    onStart = { resolve, reject }
  })
  // Whoever waits for the start is told; nobody else has to be.
  started.catch(() => undefined)

  function start(): void {
    const own = fork(fileURLToPath(new URL('../../dist/serve/engine-child.js', import.meta.url)), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child = own
    const end = () => {
      if (own === child && !closing) lose()
    }
    own.on('message', (answer: Answer) => {
      if (own === child) receive(answer)
    })
    own.on('error', end)
    own.on('exit', end)
    ask({ open: settings })
  }

  /** A process that has just died cannot be written to; its exit says so. */
  const ask = (question: Question) => child?.send(question, () => undefined)

  function receive(answer: Answer): void {
    if ('ready' in answer) {
      ready = true
      pause = firstPause
      onStart.resolve()
      onChange?.()
    } else if (answer.id === undefined) onStart.reject(errorOf((answer as { error: Failure }).error))
    else {
      const run = runs.get(answer.id)
      runs.delete(answer.id)
      watch()
      if ('emissions' in answer) run?.resolve(answer.emissions)
      else run?.reject(errorOf(answer.error))
    }
  }

  /** Sets the alarm for the batch that is being run: the one that has waited longest. */
  function watch(): void {
    clearTimeout(alarm)
    if (runs.size === 0) return
    alarm = setTimeout(() => {
      const [id] = runs.keys()
      runs.get(id!)!.reject(hung(timeout))
      runs.delete(id!)
      lose()
    }, timeout)
  }

  function lose(): void {
    child?.kill('SIGKILL')
    child = undefined
    clearTimeout(alarm)
    ready = false
    onStart.reject(lost())
    const open = [...runs.values()]
    runs.clear()
    replaced++
    restart = setTimeout(start, pause)
    pause = Math.min(2 * pause, longestPause)
    onChange?.()
    for (const run of open) run.reject(lost())
  }

  start()
  return {
    started,
    get pid() {
      return child?.pid
    },
    get ready() {
      return ready
    },
    get replaced() {
      return replaced
    },
    run(batch: Batch) {
      if (!ready) return Promise.reject(lost())
      const id = ++lastId
      return new Promise<Float32Array>((resolve, reject) => {
        runs.set(id, { resolve, reject })
        if (runs.size === 1) watch()
        ask({ id, batch: bare(batch) })
      })
    },
    async close() {
      closing = true
      ready = false
      clearTimeout(alarm)
      clearTimeout(restart)
      for (const run of runs.values()) run.reject(lost())
      runs.clear()
      const last = child
      if (last === undefined || last.exitCode !== null) return
      const exited = new Promise((resolve) => last.once('exit', resolve))
      ask({ close: true })
      const killer = setTimeout(() => last.kill('SIGKILL'), patience)
      await exited
      clearTimeout(killer)
    },
  }
}

/** What an engine needs of a batch: results are put back here. */
const bare = (batch: Batch): Batch => ({ ...batch, rows: [] })

const hung = (timeout: number) =>
  new NerError('serve/engine-hung', `The engine has not answered for ${timeout} ms, and is replaced.`, {
    mend: 'Try again. Where one text hangs it each time, report that text.',
  })

const lost = () =>
  new NerError('serve/engine-lost', 'The engine has stopped, and is started again.', { mend: 'Try again.' })

interface Failure {
  readonly code?: string
  readonly what: string
}

const errorOf = ({ code, what }: Failure) =>
  new NerError(code !== undefined && code in codes ? (code as ErrorCode) : 'runtime/failed', what)
