import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Document, Span, Token } from '../../src/data/document.js'
import { areJoined, joinWords } from '../../src/data/formats/columns/join.js'
import { formats, parseDocuments, type Format } from '../../src/data/read.js'
import { schemes } from '../../src/data/schemes.js'
import { writeDocuments } from '../../src/data/write.js'

const words = (text: string): Token[] =>
  [...text.matchAll(/[^\s]+/gu)].map(({ 0: word, index }) => ({ start: index, end: index + word.length }))

const characters = fc.constantFrom(
  ...[
    'a',
    'Z',
    '1',
    '.',
    '-',
    'é',
    'e\u0301',
    '🙂',
    '👩\u200d🚒',
    '𝔸',
    'ß',
    'İ',
    '漢',
    '\u00a0',
    '\ufeff',
    '"',
    '\\',
    '\u2028',
  ],
)
const spaces = fc.constantFrom(' ', '\n', '\r\n', '\t', '  ')

/** Any text, with spans that begin and end between characters, in order of their ends. */
const free = fc
  .tuple(
    fc.array(fc.oneof(characters, spaces, fc.string({ unit: 'binary', maxLength: 2 })), {
      minLength: 1,
      maxLength: 20,
    }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('PER', 'LOC-x', 'a "b"', '组织')), { maxLength: 4 }),
  )
  .map(([pieces, marks]): Document => {
    const text = pieces.join('') || 'a'
    const ends = [...text].reduce((list, character) => [...list, list.at(-1)! + character.length], [0])
    const gold = marks.map(([from, length, label]): Span => {
      const start = from % (ends.length - 1)
      return { start: ends[start]!, end: ends[start + 1 + (length % (ends.length - start - 1))]!, label }
    })
    return { id: 'one', text, layers: { gold } }
  })

/** Words with spaces between them, and spans that are runs of words. */
const columns = fc
  .array(fc.tuple(fc.array(characters, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', 'PER', 'LOC-x')), {
    minLength: 1,
    maxLength: 8,
  })
  .map((rows): Document => {
    const spelled = rows.map(([pieces]) => pieces.join(''))
    let offset = 0
    const placed = rows.map(([, label], i) => {
      const word = spelled[i]!
      const start = offset
      offset += word.length + (i + 1 < rows.length && areJoined(word, spelled[i + 1]!) ? 0 : 1)
      return { start, end: start + word.length, word, label }
    })
    return {
      id: 'f:1',
      text: joinWords(spelled),
      tokens: placed.map(({ start, end }) => ({ start, end })),
      layers: {
        gold: placed.filter(({ label }) => label !== '').map(({ start, end, label }) => ({ start, end, label })),
      },
    }
  })

const written = (documents: readonly Document[], format: Format, options = {}) => {
  const { pieces, losses } = writeDocuments(documents, format, { words, ...options })
  return { text: pieces.join(''), losses: losses.map(({ what }) => what) }
}
const read = (text: string, format: Format) => parseDocuments(Buffer.from(text), 'f', { format }).documents

const jsonFormats = formats.filter((format) => format !== 'conll')

describe('there and back', () => {
  it.each(jsonFormats)('%s: any text and spans, and the same bytes again', (format) => {
    fc.assert(
      fc.property(free, (document) => {
        const { text, losses } = written([document], format)
        const [back] = read(text, format)
        expect(back!.text).toBe(document.text)
        expect(back!.layers['gold']).toEqual(document.layers['gold'])
        expect(losses).toEqual(format === 'spacy' ? ['“id”'] : [])
        expect(written([back!], format).text).toBe(text)
      }),
      { numRuns: 150 },
    )
  })

  it.each(['code_point', 'utf16', 'byte'] as const)('jsonl, in %s', (unit) => {
    fc.assert(
      fc.property(free, (document) => {
        expect(read(written([document], 'jsonl', { unit }).text, 'jsonl')).toEqual([document])
      }),
    )
  })

  it.each(schemes)('conll, in %s', (scheme) => {
    fc.assert(
      fc.property(columns, (document) => {
        const { text, losses } = written([document], 'conll', { scheme })
        const [back] = parseDocuments(Buffer.from(text), 'f', { format: 'conll', scheme }).documents
        expect(back).toEqual(document)
        expect(losses).toEqual([])
        expect(written([back!], 'conll', { scheme }).text).toBe(text)
      }),
      { numRuns: 150 },
    )
  })

  it('from any format to any other: the same words under the same labels', () => {
    fc.assert(
      fc.property(columns, fc.constantFrom(...formats), fc.constantFrom(...formats), (document, first, second) => {
        const labelled = ({ text, layers }: Document) =>
          layers['gold']!.map(({ start, end, label }) => `${text.slice(start, end)} ${label}`)
        const once = read(written([document], first).text, first)
        fc.pre(second !== 'conll' || once[0]!.tokens !== undefined)
        const twice = read(written(once, second).text, second)
        expect(twice.map(labelled)).toEqual([labelled(document)])
      }),
      { numRuns: 150 },
    )
  })
})

/** Has everything that a document can. */
const rich: Document = {
  id: 'news-7',
  text: 'Ann  met Bo',
  tokens: [
    { start: 0, end: 3 },
    { start: 5, end: 8 },
    { start: 9, end: 11 },
  ],
  sentences: [{ start: 0, end: 3 }],
  layers: {
    gold: [{ start: 0, end: 3, label: 'PER', score: 0.5 }],
    rules: [{ start: 9, end: 11, label: 'PER' }],
  },
  soft: {
    tags: ['O', 'B-PER'],
    rows: [
      [0, 1],
      [1, 0],
      [0, 1],
    ],
  },
  annotator: 'ann',
  fields: { meta: { source: 'wire' } },
}

describe('what a format cannot hold is said', () => {
  it.each<[Format, string[]]>([
    ['jsonl', []],
    ['conll', ['“id”', '“annotator”', '“soft_tags”', '“layers”', '“meta”', 'scores of spans', 'the spacing of texts']],
    ['doccano', ['“tokens”', '“sentences”', '“layers”', '“soft_tags”', 'scores of spans']],
    ['label-studio', ['“tokens”', '“sentences”', '“layers”', '“soft_tags”']],
    [
      'spacy',
      ['“id”', '“annotator”', '“tokens”', '“sentences”', '“layers”', '“soft_tags”', '“meta”', 'scores of spans'],
    ],
  ])('%s', (format, losses) => {
    expect(written([rich], format).losses.sort()).toEqual(losses.sort())
  })

  it.each(['jsonl', 'doccano', 'label-studio'] as const)('%s keeps the rest', (format) => {
    const [back] = read(written([rich], format).text, format)
    expect(back).toMatchObject({ id: rich.id, annotator: rich.annotator, fields: rich.fields })
  })

  it('label-studio keeps the names of annotators, and the fields of each copy of a text', () => {
    const copies = ['007', '7', '0'].map((annotator, i) => ({ ...rich, annotator, fields: { round: Math.min(i, 1) } }))
    const { text } = written(copies, 'label-studio')
    expect((JSON.parse(text) as unknown[]).length).toBe(2)
    expect(read(text, 'label-studio').map(({ annotator, fields }) => [annotator, fields])).toEqual(
      copies.map(({ annotator, fields }) => [annotator, fields]),
    )
  })

  it('a word that no column can hold is refused', () => {
    const document = { id: 'd', text: 'a\tb', tokens: [{ start: 0, end: 3 }], layers: { gold: [] } }
    expect(() => written([document], 'conll')).toThrow(/"a\\tb" cannot stand in a CoNLL column/)
  })
})

describe('a field that a format would read as its own', () => {
  const document: Document = {
    id: 'd',
    text: 'Ann saw Bob',
    layers: { gold: [{ start: 0, end: 3, label: 'PER' }] },
    fields: { label: 'positive', note: 1 },
  }

  it('is lost and said to be, not the spans', () => {
    const { pieces, losses } = writeDocuments([document], 'doccano', { words })
    expect(JSON.parse(pieces.join(''))).toMatchObject({ label: [[0, 3, 'PER']], note: 1 })
    expect(losses.map(({ what }) => what)).toEqual(['“label”'])
  })

  it('does not make another format of rows with spans', () => {
    const row = { text: 'Ann saw Bob', spans: [{ start: 0, end: 3, label: 'PER' }], labels: [] }
    const { format, documents } = parseDocuments(Buffer.from(`${JSON.stringify(row)}\n`), 'rows.jsonl')
    expect(format).toBe('jsonl')
    expect(documents[0]!.layers).toEqual(document.layers)
  })
})
