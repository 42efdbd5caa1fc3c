import { afterEach, describe, expect, it, vi } from 'vitest'
import { duration, trainingProgress } from '../../src/commands/progress.js'

describe('trainingProgress', () => {
  it('writes plain lines on a terminal of no width', () => {
    let written = ''
    const stream = { isTTY: true, columns: 0, write: (text: string) => ((written += text), true) }
    const progress = trainingProgress(stream as unknown as NodeJS.WriteStream)
    progress.show({ kind: 'start', steps: 10, parameters: 5, resumedAt: 3 })
    progress.stop()
    expect(written).toBe('training 5 parameters for 10 steps, from step 3\n')
  })
})

describe('steps, where no line can move', () => {
  afterEach(() => vi.useRealTimers())

  it('are told of twice a minute', () => {
    vi.useFakeTimers()
    const lines: string[] = []
    const stream = { isTTY: false, write: (text: string) => (lines.push(text), true) }
    const progress = trainingProgress(stream as unknown as NodeJS.WriteStream)
    progress.show({ kind: 'start', steps: 100, parameters: 5, resumedAt: 0 })
    for (let step = 1; step <= 65; step++) {
      vi.advanceTimersByTime(1_000)
      const at = { step, epoch: step / 100, loss: 0.5, learningRate: 1e-4, gradientNorm: 1 }
      progress.show({ kind: 'step', tokensPerSecond: 900, ...at })
    }
    progress.stop()
    expect(lines.slice(1)).toEqual([
      'step 30/100 · epoch 0.3 · loss 0.500 · 900 tokens/s · 1:10 left\n',
      'step 60/100 · epoch 0.6 · loss 0.500 · 900 tokens/s · 0:40 left\n',
    ])
  })
})

describe('rounds of self-training', () => {
  it('say how much of the text they learn from', () => {
    let written = ''
    const stream = { isTTY: false, write: (text: string) => ((written += text), true) }
    const progress = trainingProgress(stream as unknown as NodeJS.WriteStream)
    progress.show({ kind: 'round', round: 1, of: 5, words: 2000, confident: 1500 })
    progress.stop()
    expect(written).toBe('round 1 of at most 5, on the 75.00 % of 2,000 words that the model is sure of\n')
  })
})

describe('duration', () => {
  it.each([
    [-1, '0:00'],
    [1_499, '0:01'],
    [125_000, '2:05'],
    [3_725_000, '1:02:05'],
  ])('of %i ms is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text)
  })
})
