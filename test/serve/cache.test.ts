import { expect, test, vi } from 'vitest'
import { answerCache } from '../../src/serve/cache.js'

const never = new AbortController().signal
const settings = { bytes: 10_000, ttl: 60_000 }
const small = () => 10

test('what was computed is kept by its key', async () => {
  const cache = answerCache<{ n: number }>(settings, small)
  const compute = vi.fn(() => Promise.resolve({ n: 1 }))
  expect(await cache.get('a', compute, never)).toEqual({ value: { n: 1 }, outcome: 'miss' })
  expect(await cache.get('a', compute, never)).toEqual({ value: { n: 1 }, outcome: 'hit' })
  expect(await cache.get('b', compute, never)).toEqual({ value: { n: 1 }, outcome: 'miss' })
  expect(compute).toHaveBeenCalledTimes(2)
})

test('identical misses in flight run once', async () => {
  const cache = answerCache<{ n: number }>(settings, small)
  const compute = vi.fn(() => new Promise<{ n: number }>((resolve) => setTimeout(() => resolve({ n: 2 }), 5)))
  const outcomes = await Promise.all([1, 2, 3].map(() => cache.get('a', compute, never)))
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['miss', 'shared', 'shared'])
  expect(compute).toHaveBeenCalledTimes(1)
})

test('a computation goes on while one waits, and is aborted when the last has gone', async () => {
  const cache = answerCache<{ n: number }>(settings, small)
  const [first, second] = [new AbortController(), new AbortController()]
  let signal: AbortSignal | undefined
  const compute = (own: AbortSignal) => {
    signal = own
    return new Promise<{ n: number }>(() => undefined)
  }
  const waits = [first, second].map((it) => cache.get('a', compute, it.signal))
  first.abort(new Error('first'))
  await expect(waits[0]).rejects.toThrow('first')
  expect(signal!.aborted).toBe(false)
  second.abort(new Error('second'))
  await expect(waits[1]).rejects.toThrow('second')
  expect(signal!.aborted).toBe(true)
  // The next who asks does not wait for what was aborted.
  expect(await cache.get('a', () => Promise.resolve({ n: 3 }), never)).toMatchObject({ outcome: 'miss' })
})

test('failures are told to all who wait, and not kept', async () => {
  const cache = answerCache<{ n: number }>(settings, small)
  const waits = [1, 2].map(() => cache.get('a', () => Promise.reject(new Error('no')), never))
  expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await cache.get('a', () => Promise.resolve({ n: 1 }), never)).toMatchObject({ outcome: 'miss' })
})

test('bytes are bounded: the least recently used goes first', async () => {
  const cache = answerCache<{ n: number }>({ bytes: 100, ttl: 60_000 }, () => 38)
  const get = async (key: string) => (await cache.get(key, () => Promise.resolve({ n: 1 }), never)).outcome
  await get('a')
  await get('b')
  await get('a')
  await get('c')
  expect(await get('a')).toBe('hit')
  expect(await get('b')).toBe('miss')
  expect(cache.size.bytes).toBeLessThanOrEqual(100)
})

test('0 bytes keep nothing', async () => {
  const cache = answerCache<{ n: number }>({ bytes: 0, ttl: 60_000 }, small)
  const get = () => cache.get('a', () => Promise.resolve({ n: 1 }), never)
  await get()
  expect(await get()).toMatchObject({ outcome: 'miss' })
})
