import { expect, it } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { splitDocuments } from '../../src/data/split.js'
import { random } from '../../src/random.js'

const next = random('documents')
const labels = ['PER', 'PER', 'PER', 'LOC', 'LOC', 'RARE']

const documents = Array.from({ length: 400 }, (_, i): Document => {
  // Every tenth text is there twice.
  const text = Array.from({ length: 12 }, (__, w) => `w${i % 10 === 9 ? i - 1 : i}-${w}`).join(' ')
  const count = Math.floor(3 * next())
  const gold = Array.from({ length: count }, () => ({ start: 0, end: 2, label: labels[Math.floor(6 * next())]! }))
  return { id: String(i), text, layers: { gold } }
})

const shares = [0.8, 0.1, 0.1]
const parts = splitDocuments(documents, { shares, seed: 1 })

it('gives every document to one part, in order', () => {
  expect(
    parts
      .flat()
      .map(({ id }) => Number(id))
      .sort((a, b) => a - b),
  ).toEqual(documents.map((_, i) => i))
  for (const part of parts) {
    const ids = part.map(({ id }) => Number(id))
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
  }
})

it('gives every part its share of documents and of every label', () => {
  const count = (part: readonly Document[], label: string) =>
    part.reduce((sum, { layers }) => sum + layers['gold']!.filter((span) => span.label === label).length, 0)
  for (const [i, part] of parts.entries()) {
    expect(Math.abs(part.length - shares[i]! * documents.length)).toBeLessThanOrEqual(4)
    for (const label of new Set(labels)) {
      expect(Math.abs(count(part, label) - shares[i]! * count(documents, label))).toBeLessThanOrEqual(2)
    }
  }
})

it('keeps like texts together', () => {
  const partOf = new Map(parts.flatMap((part, i) => part.map(({ id }) => [id, i] as const)))
  for (let i = 9; i < documents.length; i += 10) expect(partOf.get(String(i))).toBe(partOf.get(String(i - 1)))
})

it('depends on the seed and on nothing else', () => {
  expect(splitDocuments(documents, { shares, seed: 1 })).toEqual(parts)
  expect(splitDocuments(documents, { shares, seed: 2 })).not.toEqual(parts)
})
