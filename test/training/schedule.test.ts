import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { scheduleFactor, type Schedule } from '../../src/training/schedule.js'

interface Case {
  readonly schedule: Schedule
  readonly steps: number
  readonly warmup: number
  readonly factors: number[]
}

// Made by test/golden/schedules.py with transformers.
const golden = JSON.parse(readFileSync(new URL('../golden/schedules.json', import.meta.url), 'utf8')) as Case[]

test.each(golden)('$schedule over $steps steps, $warmup of warm-up', ({ schedule, steps, warmup, factors }) => {
  factors.forEach((factor, step) => expect(scheduleFactor(schedule, step, steps, warmup)).toBeCloseTo(factor, 12))
})

describe.each(['linear', 'cosine', 'constant'] as const)('%s', (schedule) => {
  test('stays between 0 and 1, past the last step too', () => {
    for (let step = 0; step < 30; step++) {
      const factor = scheduleFactor(schedule, step, 20, 5)
      expect(factor).toBeGreaterThanOrEqual(0)
      expect(factor).toBeLessThanOrEqual(1)
    }
  })

  test('is at its peak when the warm-up ends', () => {
    expect(scheduleFactor(schedule, 5, 20, 5)).toBe(1)
  })
})
