import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NerError } from '../../src/errors.js'
import type { Batch, Example } from '../../src/features/batch.js'
import { createBatcher, type BatchRun, type Slot } from '../../src/serve/batcher.js'

const labels = 2
const settings = { maxBatch: 8, maxTokens: 512, maxWait: 3, maxQueue: 100, labels, padId: 0 }

/** A sentence of so many words, a piece each, whose first piece is `id`. */
const example = (id: number, words = 3, document = 0, firstWord = 0): Example => ({
  windows: [Int32Array.from({ length: words }, (_, i) => (i === 0 ? id : 1))],
  sentences: [
    {
      document,
      firstWord,
      window: new Int32Array(words),
      piece: Int32Array.from({ length: words }, (_, i) => i),
    },
  ],
})

/** An engine whose emissions say which piece each word was read off; batches wait until they are let go. */
function engine() {
  const batches: number[][] = []
  const gates: (() => void)[] = []
  let isOpen = true
  let fails: (ids: readonly number[]) => Error | undefined = () => undefined
  const slot: Slot & { ready: boolean } = {
    ready: true,
    async run(batch: Batch) {
      const { sizes, wordIndex, inputIds } = batch
      const ids = Array.from({ length: sizes.batch }, (_, row) => Number(inputIds[row * sizes.sequence]))
      batches.push(ids)
      if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve))
      const error = fails(ids)
      if (error !== undefined) throw error
      const read = Array.from(wordIndex, (index) => Number(inputIds[Number(index)]))
      return Float32Array.from(read.flatMap((id) => [id, -id]))
    },
  }
  return {
    slot,
    batches,
    hold: () => void (isOpen = false),
    /** Lets the oldest batch go. */
    release: async () => {
      gates.shift()!()
      await settled()
    },
    failWhere: (test: typeof fails) => void (fails = test),
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const settled = () => vi.advanceTimersByTimeAsync(15)
const text = (examples: readonly Example[], signal: AbortSignal = new AbortController().signal) => ({
  examples,
  words: examples.reduce((sum, { sentences }) => sum + sentences[0]!.piece.length, 0),
  signal,
})
const firsts = async (answer: Promise<{ emissions: Float32Array }>) => {
  const { emissions } = await answer
  return Array.from(emissions).filter((_, i) => i % labels === 0)
}

describe('batches', () => {
  test('an idle engine takes a text at once, a busy one what has come meanwhile', async () => {
    const { slot, batches, hold, release } = engine()
    hold()
    const batcher = createBatcher([slot], settings)
    const answers = [10, 20, 30, 40].map((id) => firsts(batcher.submit(text([example(id)]))))
    expect(batches).toEqual([[10]])
    await settled()
    // The next batch was closed after 3 ms, and waits beside the engine.
    expect(batches).toEqual([[10], [20, 30, 40]])
    await release()
    await release()
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40].map((id) => [id, 1, 1]))
    expect(batcher.load).toEqual({ waiting: 0, texts: 0 })
  })

  test('are full at their most sentences and at their most pieces', async () => {
    for (const [limits, expected] of [
      [{ maxBatch: 2 }, [[1], [2, 3], [4, 5], [6]]],
      [{ maxTokens: 9 }, [[1], [2, 3, 4], [5, 6]]],
    ] as const) {
      const { slot, batches, hold, release } = engine()
      hold()
      const batcher = createBatcher([slot], { ...settings, ...limits })
      const answers = [1, 2, 3, 4, 5, 6].map((id) => batcher.submit(text([example(id)])))
      for (let i = 0; i < expected.length; i++) {
        await settled()
        await release()
      }
      await Promise.all(answers)
      expect(batches).toEqual(expected)
    }
  })

  test('hold sentences of like length', async () => {
    const { slot, batches, hold, release } = engine()
    hold()
    const batcher = createBatcher([slot], { ...settings, maxBatch: 2 })
    // Two batches are taken while nothing else waits; the rest is there to choose from.
    const lengths = [3, 3, 3, 50, 4, 51, 5]
    const answers = lengths.map((length, i) => batcher.submit(text([example(i + 1, length)])))
    for (let i = 0; i < 4; i++) {
      await settled()
      await release()
    }
    await Promise.all(answers)
    expect(batches).toEqual([[1], [2, 3], [4, 6], [5, 7]])
  })

  test('a text of many sentences delays nobody', async () => {
    const { slot, batches, hold, release } = engine()
    hold()
    const batcher = createBatcher([slot], { ...settings, maxBatch: 2 })
    const long = batcher.submit(text(Array.from({ length: 20 }, (_, i) => example(100 + i, 1, 0, i))))
    const short = firsts(batcher.submit(text([example(7, 1)])))
    let answered = false
    void short.then(() => (answered = true))
    for (let i = 0; i < 3; i++) {
      await settled()
      await release()
    }
    expect(answered).toBe(true)
    expect(batches.slice(0, 3)).toEqual([
      [100, 101],
      [102, 103],
      [104, 7],
    ])
    for (let i = 0; i < 8; i++) {
      await settled()
      await release().catch(() => undefined)
    }
    expect(await firsts(long)).toEqual(Array.from({ length: 20 }, (_, i) => 100 + i))
  })

  test('go to the engine that has least to do, and to none that is not ready', async () => {
    const [a, b, c] = [engine(), engine(), engine()]
    for (const it of [a, b]) it.hold()
    c.slot.ready = false
    const batcher = createBatcher([a.slot, b.slot, c.slot], settings)
    for (const id of [1, 2]) void batcher.submit(text([example(id)]))
    expect([a.batches, b.batches, c.batches]).toEqual([[[1]], [[2]], []])
    c.slot.ready = true
    void batcher.submit(text([example(3)]))
    await settled()
    expect(c.batches).toEqual([[3]])
  })
})

describe('what goes wrong', () => {
  test('one poison item among eight fails alone; the others are answered as they would be alone', async () => {
    const { slot, hold, release, failWhere } = engine()
    const runs: BatchRun[] = []
    hold()
    const batcher = createBatcher([slot], settings, (run) => runs.push(run))
    failWhere((ids) => (ids.includes(5) ? new Error('poison') : undefined))
    const answers = Array.from({ length: 9 }, (_, id) => firsts(batcher.submit(text([example(id + 1)]))))
    const outcomes = Promise.allSettled(answers)
    for (let i = 0; i < 10; i++) {
      await settled()
      await release()
    }
    expect((await outcomes).map((it) => (it.status === 'fulfilled' ? it.value[0] : String(it.reason)))).toEqual([
      1,
      2,
      3,
      4,
      'Error: poison',
      6,
      7,
      8,
      9,
    ])
    expect(runs.map(({ examples, failed }) => [examples, failed])).toEqual([
      [1, false],
      [8, true],
      ...Array.from({ length: 8 }, (_, i) => [1, i === 3]),
    ])
    expect(batcher.load).toEqual({ waiting: 0, texts: 0 })
  })

  test('what hung an engine is not tried again', async () => {
    const { slot, batches, failWhere } = engine()
    failWhere(() => new NerError('serve/engine-hung', 'It hangs.'))
    const batcher = createBatcher([slot], settings)
    await expect(batcher.submit(text([example(1)]))).rejects.toMatchObject({ code: 'serve/engine-hung' })
    expect(batches).toEqual([[1]])
  })

  test('what was lost with an engine is run again by the next', async () => {
    const { slot, batches, failWhere } = engine()
    let lives = 1
    failWhere(() => (lives-- > 0 ? new NerError('serve/engine-lost', 'It died.') : undefined))
    const batcher = createBatcher([slot], settings)
    expect(await firsts(batcher.submit(text([example(4)])))).toEqual([4, 1, 1])
    expect(batches).toEqual([[4], [4]])
  })

  test('half of the clients leave: they leave the queue, and the rest is answered', async () => {
    const { slot, batches, hold, release } = engine()
    hold()
    const batcher = createBatcher([slot], settings)
    const controllers = Array.from({ length: 8 }, () => new AbortController())
    const outcomes = Promise.allSettled(
      controllers.map(({ signal }, i) => firsts(batcher.submit(text([example(i + 1)], signal)))),
    )
    for (const [i, controller] of controllers.entries()) if (i % 2 === 1) controller.abort(new Error('gone'))
    expect(batcher.load).toEqual({ waiting: 3, texts: 4 })
    await settled()
    await release()
    await release()
    expect((await outcomes).map((it) => (it.status === 'fulfilled' ? it.value[0] : 'gone'))).toEqual([
      1,
      'gone',
      3,
      'gone',
      5,
      'gone',
      7,
      'gone',
    ])
    expect(batches).toEqual([[1], [3, 5, 7]])
    expect(batcher.load).toEqual({ waiting: 0, texts: 0 })
  })

  test('a full queue refuses, but never a text that finds it empty', async () => {
    const { slot, hold } = engine()
    hold()
    const batcher = createBatcher([slot], { ...settings, maxQueue: 4, maxWait: 1000 })
    void batcher.submit(text([example(1)]))
    void batcher.submit(text([2, 3, 4, 5, 6, 7].map((id, i) => example(id, 1, 0, i))))
    await expect(batcher.submit(text([example(8)]))).rejects.toMatchObject({ code: 'serve/overloaded' })
  })

  test('a text without a word is answered without an engine', async () => {
    const { slot, batches } = engine()
    const batcher = createBatcher([slot], settings)
    expect(await batcher.submit({ examples: [], words: 0, signal: new AbortController().signal })).toMatchObject({
      queued: 0,
      engine: 0,
    })
    expect(batches).toEqual([])
  })
})
