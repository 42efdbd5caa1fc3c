import { LRUCache } from 'lru-cache'

export interface CacheSettings {
  /** Most bytes of keys and answers; 0 keeps none. */
  readonly bytes: number
  /** Milliseconds that an answer is good for. */
  readonly ttl: number
}

/** How a text came to its answer. */
export type CacheOutcome = 'hit' | 'shared' | 'miss'

export interface AnswerCache<T extends object> {
  /**
   * The answer of a key: kept, or that of a computation that is under way, or of a new one. A computation that several
   * wait for is aborted when the last of them has gone. What fails is not kept.
   */
  get(key: string, compute: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<Cached<T>>
  clear(): void
  readonly size: { readonly answers: number; readonly bytes: number }
}

export interface Cached<T> {
  readonly value: T
  readonly outcome: CacheOutcome
}

/** A computation that one or more wait for. */
interface Shared<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
  waiters: number
}

/** Answers by key, the least recently used thrown away first. A key names everything that its answer depends on. */
export function answerCache<T extends object>(
  { bytes, ttl }: CacheSettings,
  sizeOf: (value: T) => number,
): AnswerCache<T> {
  const kept =
    bytes > 0
      ? new LRUCache<string, T>({
          maxSize: bytes,
          ttl,
          sizeCalculation: (value, key) => 2 * key.length + sizeOf(value),
        })
      : undefined
  const underWay = new Map<string, Shared<T>>()

  function start(key: string, compute: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const controller = new AbortController()
    const shared: Shared<T> = { result: compute(controller.signal), controller, waiters: 0 }
    underWay.set(key, shared)
    const over = () => {
      if (underWay.get(key) === shared) underWay.delete(key)
    }
    shared.result.then((value) => {
      over()
      kept?.set(key, value)
    }, over)
    return shared
  }

  return {
    async get(key, compute, signal) {
      const value = kept?.get(key)
      if (value !== undefined) return { value, outcome: 'hit' }
      const found = underWay.get(key)
      const shared = found ?? start(key, compute)
      shared.waiters++
      try {
        return { value: await unlessAborted(shared.result, signal), outcome: found === undefined ? 'miss' : 'shared' }
      } finally {
        if (--shared.waiters === 0 && underWay.get(key) === shared) {
          underWay.delete(key)
          shared.controller.abort(signal.reason)
        }
      }
    },
    clear: () => kept?.clear(),
    get size() {
      return { answers: kept?.size ?? 0, bytes: kept?.calculatedSize ?? 0 }
    },
  }
}

/** A promise, or the signal's reason where that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
