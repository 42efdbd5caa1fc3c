import { NerError } from '../errors.js'
import type { Batch } from '../features/batch.js'
import { type Engine, loadEngine } from '../inference/engine.js'

/* A process with an engine in it: batches come in, emissions go out. See engine-process.ts. */

export interface EngineSettings {
  /** The ONNX file. */
  readonly onnx: string
  /** Number of tags. */
  readonly labels: number
  /** Threads within an operator. */
  readonly threads: number
}

export type Question =
  { readonly open: EngineSettings } | { readonly id: number; readonly batch: Batch } | { readonly close: true }

export type Answer =
  | { readonly ready: true }
  | { readonly id: number; readonly emissions: Float32Array }
  | { readonly id: number | undefined; readonly error: { readonly code?: string; readonly what: string } }

const tell = (answer: Answer) => process.send!(answer)
const tellError = (id: number | undefined, error: unknown) =>
  tell({ id, error: error instanceof NerError ? { code: error.code, what: error.what } : { what: String(error) } })

let engine: Engine | undefined
/** One question after the other. */
let last: Promise<unknown> = Promise.resolve()

async function answer(question: Question): Promise<void> {
  if ('open' in question) {
    const { onnx, labels, threads } = question.open
    engine = await loadEngine(onnx, labels, { threads })
    tell({ ready: true })
  } else if ('close' in question) {
    await engine?.close()
    process.disconnect()
  } else {
    tell({ id: question.id, emissions: await engine!.run(question.batch) })
  }
}

process.on('message', (question: Question) => {
  last = last.then(() =>
    answer(question).catch((error: unknown) => tellError('id' in question ? question.id : undefined, error)),
  )
})
// A Ctrl-C in the terminal reaches every process of the group: the server says when its engines stop.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())
