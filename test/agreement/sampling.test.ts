import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diversify } from '../../src/agreement/diversify.js'
import { allocate, sampleStratified } from '../../src/agreement/strata.js'
import { documentOf, spansOf } from './corpus.js'

describe('allocation', () => {
  const sizes = fc.array(fc.nat(500), { minLength: 1, maxLength: 40 })

  it('draws as many as asked, or all, and no more than a stratum has', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 2000 }), (groups, total) => {
        const drawn = allocate(groups, total)
        const all = groups.reduce((a, b) => a + b, 0)
        expect(drawn.reduce((a, b) => a + b, 0)).toBe(Math.min(total, all))
        for (const [i, count] of drawn.entries()) {
          expect(count).toBeGreaterThanOrEqual(0)
          expect(count).toBeLessThanOrEqual(groups[i]!)
        }
      }),
    )
  })

  it('keeps the rare, and gives more to what there is more of', () => {
    expect(allocate([1000, 100, 3], 100)).toEqual([76, 21, 3])
    expect(allocate([1000, 1000, 1], 2)).toEqual([1, 0, 1])
  })

  it('gives every stratum one where there are as many draws', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 30 }), (groups) => {
        for (const count of allocate(groups, groups.length)) expect(count).toBe(1)
      }),
    )
  })
})

describe('a stratified sample', () => {
  const documents = Array.from({ length: 100 }, (_, i) =>
    documentOf(
      `${i < 90 ? 'news' : 'mail'}/${i}`,
      'w '.repeat(1 + (i % 7)).trim(),
      i === 5 ? spansOf('0-1 RARE', '0-1 LOC') : i % 3 === 0 ? spansOf('0-1 LOC') : [],
    ),
  )

  it('has the rare type, counts a document by its rarest, and comes in the order of the corpus', () => {
    const { documents: drawn, strata } = sampleStratified(documents, 10, ['type'], 1)
    expect(strata.map(({ values, documents: all, drawn: count }) => [...values, all.length, count])).toEqual([
      ['LOC', 34, 3],
      ['RARE', 1, 1],
      ['none', 65, 6],
    ])
    expect(drawn.map(({ id }) => id)).toContain('news/5')
    const places = drawn.map((document) => documents.indexOf(document))
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  it('is the same for a seed and another for another', () => {
    const ids = (seed: number) => sampleStratified(documents, 20, ['type', 'source', 'length'], seed).documents.map(({ id }) => id) // prettier-ignore
    expect(ids(1)).toEqual(ids(1))
    expect(ids(1)).not.toEqual(ids(2))
  })

  it('tells sources by what documents say, else by their ids', () => {
    const said = { ...documents[0]!, id: 'x', fields: { meta: { source: 'web' } } }
    const { strata } = sampleStratified([...documents, said], 9, ['source'], 1)
    expect(strata.map(({ values }) => values[0])).toEqual(['mail', 'news', 'web'])
  })
})

describe('diversifying', () => {
  const candidate = (text: string, worth: number) => ({ words: text.split(' '), worth })

  it('takes the most worth first, then what is unlike it', () => {
    const candidates = [
      candidate('rain in Paris', 0.9),
      candidate('rain in Paris', 0.89),
      candidate('Ann met Bob', 0.5),
      candidate('shares fell', 0.1),
    ]
    expect(diversify(candidates, 3)).toEqual([0, 2, 3])
    expect(diversify(candidates, 9)).toEqual([0, 2, 3, 1])
  })
})
