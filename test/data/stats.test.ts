import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { corpusStats, statsCounter } from '../../src/data/stats.js'
import { findWords } from '../../src/text/words.js'

it('counts what is there', () => {
  const documents: Document[] = [
    {
      id: 'a',
      text: 'Ann Lee met Bo.',
      layers: {
        gold: [
          { start: 0, end: 7, label: 'PER' },
          { start: 4, end: 7, label: 'FAMILY' },
          { start: 12, end: 14, label: 'PER' },
        ],
      },
    },
    {
      id: 'b',
      text: 'So what?',
      tokens: [
        { start: 0, end: 2 },
        { start: 3, end: 8 },
      ],
      sentences: [
        { start: 0, end: 1 },
        { start: 1, end: 2 },
      ],
      layers: {},
    },
  ]
  expect(corpusStats(documents, findWords)).toEqual({
    documents: 2,
    sentences: 3,
    tokens: 7,
    spans: 3,
    surfaces: 3,
    labelledTokens: 3 / 7,
    withoutSpans: 0.5,
    spansPer100Tokens: 300 / 7,
    tokensPerDocument: { mean: 3.5, median: 5, p95: 5, max: 5 },
    tokensPerSentence: { mean: 7 / 3, median: 1, p95: 5, max: 5 },
    tokensPerSpan: { mean: 4 / 3, median: 1, p95: 2, max: 2 },
    sentenceLengths: new Map([
      [1, 2],
      [5, 1],
    ]),
    spanLengths: new Map([
      [1, 2],
      [2, 1],
    ]),
    types: {
      PER: {
        spans: 2,
        surfaces: 2,
        commonest: [
          ['Ann Lee', 1],
          ['Bo', 1],
        ],
      },
      FAMILY: { spans: 1, surfaces: 1, commonest: [['Lee', 1]] },
    },
  })
})

it('finds the commonest strings of each type, the earlier before the later, without keeping all of them', () => {
  const names = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(names, (surfaces) => {
      const counter = statsCounter()
      const counts = new Map<string, number>()
      for (const surface of surfaces) {
        counts.set(surface, (counts.get(surface) ?? 0) + 1)
        counter.add([{ id: '', text: `${surface} `, layers: { gold: [{ start: 0, end: 1, label: 'X' }] } }])
      }
      const commonest = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 5)
      expect(counter.stats().types['X']).toEqual({ spans: surfaces.length, surfaces: counts.size, commonest })
    }),
  )
})
