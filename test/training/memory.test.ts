import { expect, test } from 'vitest'
import { Graph } from '../../src/graph/graph.js'
import { watchMemory } from '../../src/training/device/memory.js'
import { evaluate, floats } from '../graph/engine.js'

const sizes = (batch: number) => ({ batch, sequence: 128, sentences: batch, words: 64 })

/** Forty terabytes. */
async function tooMuch(): Promise<never> {
  const g = new Graph('too much')
  const x = g.input('x', 'float32', [1])
  g.output('y', g.expand(x, [10_000_000, 1_000_000]))
  await evaluate(g, { x: floats([1], [1]) })
  throw new Error('there was room')
}

test('a step that does not fit memory says what did fit, and what to lower', async () => {
  const within = watchMemory()
  await within(sizes(8), () => Promise.resolve())
  const error = within(sizes(32), tooMuch)
  await expect(error).rejects.toMatchObject({ code: 'runtime/out-of-memory' })
  await expect(error).rejects.toThrow(
    /32 × 128 pieces does not fit[^]*up to 8 × 128 pieces did fit[^]*batch_tokens to 1024/,
  )
})

test('the first step has half of itself to go by, and other failures stay what they are', async () => {
  await expect(watchMemory()(sizes(32), tooMuch)).rejects.toThrow(/batch_tokens to 2048/)
  await expect(watchMemory()(sizes(32), () => Promise.reject(new Error('other')))).rejects.toThrow('other')
})
