import { Piscina } from 'piscina'
import { formatJsonl } from '../data/formats/jsonl.js'
import { type Part, type PartOptions, partsOf, readPart } from '../data/parts.js'
import type { Reject } from '../data/source.js'
import { NerError } from '../errors.js'
import { threadCount } from '../threads.js'
import { labeller, type LabellerOptions } from './labeller.js'
import { openSources } from './open.js'
import type { SpanSource } from './source.js'
import type { Prepared } from './prepare.js'

export interface ApplyOptions extends Pick<PartOptions, 'format' | 'scheme'> {
  /** Leave bad rows of the input out, instead of stopping at the first. */
  readonly skipBad?: boolean
  /** Go on where a function fails on a document, without its layer there. */
  readonly keepGoing?: boolean
  /** Threads; 0 takes every core. With a model there is one, since the model takes every core. */
  readonly threads?: number
}

/** What came of a part of the input. */
export interface LabelledPart {
  /** JSONL in UTF-8, a line a document, with a layer for each function. */
  readonly lines: Uint8Array
  readonly documents: number
  /** How many spans each function gave, in their order. */
  readonly spans: readonly number[]
  readonly rejects: readonly Reject[]
  readonly failures: readonly Failure[]
}

/** A function that failed on a document. */
export interface Failure {
  readonly name: string
  readonly what: string
  readonly where: string
}

/** Parts in flight for each thread: one in work, one that waits. */
const ahead = 2

/**
 * Labels files, a part after the other, in their order whatever the number of threads. Memory does not grow with the
 * input.
 *
 * @throws NerError as `partsOf`, `readPart` and `openSources`
 */
export async function* applyFunctions(
  prepared: Prepared,
  files: readonly string[],
  options: ApplyOptions = {},
): AsyncGenerator<LabelledPart> {
  const wanted = threadCount(options.threads)
  const threads = prepared.functions.some(({ spec }) => spec.kind === 'model') ? 1 : wanted
  const workers = threads === 1 ? await inThisThread(prepared, options) : inThreads(prepared, options, threads)
  try {
    const waiting: Promise<LabelledPart>[] = []
    for (const file of files) {
      for await (const part of partsOf(file, options)) {
        const labelled = workers.label(part)
        // It is awaited in its turn; until then its failure is not unhandled.
        labelled.catch(() => undefined)
        waiting.push(labelled)
        if (waiting.length >= ahead * threads) yield await waiting.shift()!
      }
    }
    for (const labelled of waiting) yield await labelled
    await workers.finish()
  } finally {
    await workers.end()
  }
}

interface Workers {
  readonly label: (part: Part) => Promise<LabelledPart>
  /** Throws what came to light after the last answer. */
  readonly finish: () => Promise<void>
  readonly end: () => Promise<void>
}

async function inThisThread(prepared: Prepared, options: ApplyOptions): Promise<Workers> {
  const { label, close } = await partLabeller(prepared, options)
  return { label, finish: close, end: () => close().catch(() => undefined) }
}

/** What a thread starts with; the knowledge bases in it are shared, not copied. */
export interface WorkerData {
  readonly prepared: Prepared
  readonly options: Pick<ApplyOptions, 'skipBad' | 'keepGoing'>
}

function inThreads(prepared: Prepared, { skipBad, keepGoing }: ApplyOptions, threads: number): Workers {
  const workerData: WorkerData = {
    prepared,
    options: { ...(skipBad !== undefined && { skipBad }), ...(keepGoing !== undefined && { keepGoing }) },
  }
  const pool = new Piscina<Part | 'finish', LabelledPart | FailedPart | undefined>({
    // From src (tests) and from dist alike.
    filename: new URL('../../dist/sources/apply-worker.js', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    workerData,
    // Documents live for a moment only: with room for them the garbage collector has little to do.
    resourceLimits: { maxYoungGenerationSizeMb: 32 },
  })
  const run = async (task: Part | 'finish', transferList: ArrayBuffer[] = []) => {
    const done = await pool.run(task, { transferList })
    if (done === undefined || !('error' in done)) return done
    const { code, what, detail } = done.error
    throw new NerError(code, what, detail)
  }
  return {
    label: async (part) => (await run(part, [part.bytes.buffer as ArrayBuffer]))!,
    // All threads are idle: each takes one.
    async finish() {
      await Promise.all(Array.from({ length: threads }, () => run('finish')))
    },
    end: () => pool.destroy(),
  }
}

/** Reads, labels and writes parts. */
export async function partLabeller(
  prepared: Prepared,
  { skipBad, keepGoing }: Pick<ApplyOptions, 'skipBad' | 'keepGoing'>,
): Promise<{ readonly label: (part: Part) => Promise<LabelledPart>; readonly close: () => Promise<void> }> {
  let failures: Failure[] = []
  const onFailure: LabellerOptions['onFailure'] = ({ what, detail }, name) =>
    void failures.push({ name, what, where: detail.where ?? '' })
  const sources = await openSources(prepared)
  const label = labeller(sources, keepGoing === true ? { onFailure } : {})
  const labelPart = async (part: Part): Promise<LabelledPart> => {
    const { documents, rejects } = readPart(part, { skipBad: skipBad === true })
    const labelled = await label(documents)
    const lines = Buffer.from([...formatJsonl(labelled)].join(''))
    const spans = prepared.functions.map(({ name }) =>
      labelled.reduce((sum, { layers }) => sum + (layers[name]?.length ?? 0), 0),
    )
    const done = { lines, documents: labelled.length, spans, rejects, failures }
    failures = []
    return done
  }
  return { label: labelPart, close: () => closeAll(sources) }
}

async function closeAll(sources: readonly SpanSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close()))
}

/** An error as it crosses from a thread, where its class would be lost. */
export interface FailedPart {
  readonly error: Pick<NerError, 'code' | 'what' | 'detail'>
}
