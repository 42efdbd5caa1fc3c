import { AsyncLocalStorage } from 'node:async_hooks'
import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { SegmentedDocument } from '../data/segment.js'
import { nearest } from '../nearest.js'
import type { Answer, Asked, LabellingFunction, ModuleData } from './module.js'

/* The thread of a user's module: what it does to its process, or never ends, is done to this thread alone. */

const { file, exported } = workerData as ModuleData
const port = parentPort!
const say = (answer: Answer) => port.postMessage(answer)

/** The document that a call was about, however late what it left behind fails. */
const about = new AsyncLocalStorage<string>()
let current: string | undefined
let fault: string | undefined

const onLateError = (error: unknown) => {
  const document = about.getStore()
  if (document !== undefined && document === current) fault ??= messageOf(error)
  else say({ kind: 'late', what: messageOf(error), ...(document !== undefined && { document }) })
}
process.on('uncaughtException', onLateError)
process.on('unhandledRejection', onLateError)

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')

const call = load()

port.on('message', (message: Asked) => {
  if (message === 'finish')
    // The thread ends by itself once nothing else that it has begun is under way.
    port.unref()
  else void answer(message)
})

async function answer(documents: readonly SegmentedDocument[]): Promise<void> {
  const labelling = await call
  if (labelling === undefined) return
  for (const document of documents) {
    current = document.id
    fault = undefined
    let spans: unknown[] | undefined
    try {
      spans = await about.run(document.id, async () => [...((await labelling(document)) ?? [])])
    } catch (error) {
      fault = messageOf(error)
    }
    // What it left unhandled is told before the next turn of the loop.
    await setImmediate()
    try {
      say(fault === undefined ? { kind: 'spans', spans: spans! } : { kind: 'failed', what: fault })
    } catch (error) {
      say({ kind: 'failed', what: messageOf(error) })
    }
    current = undefined
  }
}

async function load(): Promise<LabellingFunction | undefined> {
  let found: Record<string, unknown>
  try {
    found = await importModule(resolve(file))
  } catch (error) {
    say({ kind: 'unloadable', what: `cannot be loaded: ${messageOf(error)}` })
    return undefined
  }
  const labelling = found[exported]
  if (typeof labelling === 'function') {
    say({ kind: 'loaded' })
    return labelling as LabellingFunction
  }
  const names = Object.keys(found)
  const meant = nearest(exported, names) ?? names[0]
  const mend =
    meant === undefined ? 'Write `export default function (document) { … }`.' : `It exports ${names.join(', ')}.`
  say({ kind: 'unloadable', what: `exports no function ${exported}`, mend })
  return undefined
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  if (!/\.[cm]?tsx?$/.test(path)) return (await import(pathToFileURL(path).href)) as Record<string, unknown>
  // Node 20 runs no TypeScript itself.
  const { createJiti } = await import('jiti')
  return createJiti(import.meta.url, { interopDefault: false }).import(path)
}
