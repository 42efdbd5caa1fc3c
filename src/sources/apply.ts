import { Piscina } from 'piscina'
import { formatJsonl } from '../data/formats/jsonl.js'
import { type Part, type PartOptions, partsOf, readPart } from '../data/parts.js'
import type { Reject } from '../data/source.js'
import { NerError } from '../errors.js'
import { threadCount } from '../threads.js'
import { type Labeller, type LabellerOptions, openLabeller, type Tag } from './labeller.js'
import type { Prepared } from './prepare.js'

export interface ApplyOptions extends Pick<PartOptions, 'format' | 'scheme'> {
  /** Leave bad rows of the input out, instead of stopping at the first. */
  readonly skipBad?: boolean
  /** Go on where a function fails on a document, without its layer there. */
  readonly keepGoing?: boolean
  /** Threads; 0 takes every core. With a model there is one, since the model takes every core. */
  readonly threads?: number
  readonly tag?: Tag
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
 * @throws NerError as `partsOf`, `readPart` and `openLabeller`
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
  } finally {
    await workers.end()
  }
}

interface Workers {
  readonly label: (part: Part) => Promise<LabelledPart>
  readonly end: () => Promise<void>
}

async function inThisThread(prepared: Prepared, options: ApplyOptions): Promise<Workers> {
  const label = await partLabeller(prepared, options)
  return { label, end: () => Promise.resolve() }
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
  const pool = new Piscina<Part, LabelledPart | FailedPart>({
    // From src (tests) and from dist alike.
    filename: new URL('../../dist/sources/apply-worker.js', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    workerData,
    // Documents live for a moment only: with room for them the garbage collector has little to do.
    resourceLimits: { maxYoungGenerationSizeMb: 128 },
  })
  return {
    label: async (part) => {
      const labelled = await pool.run(part, { transferList: [part.bytes.buffer as ArrayBuffer] })
      if (!('error' in labelled)) return labelled
      const { code, what, detail } = labelled.error
      throw new NerError(code, what, detail)
    },
    end: () => pool.destroy(),
  }
}

/** Reads, labels and writes parts. */
export async function partLabeller(
  prepared: Prepared,
  { skipBad, keepGoing, tag }: Pick<ApplyOptions, 'skipBad' | 'keepGoing' | 'tag'>,
): Promise<(part: Part) => Promise<LabelledPart>> {
  let failures: Failure[] = []
  const onFailure: LabellerOptions['onFailure'] = ({ what, detail }, name) =>
    void failures.push({ name, what, where: detail.where ?? '' })
  const label: Labeller = await openLabeller(prepared, {
    ...(tag && { tag }),
    ...(keepGoing === true && { onFailure }),
  })
  return async (part) => {
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
}

/** An error as it crosses from a thread, where its class would be lost. */
export interface FailedPart {
  readonly error: Pick<NerError, 'code' | 'what' | 'detail'>
}
