import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { NerError } from '../../errors.js'
import type { Seen } from './fetch.js'
import { type Loaded, loadList, type Wanted } from './load-list.js'

/* The thread that reads lists, one after the other, while others answer requests. See loader.ts. */

export interface Task {
  readonly id: number
  readonly wanted: Wanted
  readonly last: Seen | undefined
}

export interface Done {
  readonly id: number
  readonly loaded?: Loaded | undefined
  readonly error?: { readonly what: string; readonly where: string | undefined }
}

// On Linux a priority is a thread's own: whoever answers requests goes first. Elsewhere it would be the process's.
if (process.platform === 'linux') setPriority(0, 19)

let last: Promise<unknown> = Promise.resolve()

async function answer({ id, wanted, last }: Task): Promise<Done> {
  try {
    return { id, loaded: await loadList(wanted, last) }
  } catch (error) {
    const told = error instanceof NerError ? { what: error.what, where: error.detail.where } : undefined
    return { id, error: told ?? { what: String(error), where: undefined } }
  }
}

parentPort!.on('message', (task: Task) => {
  last = last.then(async () => parentPort!.postMessage(await answer(task)))
})
