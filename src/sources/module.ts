import { Worker } from 'node:worker_threads'
import type { Span } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { NerError } from '../errors.js'
import type { SpecOf } from './config.js'
import type { Finder } from './open.js'
import { sentinelLabel } from './source.js'

/**
 * What a user's module exports: the spans that it votes for, of a document with its words and sentences; nothing where it
 * abstains. Offsets are UTF-16, half open: `document.text.slice(start, end)`.
 */
export type LabellingFunction = (
  document: SegmentedDocument,
) => Iterable<Span> | undefined | null | Promise<Iterable<Span> | undefined | null>

/** What the thread of a module starts with. */
export interface ModuleData {
  readonly file: string
  readonly exported: string
}

/** What the thread of a module is asked for: the spans of documents, or to end when it has nothing left to do. */
export type Asked = readonly SegmentedDocument[] | 'finish'

/** What the thread of a module says: that it is ready or never will be, an answer for each document, late faults. */
export type Answer =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'unloadable'; readonly what: string; readonly mend?: string }
  | { readonly kind: 'spans'; readonly spans: readonly unknown[] }
  | { readonly kind: 'failed'; readonly what: string }
  | { readonly kind: 'late'; readonly what: string; readonly document?: string }

/** A module's heap in MiB; past it, its thread is ended. */
const mostMemory = 2048

/** How long a module that is closed may go on with what it has begun, in milliseconds. */
const lastWords = 500

/**
 * Loads a function from a JavaScript or TypeScript module, in a thread of its own: an endless loop, an exit or a fault
 * that comes late is told by the function's name and the document's id, and harms nothing else. What it prints goes to
 * standard error.
 *
 * @throws NerError `weak/function-failed`; so does its `find`, and its `close` where a fault came after the answers
 */
export async function openModule(name: string, spec: SpecOf<'module'>): Promise<Finder> {
  const failed = (what: string, document: string | undefined, mend = defaultMend) =>
    new NerError('weak/function-failed', what, {
      where: document === undefined ? spec.file : `${spec.file}, document ${document}`,
      mend,
    })
  let late: NerError | undefined
  const onLate = ({ what, document }: Answer & { readonly kind: 'late' }) =>
    void (late ??= failed(`The function ${name} failed after it had answered: ${what}.`, document, lateMend))
  const start = async () => {
    const thread = moduleThread({ file: spec.file, exported: spec.export }, spec.time_limit, onLate)
    const answer = await thread.next()
    if (answer.kind === 'loaded') return thread
    await thread.end()
    const what = answer.kind === 'unloadable' ? answer.what : `cannot be loaded: ${reasonOf(answer)}`
    const mend =
      answer.kind === 'unloadable' && answer.mend ? answer.mend : 'Import it by itself to see where it fails.'
    throw failed(`The module of ${name} ${what}.`, undefined, mend)
  }
  let thread: ModuleThread | undefined = await start()
  const mayVote = new Set([...spec.labels, sentinelLabel])

  const find = async (documents: readonly SegmentedDocument[], signal?: AbortSignal): Promise<Span[][]> => {
    signal?.throwIfAborted()
    thread ??= await start()
    thread.ask(documents)
    const found: Span[][] = []
    try {
      for (const document of documents) {
        const answer = await thread.next(signal)
        const reading = answer.kind === 'spans' ? checkedSpans(answer.spans, document, mayVote) : reasonOf(answer)
        if (typeof reading === 'string') throw failed(`The function ${name} failed: ${reading}.`, document.id)
        found.push(reading)
      }
    } catch (error) {
      // It may hang, or have answers under way that nobody waits for any more.
      if (thread.ended() || found.length + 1 < documents.length || !(error instanceof NerError)) {
        await thread.end()
        thread = undefined
      }
      throw error
    }
    return found
  }
  let queue: Promise<unknown> = Promise.resolve()
  return {
    find(documents, signal) {
      const found = queue.then(() => find(documents, signal))
      queue = found.catch(() => undefined)
      return found
    },
    async close() {
      await queue
      await thread?.finish()
      thread = undefined
      if (late) throw late
    },
  }
}

const lateMend = 'Let it answer when all that it begins is done.'

const defaultMend = 'Mend it, or go on without its votes on such documents with `keep-going`.'

/** Why there is no answer. */
const reasonOf = (answer: Answer | Ended): string => ('what' in answer ? answer.what : 'it gave no answer')

/** The thread ended, or had to be. */
interface Ended {
  readonly kind: 'ended'
  readonly what: string
}

interface ModuleThread {
  readonly ask: (documents: readonly SegmentedDocument[]) => void
  /** The next answer; what a thread is asked for is answered within the limit, or it is ended. Throws the signal's reason. */
  readonly next: (signal?: AbortSignal) => Promise<Answer | Ended>
  readonly ended: () => boolean
  readonly end: () => Promise<unknown>
  /** Lets it go on for a moment with what it has begun, then ends it. */
  readonly finish: () => Promise<void>
}

function moduleThread(
  data: ModuleData,
  limit: number,
  onLate: (answer: Answer & { readonly kind: 'late' }) => void,
): ModuleThread {
  // From src (tests) and from dist alike.
  const worker = new Worker(new URL('../../dist/sources/module-worker.js', import.meta.url), {
    workerData: data,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: mostMemory },
  })
  for (const printed of [worker.stdout, worker.stderr])
    printed.on('data', (text: Uint8Array) => void process.stderr.write(text))
  const answers: Answer[] = []
  let ended: Ended | undefined
  let wake: () => void = () => undefined
  const isEnded = () => ended !== undefined
  const endWith = (what: string) => {
    ended ??= { kind: 'ended', what }
    wake()
  }
  worker.on('message', (answer: Answer) => {
    if (answer.kind === 'late') onLate(answer)
    else answers.push(answer)
    wake()
  })
  worker.on('error', (error: NodeJS.ErrnoException) =>
    endWith(
      error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? `it takes more than ${mostMemory.toLocaleString('en')} MiB of memory`
        : error.message.replace(/\.$/, ''),
    ),
  )
  worker.on('exit', (code) => endWith(`it ended its thread with code ${code}`))
  const end = () => worker.terminate()
  return {
    ask: (documents) => worker.postMessage(documents satisfies Asked),
    async next(signal) {
      // Where this thread was busy, the answer may be there already.
      const isLate = () => answers.length === 0 && endWith(`it gave no answer within its time_limit of ${limit} s`)
      const timer = setTimeout(() => setImmediate(isLate), limit * 1000)
      const onAbort = () => wake()
      signal?.addEventListener('abort', onAbort)
      try {
        while (answers.length === 0 && !ended) {
          signal?.throwIfAborted()
          await new Promise<void>((resolve) => (wake = resolve))
        }
        return answers.shift() ?? ended!
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
    },
    ended: isEnded,
    end,
    async finish() {
      if (isEnded()) return
      worker.postMessage('finish' satisfies Asked)
      const timer = setTimeout(() => void end(), lastWords)
      while (!isEnded()) await new Promise<void>((resolve) => (wake = resolve))
      clearTimeout(timer)
    },
  }
}

/** What a function gave as spans in the order of the text, or what is wrong with it. */
function checkedSpans(
  values: readonly unknown[],
  { text }: SegmentedDocument,
  mayVote: ReadonlySet<string>,
): Span[] | string {
  const spans: Span[] = []
  for (const value of values) {
    const shown = show(value)
    if (value === null || typeof value !== 'object') return `it gave ${shown}, which is no span`
    const { start, end, label, score } = value as Partial<Record<string, unknown>>
    if (!isOffset(start) || !isOffset(end) || start >= end || end > text.length) {
      return `it gave ${shown}, which is no stretch of the text of ${text.length} UTF-16 units`
    }
    if (typeof label !== 'string' || !mayVote.has(label)) {
      return `it gave ${shown}, whose label is none of ${[...mayVote].join(', ')}`
    }
    if (score !== undefined && !(typeof score === 'number' && score >= 0 && score <= 1)) {
      return `it gave ${shown}, whose score is no number from 0 to 1`
    }
    spans.push({ start, end, label, ...(score !== undefined && { score }) })
  }
  return spans.sort((a, b) => a.start - b.start || a.end - b.end)
}

const isOffset = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0

/** As JSON, with numbers that JSON has not. */
const show = (value: unknown): string =>
  value === undefined
    ? 'undefined'
    : JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' && !Number.isFinite(one) ? String(one) : one))
