import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  detectScheme,
  firstIllegalTag,
  legalTransitions,
  schemes,
  schemeTags,
  spansFromTags,
  tagsFromSpans,
  type Scheme,
  type WordSpan,
} from '../../src/data/schemes.js'

/** Spans that do not overlap, many of them touching, in a sentence of up to 16 tokens. */
const sentence = fc
  .array(
    fc.record({
      gap: fc.nat(2),
      width: fc.integer({ min: 1, max: 3 }),
      label: fc.constantFrom('PER', 'GPE-X', 'a-b-'),
    }),
    { maxLength: 4 },
  )
  .map((pieces) => {
    let position = 0
    const spans = pieces.map(({ gap, width, label }): WordSpan => {
      const start = position + gap
      position = start + width
      return { start, end: position, label }
    })
    return { spans, length: position + 1 }
  })

const sequences = (alphabet: readonly string[], length: number): string[][] =>
  length === 0 ? [[]] : sequences(alphabet, length - 1).flatMap((rest) => alphabet.map((tag) => [...rest, tag]))

const thrownBy = (action: () => unknown): unknown => {
  try {
    return action()
  } catch (error) {
    return error
  }
}

describe.each(schemes)('%s', (scheme) => {
  it('reads back the spans it writes, in both modes', () => {
    fc.assert(
      fc.property(sentence, ({ spans, length }) => {
        const tags = tagsFromSpans(spans, length, scheme)
        expect(spansFromTags(tags, scheme)).toEqual(spans)
        expect(spansFromTags(tags, scheme, 'conlleval')).toEqual(spans)
        expect(firstIllegalTag(tags, scheme)).toBe(-1)
      }),
    )
  })

  it('is detected from what it writes, or a scheme that reads the same spans', () => {
    fc.assert(
      fc.property(fc.array(sentence, { maxLength: 5 }), (sentences) => {
        const tags = sentences.map(({ spans, length }) => tagsFromSpans(spans, length, scheme))
        const detected = detectScheme(tags)
        expect(tags.map((sequence) => spansFromTags(sequence, detected))).toEqual(sentences.map(({ spans }) => spans))
      }),
    )
  })

  it('allows exactly the sequences whose every tag belongs to a span that is read', () => {
    const tags = schemeTags(['X', 'Y'], scheme)
    const { start, follow, end } = legalTransitions(tags, scheme)
    const index = (tag: string) => tags.indexOf(tag)
    for (const sequence of sequences(tags, 3)) {
      const path = sequence.map(index)
      const legal = start[path[0]!]! && follow[path[0]!]![path[1]!]! && follow[path[1]!]![path[2]!]! && end[path[2]!]!
      const covered = new Set(
        spansFromTags(sequence, scheme).flatMap((span) => [...Array(3).keys()].slice(span.start, span.end)),
      )
      const complete = sequence.every((tag, i) => (tag === 'O') !== covered.has(i))
      expect([sequence, legal]).toEqual([sequence, complete])
      expect(firstIllegalTag(sequence, scheme) === -1).toBe(legal)
    }
  })
})

describe('spansFromTags', () => {
  it.each<[string, Scheme, WordSpan[], WordSpan[]]>([
    // tags, scheme, strict, conlleval
    ['I-PER I-PER', 'IOB2', [], [{ start: 0, end: 2, label: 'PER' }]],
    [
      'B-PER I-LOC',
      'IOB2',
      [{ start: 0, end: 1, label: 'PER' }],
      [
        { start: 0, end: 1, label: 'PER' },
        { start: 1, end: 2, label: 'LOC' },
      ],
    ],
    ['B-GPE-X I-GPE-X', 'IOB2', [{ start: 0, end: 2, label: 'GPE-X' }], [{ start: 0, end: 2, label: 'GPE-X' }]],
    ['B-PER I-PER', 'IOBES', [], [{ start: 0, end: 2, label: 'PER' }]],
  ])('%s in %s', (tags, scheme, strict, conlleval) => {
    expect(spansFromTags(tags.split(' '), scheme)).toEqual(strict)
    expect(spansFromTags(tags.split(' '), scheme, 'conlleval')).toEqual(conlleval)
  })

  it('refuses what is no tag of the scheme', () => {
    expect(() => spansFromTags(['PER'], 'IOB2')).toThrow(/“PER” is not a tag.*data\/unknown-scheme/)
    expect(() => spansFromTags(['B-'], 'IOB2')).toThrow(/“B-” is not a tag/)
    expect(() => spansFromTags(['S-PER'], 'IOB2')).toThrow(/S-PER does not exist in IOB2/)
  })
})

describe('detectScheme', () => {
  const detect = (...sentences: string[]) => detectScheme(sentences.map((tags) => tags.split(' ')))

  it.each<[string, string[], Scheme]>([
    ['nothing but O', ['O O'], 'IOB2'],
    ['single words', ['B-PER O', 'O B-LOC'], 'IOB2'],
    ['B- only between touching spans', ['I-PER B-PER I-PER', 'O I-LOC'], 'IOB1'],
    ['a touching pair divided by the end of a sentence', ['O I-PER', 'I-PER O'], 'IOB1'],
    ['every span closed', ['B-PER E-PER O S-LOC'], 'IOBES'],
    ['single words of IOBES', ['S-PER O'], 'IOBES'],
    ['L- and U-', ['B-PER I-PER L-PER', 'U-LOC'], 'BILOU'],
    ['E- at every end', ['I-PER E-PER', 'O E-LOC'], 'IOE2'],
    ['E- only between touching spans', ['I-PER E-PER I-PER', 'O I-LOC'], 'IOE1'],
  ])('%s', (_, sentences, scheme) => expect(detect(...sentences)).toBe(scheme))

  it('takes a needless B- in a hundred spans for IOB1, as CoNLL-2003 has them', () => {
    const plain = Array<string>(100).fill('I-PER O')
    expect(detect(...plain, 'O B-MISC')).toBe('IOB1')
    expect(() => detect(...plain.slice(60), 'O B-MISC')).toThrow()
  })

  it('refuses a mixture of IOB1 and IOB2, and says where each is broken', () => {
    const error = thrownBy(() => detect('O B-PER I-PER', 'I-LOC O'))
    expect(error).toMatchObject({ code: 'data/ambiguous-scheme' })
    expect((error as Error).message).toMatch(/IOB2 at sentence 2, token 1.*IOB1 at sentence 1, token 2/)
  })

  it('refuses one scheme that is broken, unknown prefixes and what is no tag', () => {
    expect(thrownBy(() => detect('B-PER E-PER', 'O I-PER S-LOC'))).toMatchObject({ code: 'data/unknown-scheme' })
    expect(thrownBy(() => detect('B-PER M-PER E-PER'))).toMatchObject({ code: 'data/unknown-scheme' })
    expect(thrownBy(() => detect('O PER'))).toMatchObject({
      code: 'data/unknown-scheme',
      detail: { where: 'sentence 1, token 2' },
    })
  })

  it('never has to choose between schemes that read different spans', () => {
    const alphabet = ['O', ...['B', 'I', 'E', 'S', 'L', 'U'].map((prefix) => `${prefix}-X`), 'B-Y', 'I-Y', 'E-Y']
    for (const sequence of sequences(alphabet, 3)) {
      const canonical = schemes.filter(
        (scheme) =>
          firstIllegalTag(sequence, scheme) === -1 &&
          tagsFromSpans(spansFromTags(sequence, scheme), 3, scheme).join() === sequence.join(),
      )
      const readings = new Set(canonical.map((scheme) => JSON.stringify(spansFromTags(sequence, scheme))))
      expect(readings.size).toBeLessThanOrEqual(1)
    }
  })
})

describe('tagsFromSpans', () => {
  it('throws on spans that overlap or leave the sentence', () => {
    const span = (start: number, end: number) => ({ start, end, label: 'X' })
    expect(() => tagsFromSpans([span(0, 2), span(1, 3)], 3, 'IOB2')).toThrow(RangeError)
    expect(() => tagsFromSpans([span(2, 4)], 3, 'IOB2')).toThrow(RangeError)
    expect(() => tagsFromSpans([span(1, 1)], 3, 'IOB2')).toThrow(RangeError)
  })
})

it('schemeTags lists O first, then the prefixes of each label in order', () => {
  expect(schemeTags(['PER', 'LOC', 'PER'], 'IOB2')).toEqual(['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER'])
  expect(schemeTags(['X'], 'IOBES')).toEqual(['O', 'B-X', 'I-X', 'E-X', 'S-X'])
})
