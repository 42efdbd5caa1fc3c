import fc from 'fast-check'
import { expect, it } from 'vitest'
import { seenTexts } from '../../../src/data/stream/seen.js'

it('numbers texts as a map does, whatever their parts', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('', 'a', 'b', 'ab', '\u0001'))
  fc.assert(
    fc.property(fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { maxLength: 200 }), (texts) => {
      const [seen, known] = [seenTexts(), new Map<string, number>()]
      for (const parts of texts) {
        const key = JSON.stringify(parts)
        expect(seen.find(...parts)).toBe(known.get(key) ?? -1)
        if (!known.has(key)) known.set(key, known.size)
        expect(seen.add(...parts)).toBe(known.get(key))
      }
      expect(seen.size).toBe(known.size)
    }),
  )
})

it('holds many', () => {
  const seen = seenTexts()
  for (let i = 0; i < 300_000; i++) expect(seen.add(`document ${i}`) === i).toBe(true)
  for (let i = 0; i < 300_000; i += 1000) expect(seen.find(`document ${i}`)).toBe(i)
  expect(seen.find('document')).toBe(-1)
})
