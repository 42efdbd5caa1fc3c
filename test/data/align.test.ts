import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { alignSpans, spansFromWords } from '../../src/data/align.js'

//            0    5  8   12      20
const text = 'Anna of New York  met Bo'
const tokens = [...text.matchAll(/\S+/g)].map((match) => ({ start: match.index, end: match.index + match[0].length }))
const span = (start: number, end: number, label = 'X') => ({ start, end, label })

describe('alignSpans', () => {
  it('finds the words of a span, whatever white space it takes along', () => {
    const expected = [{ start: 2, end: 4, label: 'X' }]
    for (const [start, end] of [
      [8, 16],
      [7, 16],
      [8, 18],
      [7, 17],
    ] as const) {
      expect(alignSpans([span(start, end)], tokens)).toEqual({
        words: expected,
        misaligned: [],
        overlapping: [],
        empty: [],
      })
    }
  })

  it('lists spans that cut a word', () => {
    const cuts = [span(1, 4), span(8, 13), span(10, 11), span(0, 6)]
    expect(alignSpans(cuts, tokens)).toEqual({ words: [], misaligned: cuts, overlapping: [], empty: [] })
  })

  it('lists spans without a word', () => {
    const none = [span(4, 5), span(3, 3), span(16, 18), span(9, 8)]
    expect(alignSpans(none, tokens)).toEqual({ words: [], misaligned: [], overlapping: [], empty: none })
  })

  it('keeps the longer of two that overlap, of equals the earlier', () => {
    const [short, long, twin, touching] = [span(12, 16, 'a'), span(5, 16, 'b'), span(12, 16, 'c'), span(18, 21, 'd')]
    expect(alignSpans([short, long, twin, touching], tokens)).toMatchObject({
      words: [
        { start: 1, end: 4, label: 'b' },
        { start: 4, end: 5, label: 'd' },
      ],
      overlapping: [short, twin],
    })
    expect(alignSpans([short, twin], tokens)).toMatchObject({ words: [{ label: 'a' }], overlapping: [twin] })
  })

  it('gives back the spans of words', () => {
    const words = [
      { start: 0, end: 1, label: 'X' },
      { start: 2, end: 4, label: 'Y' },
    ]
    const spans = spansFromWords(words, tokens)
    expect(spans.map(({ start, end }) => text.slice(start, end))).toEqual(['Anna', 'New York'])
    expect(alignSpans(spans, tokens).words).toEqual(words)
  })

  it('puts every span in one list, and keeps a flat layer', () => {
    const anySpan = fc.record({ start: fc.nat(text.length), end: fc.nat(text.length), label: fc.constant('X') })
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 10 }), (spans) => {
        const { words, misaligned, overlapping, empty } = alignSpans(spans, tokens)
        expect(words.length + misaligned.length + overlapping.length + empty.length).toBe(spans.length)
        for (const [i, word] of words.entries()) if (i > 0) expect(word.start).toBeGreaterThanOrEqual(words[i - 1]!.end)
        for (const { start, end } of overlapping) {
          const { words: alone } = alignSpans([{ start, end, label: 'X' }], tokens)
          expect(words.some((word) => word.start < alone[0]!.end && alone[0]!.start < word.end)).toBe(true)
        }
      }),
    )
  })
})
