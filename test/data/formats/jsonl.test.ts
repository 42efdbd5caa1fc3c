import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Document } from '../../../src/data/document.js'
import { formatJsonl, readJsonl } from '../../../src/data/formats/jsonl.js'
import type { ReadOptions } from '../../../src/data/source.js'
import { NerError } from '../../../src/errors.js'

const read = (records: readonly unknown[], options?: ReadOptions) =>
  readJsonl(
    {
      name: 'f.jsonl',
      base: 'f.jsonl',
      lines: records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))),
    },
    options,
  )

const failure = (record: unknown): NerError => {
  try {
    read(['', record])
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const text = '😀 Zoë in Paris'
const paris = { start: 9, end: 14 }

describe('readJsonl', () => {
  it.each<[string, Record<string, unknown>]>([
    ['spaCy and Prodigy', { spans: [{ start: 9, end: 14, label: 'LOC', token_start: 3 }], answer: 'accept' }],
    ['spaCy training data', { entities: [[9, 14, 'LOC']] }],
    ['UTF-16', { spans: [{ start: 10, end: 15, label: 'LOC' }], offset_unit: 'utf16' }],
  ])('reads the spans of %s', (_, fields) => {
    const [document] = read([{ text, ...fields }]).documents
    const [span] = document!.layers['gold']!
    expect(text.slice(span!.start, span!.end)).toBe('Paris')
    expect(span).toEqual({ start: paris.start + 1, end: paris.end + 1, label: 'LOC' })
  })

  it('reads tokens, sentences, soft tags and scores, and counts documents for ids', () => {
    const { documents } = read([
      { text: 'a', spans: [] },
      {
        id: 'own',
        text: '😀 b',
        tokens: [
          { text: '😀', start: 0, end: 1, ws: true },
          { text: 'b', start: 2, end: 3 },
        ],
        sentences: [
          { start: 0, end: 1 },
          { start: 1, end: 2 },
        ],
        spans: [{ start: 2, end: 3, label: 'X', score: 0.5 }],
        soft_tags: {
          tags: ['O', 'B-X'],
          rows: [
            [1, 0],
            [0.25, 0.75],
          ],
        },
      },
    ])
    expect(documents).toEqual([
      { id: 'f.jsonl:1', text: 'a', layers: { gold: [] } },
      {
        id: 'own',
        text: '😀 b',
        tokens: [
          { start: 0, end: 2 },
          { start: 3, end: 4 },
        ],
        sentences: [
          { start: 0, end: 1 },
          { start: 1, end: 2 },
        ],
        layers: { gold: [{ start: 3, end: 4, label: 'X', score: 0.5 }] },
        soft: {
          tags: ['O', 'B-X'],
          rows: [
            [1, 0],
            [0.25, 0.75],
          ],
        },
      },
    ])
  })

  it('does not take a text label for spans, and asks for labels unless they are optional', () => {
    expect(failure({ text, label: 'sports' }).what).toMatch(/no labels/)
    expect(read([{ text }], { labels: 'optional' }).documents[0]!.layers).toEqual({})
  })

  it('does not take votes for labels, nor soft tags where spans are asked for', () => {
    const votes = { text: 'a', layers: { rules: [{ start: 0, end: 1, label: 'X' }], silent: [] } }
    expect(failure(votes)).toMatchObject({
      code: 'data/bad-row',
      what: expect.stringMatching(/rules, silent/) as string,
    })
    expect(() => read([votes], { labels: 'soft' })).toThrow(/rules, silent/)
    expect(read([votes], { layer: 'rules' }).documents[0]!.layers).toHaveProperty('rules')
    const soft = { text: 'a', tokens: [{ start: 0, end: 1 }], soft_tags: { tags: ['O'], rows: [[1]] } }
    expect(failure(soft).what).toMatch(/no labels/)
    expect(read([soft], { labels: 'soft' }).documents).toHaveLength(1)
  })

  it.each([
    ['“kb_id” of spans', { spans: [{ start: 2, end: 5, label: 'PER', kb_id: 'Q1' }] }],
    ['scores of spans that are no numbers', { spans: [{ start: 2, end: 5, label: 'PER', score: '0.9' }] }],
    ['what follows the labels of spans', { entities: [[2, 5, 'PER', 'Q1']] }],
    ['“sentences” without “tokens”', { spans: [], sentences: [{ start: 0, end: 1 }] }],
  ])('says that it does not read %s', (what, fields) => {
    expect(read([{ text, ...fields }]).losses).toEqual([{ what, count: 1, first: 'f.jsonl:1' }])
  })

  it('refuses labels that are no list, even where there need not be any', () => {
    for (const spans of [{ start: 0, end: 1, label: 'X' }, '0-1 X']) {
      expect(() => read([{ text, spans, layers: { rules: [] } }], { labels: 'optional' })).toThrow(/no list/)
    }
    expect(read([{ text, spans: null }], { labels: 'optional' }).documents[0]!.layers).toEqual({})
  })

  it('puts examples that the annotator did not accept among the rejects', () => {
    const { documents, rejects } = read([
      { text, spans: [], answer: 'reject' },
      { text, spans: [] },
    ])
    expect(documents).toHaveLength(1)
    expect(rejects).toMatchObject([{ where: 'f.jsonl:1' }])
  })

  const at = (start: unknown, end: unknown, offset_unit?: string) => ({
    text,
    offset_unit,
    spans: [{ start, end, label: 'X' }],
  })
  const tokens = [{ start: 0, end: 1 }]
  it.each<[string, unknown, string, RegExp]>([
    ['broken JSON', '{"text": "a', 'data/bad-row', /not JSON/],
    ['what is no object', '1', 'data/bad-row', /not a JSON object/],
    ['a missing text', { spans: [] }, 'data/bad-row', /no “text”/],
    ['an end past the text', at(9, 15), 'data/bad-offset', /X 9–15 lies outside the text of 14 code points/],
    ['an end past the UTF-16 text', at(9, 16, 'utf16'), 'data/bad-offset', /15 UTF-16 units/],
    ['a negative start', at(-1, 2), 'data/bad-offset', /outside/],
    ['half a surrogate pair', at(1, 3, 'utf16'), 'data/bad-offset', /surrogate/],
    ['an empty span', at(3, 3), 'data/bad-offset', /empty/],
    ['an end before the start', at(3, 2), 'data/bad-offset', /empty/],
    ['fractions', at(0.5, 2), 'data/bad-offset', /whole numbers/],
    ['missing offsets', at(undefined, 2), 'data/bad-offset', /whole numbers/],
    ['an unknown unit', at(0, 1, 'word'), 'data/bad-row', /offset unit "word"/],
    ['a span without a label', { text, spans: [{ start: 0, end: 1 }] }, 'data/bad-row', /has no label/],
    ['a layer called as the labels are', { text, spans: [], layers: { gold: [] } }, 'data/bad-row', /a layer “gold”/],
    ['an annotator that is no name', { text, spans: [], annotator: { id: 1 } }, 'data/bad-row', /“annotator” is/],
    ['tokens that overlap', { text, spans: [], tokens: [...tokens, ...tokens] }, 'data/bad-row', /Tokens overlap/],
    ['tokens that are strings', { text, spans: [], tokens: ['a'] }, 'data/bad-row', /“tokens” is not/],
    ['sentences with a gap', { text, spans: [], tokens, sentences: [] }, 'data/bad-row', /“sentences” do not divide/],
    ['soft tags without tokens', { text, soft_tags: { tags: ['O'], rows: [[1]] } }, 'data/bad-row', /for each token/],
    [
      'soft tags that are no distribution',
      { text, tokens, soft_tags: { tags: ['O', 'B-X'], rows: [[0.5, 0.6]] } },
      'data/bad-row',
      /Row 1/,
    ],
  ])('refuses %s', (_, record, code, message) => {
    const error = failure(record)
    expect(error.code).toBe(code)
    expect(error.what).toMatch(message)
    expect(error.detail.where).toBe('f.jsonl:2')
    expect(error.detail.mend).toBeTruthy()
  })

  it('collects bad records when asked to', () => {
    const { documents, rejects } = read([at(0, 99), '{', { text, spans: [] }], { skipBad: true })
    expect(documents).toHaveLength(1)
    expect(rejects.map(({ where, raw }) => [where, raw.length > 0])).toEqual([
      ['f.jsonl:1', true],
      ['f.jsonl:2', true],
    ])
  })
})

describe('formatJsonl', () => {
  const pieces = fc.array(
    fc.string({ unit: fc.constantFrom(...Array.from('aé\u0301😀👩\u200D \n"\\\uFEFF')), minLength: 1 }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  /** Tokens are the pieces of the text, and every other one is a span. */
  const document = pieces.map((words): Document => {
    let offset = 0
    const tokens = words.map((word) => ({ start: offset, end: (offset += word.length) }))
    const gold = tokens.filter((_, i) => i % 2).map((token) => ({ ...token, label: 'X-"Y"', score: 0.5 }))
    const rules = gold.toReversed()
    const sentences = [{ start: 0, end: tokens.length }]
    return { id: 'd', text: words.join(''), tokens, sentences, layers: { gold, rules } }
  })

  it.each(['code_point', 'utf16'] as const)('and back again, in %s', (unit) => {
    fc.assert(
      fc.property(fc.array(document), (documents) => {
        const written = [...formatJsonl(documents, { unit })].map((line) => line.trimEnd())
        expect(written.every((line) => !line.includes('\n'))).toBe(true)
        expect(read(written).documents).toEqual(documents)
      }),
    )
  })

  it('reads other layers by name, and names a bad one', () => {
    const spans = [{ start: 0, end: 1, label: 'X' }]
    const layersOf = (layers: unknown) => read([{ text: 'ab', layers }], { labels: 'optional' }).documents[0]!.layers
    expect(layersOf({ rules: spans, silent: [] })).toEqual({ rules: spans, silent: [] })
    expect(() => layersOf({ rules: [{ start: 0, end: 1 }] })).toThrow(/“rules” has no label/)
    expect(() => layersOf({ rules: 'X' })).toThrow(/not lists of spans by name/)
  })

  it('writes offsets as Python counts them', () => {
    const [line] = formatJsonl([{ id: 'd', text, layers: { gold: [{ start: 10, end: 15, label: 'LOC' }] } }])
    expect(JSON.parse(line!)).toEqual({
      id: 'd',
      text,
      spans: [{ start: 9, end: 14, label: 'LOC' }],
      offset_unit: 'code_point',
    })
  })
})
