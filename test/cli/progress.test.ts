import { describe, expect, it } from 'vitest'
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
