import { once } from 'node:events'
import { basename, relative } from 'node:path'
import { tagLabels } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { modelVersion } from '../inference/version.js'
import { hashFile } from '../io/hash.js'
import { loadModel } from '../artifacts/model.js'
import { versions } from '../runtime/versions.js'
import { createBatcher } from './batcher.js'
import { answerCache } from './cache.js'
import { startEngine, type EngineProcess } from './engine-process.js'
import { createApp } from './http/app.js'
import type { Served } from './http/plugin.js'
import { keepKnowledge, type KnowledgeKeeper } from './lists/knowledge.js'
import { createMetrics } from './metrics.js'
import { tryOutPage } from './page/page.js'
import { type Answered, createRecognizer, type Recognizer, sizeOf } from './recognizer.js'
import { threadsOf, type ServeSettings } from './settings.js'

/** A server that listens. */
export interface Server {
  /** e.g. `http://127.0.0.1:8080` */
  readonly address: string
  readonly version: string
  /** Stops: what was accepted is answered, within the time that the settings give, and no more is taken. */
  close(): Promise<void>
}

/** What answers requests, without an address: for an application of one's own. */
export interface NerService {
  readonly served: Served
  /** Looks now whether a source of lists or overrides has changed. */
  refresh(): Promise<void>
  /** No more is taken; resolves when all that was accepted is answered. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** How long a text is that engines are warmed with, in words: shapes that have been seen run faster. */
const warmLengths = [4, 16, 48]

/**
 * Loads a model and starts its engines; they are warmed before the service is ready.
 *
 * @throws NerError `model/*`, `runtime/*`, `serve/bad-list`
 */
// eslint-disable-next-line max-lines-per-function -- it puts together what knows nothing of each other
export async function openService(
  settings: ServeSettings,
  onListFailure: (error: NerError, list: string) => void = () => undefined,
): Promise<NerService> {
  const model = await loadModel(settings.model)
  const labels = model.tagger.tags.length
  const threads = threadsOf(settings)
  let state: 'starting' | 'ready' | 'draining' = 'starting'
  const engines: EngineProcess[] = Array.from({ length: settings.engines }, () =>
    startEngine(
      { onnx: model.onnx, labels, threads },
      { timeout: settings.queue.hung_ms, onChange: () => batcher.wake() },
    ),
  )
  const metrics = createMetrics(
    () => batcher,
    engines,
    () => recognizer,
    () => keeper?.states ?? [],
  )
  const batcher = createBatcher(
    engines,
    {
      maxBatch: settings.batch.sentences,
      maxTokens: settings.batch.pieces,
      maxWait: settings.batch.wait_ms,
      maxQueue: settings.queue.sentences,
      labels,
      padId: model.tokenizer.pad,
    },
    (run) => metrics.batch(run),
  )
  const parts = {
    model,
    modelVersion: modelVersion(model),
    types: [...tagLabels(model.tagger.tags)].sort(),
    batcher,
    cache: answerCache({ bytes: settings.cache.bytes, ttl: 1000 * settings.cache.ttl_s }, sizeOf),
    onAnswer: (answer: Answered) => metrics.answer(answer),
  }
  let recognizer: Recognizer
  let keeper: KnowledgeKeeper | undefined
  const close = async () => {
    await keeper?.close()
    await Promise.all(engines.map((engine) => engine.close()))
  }
  try {
    keeper = await keepKnowledge(
      { ...settings, stages: [] },
      (knowledge) => (recognizer = createRecognizer(parts, knowledge)),
      onListFailure,
    )
    recognizer = createRecognizer(parts, keeper.current)
    await Promise.all(engines.map(({ started }) => started))
    await warm(recognizer, engines.length)
  } catch (error) {
    await close()
    throw error
  }
  state = 'ready'
  const name = basename(model.folder)
  const served: Served = {
    name,
    get recognizer() {
      return recognizer
    },
    limits: {
      textUnits: settings.limits.text_units,
      texts: settings.limits.texts,
      deadline: settings.queue.deadline_ms,
      longestDeadline: settings.queue.longest_deadline_ms,
    },
    get ready() {
      return state === 'ready' && engines.some(({ ready }) => ready)
    },
    files: [{ file: relative(model.folder, model.onnx), sha256: hashFile(model.onnx) }],
    nerVersion: versions().ner,
    metrics,
    token: settings.token ?? undefined,
    logTexts: settings.log.texts,
    page: settings.page ? tryOutPage(name) : undefined,
  }
  return {
    served,
    refresh: () => keeper.refresh(),
    async drain() {
      state = 'draining'
      const until = performance.now() + settings.queue.drain_ms
      while (batcher.load.texts > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    close,
  }
}

async function warm(recognizer: Recognizer, engines: number): Promise<void> {
  for (const words of warmLengths) {
    const text = `${Array.from({ length: words }, (_, i) => `Ann${i}`).join(' ')}.`
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: engines }, (_, i) => recognizer.find({ text: `${text} ${i}` }, signal)))
  }
}

/**
 * Serves a model over HTTP.
 *
 * @throws NerError `serve/port-taken`, and as `openService`
 */
export async function serve(settings: ServeSettings): Promise<Server> {
  const service = await openService(settings, (error, list) => {
    process.stderr.write(`list ${list}: ${error.message}\n`)
  })
  const app = createApp(settings, service)
  try {
    const address = await app.listen({ host: settings.host, port: settings.port })
    return {
      address,
      version: service.served.recognizer.version,
      async close() {
        const closed = app.close()
        await service.drain()
        await closed
        await service.close()
      },
    }
  } catch (cause) {
    await service.close()
    throw new NerError('serve/port-taken', `The server cannot listen: ${(cause as Error).message}.`, {
      where: `${settings.host}:${settings.port}`,
      mend: 'Name another `port` or `host`, or stop what listens there.',
      cause,
    })
  }
}

/** Resolves when the process is asked to stop. */
export const stopAsked = (): Promise<unknown> => Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
