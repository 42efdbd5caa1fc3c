import { Worker } from 'node:worker_threads'
import { NerError } from '../../errors.js'
import type { Seen } from './fetch.js'
import type { Loaded, Wanted } from './load-list.js'
import type { Done, Task } from './thread.js'

/** Reads lists in a thread of its own. */
export interface ListLoader {
  /** What was read, or nothing where it is what was seen. @throws NerError `serve/bad-list` */
  load(wanted: Wanted, last: Seen | undefined): Promise<Loaded | undefined>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (loaded: Loaded | undefined) => void
  readonly reject: (error: Error) => void
}

/** A thread that ends, for want of memory say, fails what it was reading; the next list has a new thread. */
export function listLoader(): ListLoader {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  let lastId = 0

  function start(): Worker {
    const own = new Worker(new URL('../../../dist/serve/lists/thread.js', import.meta.url))
    own.unref()
    own.on('message', ({ id, loaded, error }: Done) => {
      const one = waiting.get(id)
      waiting.delete(id)
      if (error === undefined) one?.resolve(loaded)
      else one?.reject(bad(error.what, error.where))
    })
    const end = (what: string) => {
      if (worker !== own) return
      worker = undefined
      for (const { reject } of waiting.values()) reject(bad(what, undefined))
      waiting.clear()
    }
    own.on('error', (error) => end(`The list cannot be read: ${error.message}.`))
    own.on('exit', () => end('The thread that reads lists has ended.'))
    return own
  }

  return {
    load(wanted, last) {
      worker ??= start()
      const task: Task = { id: ++lastId, wanted, last }
      return new Promise((resolve, reject) => {
        waiting.set(task.id, { resolve, reject })
        worker!.postMessage(task)
      })
    },
    async close() {
      await worker?.terminate()
    },
  }
}

const bad = (what: string, where: string | undefined) =>
  new NerError('serve/bad-list', what, {
    ...(where !== undefined && { where }),
    mend: 'Mend the source; what was read before it is kept.',
  })
