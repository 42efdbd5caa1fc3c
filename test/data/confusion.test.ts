import fc from 'fast-check'
import { expect, it } from 'vitest'
import { confusionMatrix, spanErrors } from '../../src/data/confusion.js'
import type { WordSpan } from '../../src/data/schemes.js'
import { scoreSpans } from '../../src/data/scoring.js'

const span = (start: number, end: number, label: string): WordSpan => ({ start, end, label })

const gold = [[span(0, 2, 'PER'), span(3, 4, 'LOC'), span(5, 8, 'ORG')], [span(0, 1, 'LOC')], [span(0, 1, 'PER')]]
const predicted = [[span(0, 2, 'ORG'), span(3, 4, 'LOC'), span(6, 9, 'ORG')], [span(2, 3, 'PER')], [span(0, 1, 'PER')]]

it('names every wrong span and its kind', () => {
  expect(spanErrors(gold, predicted)).toEqual([
    { sentence: 0, kind: 'type', gold: span(0, 2, 'PER'), predicted: span(0, 2, 'ORG') },
    { sentence: 0, kind: 'boundary', gold: span(5, 8, 'ORG'), predicted: span(6, 9, 'ORG') },
    { sentence: 1, kind: 'missed', gold: span(0, 1, 'LOC') },
    { sentence: 1, kind: 'spurious', predicted: span(2, 3, 'PER') },
  ])
})

it('prefers a prediction with the same ends to one that overlaps', () => {
  const errors = spanErrors([[span(2, 5, 'A')]], [[span(2, 5, 'B')]])
  expect(errors.map(({ kind }) => kind)).toEqual(['type'])
})

it('pairs one prediction with one gold span', () => {
  const errors = spanErrors([[span(0, 2, 'A'), span(2, 4, 'A')]], [[span(0, 4, 'A')]])
  expect(errors.map(({ kind }) => kind)).toEqual(['boundary', 'missed'])
})

it('counts where predictions went', () => {
  expect(confusionMatrix(gold, predicted)).toEqual({
    types: ['LOC', 'ORG', 'PER'],
    exact: [
      [1, 0, 0],
      [0, 0, 0],
      [0, 1, 1],
    ],
    boundary: [
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ],
    missed: [1, 0, 0],
    spurious: [0, 0, 1],
  })
})

const flatSpans = fc
  .array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 }), fc.constantFrom('A', 'B')), { maxLength: 6 })
  .map((pieces) => {
    let position = 0
    return pieces.map(([gap, width, label]) => {
      const start = position + gap
      position = start + width
      return span(start, position, label)
    })
  })

it('agrees with the scorer: every span is in it once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(flatSpans, flatSpans), { minLength: 1, maxLength: 3 }), (sentences) => {
      const sides = [sentences.map(([left]) => left), sentences.map(([, right]) => right)] as const
      const { types, exact, boundary, missed, spurious } = confusionMatrix(...sides)
      const { perType } = scoreSpans(...sides)
      const sum = (row: readonly number[]) => row.reduce((a, b) => a + b, 0)
      for (const [i, type] of types.entries()) {
        const column = (matrix: readonly (readonly number[])[]) => sum(matrix.map((row) => row[i]!))
        const { tp, fp, number } = perType[type]!
        expect(exact[i]![i]).toBe(tp)
        expect(sum(exact[i]!) + sum(boundary[i]!) + missed[i]!).toBe(number)
        expect(column(exact) + column(boundary) + spurious[i]!).toBe(tp + fp)
      }
    }),
  )
})
