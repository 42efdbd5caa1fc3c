import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { offsetsOf, unitOfQuotations } from '../../src/data/offsets.js'

const text = fc.string({ unit: 'binary', maxLength: 30 })

describe('offsetsOf', () => {
  it('counts what Python, JavaScript and UTF-8 count', () => {
    fc.assert(
      fc.property(text, (string) => {
        expect(offsetsOf(string, 'code_point').length).toBe([...string].length)
        expect(offsetsOf(string, 'utf16').length).toBe(string.length)
        expect(offsetsOf(string, 'byte').length).toBe(Buffer.byteLength(string))
      }),
    )
  })

  it.each(['code_point', 'utf16', 'byte'] as const)(
    '%s: there and back between characters, nowhere inside one',
    (unit) => {
      fc.assert(
        fc.property(text, (string) => {
          const { length, toUtf16, fromUtf16 } = offsetsOf(string, unit)
          const ends = [...string].reduce((list, character) => [...list, list.at(-1)! + character.length], [0])
          expect(ends.map((end) => toUtf16(fromUtf16(end)))).toEqual(ends)
          const inside = Array.from({ length: length + 1 }, (_, i) => toUtf16(i)).filter(
            (offset) => offset !== undefined,
          )
          expect(inside).toEqual(ends)
        }),
      )
    },
  )
})

it('tells the unit by the words that a file quotes', () => {
  const unitOf = (start: number) => unitOfQuotations('Zoë 🙂 Ann', [{ start, end: start + 3, surface: 'Ann' }])
  expect([6, 7, 10, 9].map(unitOf)).toEqual(['code_point', 'utf16', 'byte', undefined])
})
