import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { suggestLabels } from '../../src/agreement/confident.js'

interface Case {
  readonly given: number[]
  readonly probabilities: number[][]
  readonly issues: number[]
}

const golden = JSON.parse(readFileSync(new URL('../golden/confident.json', import.meta.url), 'utf8')) as Case[]

describe('confident learning', () => {
  it.each(golden.map((one, i) => [i + 1, one] as const))('doubts what cleanlab does, case %i', (_, one) => {
    const given = Int32Array.from(one.given)
    const suggested = suggestLabels(given, Float64Array.from(one.probabilities.flat()), one.probabilities[0]!.length)
    const doubted = one.given.flatMap((label, example) => (suggested[example] === label ? [] : [example]))
    expect(doubted).toEqual(one.issues)
    expect(doubted.length).toBeGreaterThan(5)
  })

  it('never suggests a class that nothing is labelled with', () => {
    expect([...suggestLabels(Int32Array.of(0, 1), Float64Array.of(0.1, 0.1, 0.8, 0.3, 0.4, 0.3), 3)]).toEqual([0, 1])
  })
})
