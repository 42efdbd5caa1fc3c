import { expect, it } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { corpusStats } from '../../src/data/stats.js'
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
