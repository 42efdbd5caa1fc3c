import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readConll } from '../../../src/data/formats/conll.js'
import { areJoined, joinWords } from '../../../src/data/formats/columns/join.js'
import { formatConll } from '../../../src/data/formats/conll-write.js'
import type { Document, Span } from '../../../src/data/document.js'
import type { Scheme } from '../../../src/data/schemes.js'
import type { ReadOptions } from '../../../src/data/source.js'
import { linesOf } from '../../../src/io/lines.js'
import { NerError } from '../../../src/errors.js'

const read = (text: string, options?: ReadOptions) =>
  readConll({ name: 'dir/f.conll', base: 'f.conll', lines: linesOf(Buffer.from(text), 'dir/f.conll') }, options)

const texts = ({ text, layers: { gold = [] } }: Document) =>
  gold.map(({ start, end, label }) => [text.slice(start, end), label])

const failure = (action: () => unknown): NerError => {
  try {
    action()
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('readConll', () => {
  it('reads documents of sentences, four columns, IOB1', () => {
    const { documents, scheme } = read(
      '-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\nPeter NNP I-NP I-PER\nBlackburn NNP I-NP I-PER\n\n' +
        '-DOCSTART- -X- O O\n\nBonn NNP I-NP I-LOC\nBerlin NNP I-NP B-LOC\n',
    )
    expect(scheme).toBe('IOB1')
    expect(documents.map(({ id, text }) => [id, text])).toEqual([
      ['f.conll:1', 'EU rejects\nPeter Blackburn'],
      ['f.conll:2', 'Bonn Berlin'],
    ])
    expect(documents[0]!.sentences).toEqual([
      { start: 0, end: 2 },
      { start: 2, end: 4 },
    ])
    expect(documents.map(texts)).toEqual([
      [
        ['EU', 'ORG'],
        ['Peter Blackburn', 'PER'],
      ],
      [
        ['Bonn', 'LOC'],
        ['Berlin', 'LOC'],
      ],
    ])
  })

  it('makes a document of each block where none is marked, whatever the line ends', () => {
    const { documents } = read('\uFEFFParis\tB-LOC\r\n\r\n \t\r\nAnn\tB-PER\r\nLee\tI-PER')
    expect(documents.map((document) => [document.text, texts(document)])).toEqual([
      ['Paris', [['Paris', 'LOC']]],
      ['Ann Lee', [['Ann Lee', 'PER']]],
    ])
    expect(documents[0]).not.toHaveProperty('sentences')
  })

  it('takes the language of WikiANN off, and only where all tokens have it', () => {
    expect(read('en:New\tB-LOC\nen:York\tI-LOC\n\nen::\tO\n').documents.map(({ text }) => text)).toEqual([
      'New York',
      ':',
    ])
    expect(read('en:New\tB-LOC\nYork\tI-LOC\n').documents[0]!.text).toBe('en:New York')
    expect(read('http://a.b\tO\n').documents[0]!.text).toBe('http://a.b')
  })

  it('keeps odd white space in tokens: only ASCII spaces and tabs divide', () => {
    const tokens = ['a\u00A0b', '\u3000', '\u2028', '\u0085x', 'c\r']
    expect(read(tokens.map((token) => `${token} O`).join('\n')).documents[0]!.text).toBe(joinWords(tokens))
    expect(read('New York\tB-LOC\n').documents[0]!.text).toBe('New York')
    expect(read(' Paris   NNP  B-LOC \n').documents[0]!.text).toBe('Paris')
  })

  it('has no layer for a file of one column, where that is allowed', () => {
    const { documents, scheme } = read('Ann\nLee\n', { labels: 'optional' })
    expect([documents[0]!.text, documents[0]!.layers, scheme]).toEqual(['Ann Lee', {}, undefined])
  })

  it('reads into the layer asked for', () => {
    expect(Object.keys(read('Ann B-PER\n', { layer: 'other' }).documents[0]!.layers)).toEqual(['other'])
  })

  it.each<[string, string, string, RegExp]>([
    ['a missing column', 'Ann NNP B-PER\nLee I-PER\n', 'data/bad-row', /2 columns where line 1 has 3[^]*f.conll:2/],
    ['a column too many', 'Ann B-PER\nLee NNP I-PER\n', 'data/bad-row', /3 columns where line 1 has 2[^]*f.conll:2/],
    ['a token without a tag', 'Ann B-PER\nLee\n', 'data/bad-row', /one column[^]*f.conll:2/],
    ['an empty tag', 'Ann\tB-PER\nLee\t\n', 'data/bad-row', /empty tag[^]*f.conll:2/],
    ['an empty token', 'Ann\tB-PER\n\tO\n', 'data/bad-row', /empty token[^]*f.conll:2/],
    ['what is no tag', '\nAnn PER\n', 'data/unknown-scheme', /“PER” is not a tag[^]*f.conll:2/],
    ['an ambiguous scheme', 'a O\nb E-X\n\nc I-X\nd I-X\n', 'data/ambiguous-scheme', /IOE2 at dir\/f.conll:5/],
  ])('refuses %s', (_, text, code, message) => {
    const error = failure(() => read(text))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.detail.mend).toBeTruthy()
  })

  it('reads an I- that begins a span as seqeval and conlleval do, and says how many', () => {
    const { documents, scheme, notes } = read('On O\n3 I-DATE\nMay B-DATE\n\nAnn B-PER\nLee I-PER\nof I-ORG\n')
    expect(scheme).toBe('IOB2')
    expect(documents.map(texts)).toEqual([
      [
        ['3', 'DATE'],
        ['May', 'DATE'],
      ],
      [
        ['Ann Lee', 'PER'],
        ['of', 'ORG'],
      ],
    ])
    expect(notes).toEqual(['2 spans with I- where IOB2 begins with B-: read as seqeval and conlleval read them'])
  })

  it('refuses tags that break the scheme it was given', () => {
    const error = failure(() => read('a O\nb I-X\n', { scheme: 'IOB2' }))
    expect([error.code, error.detail.where]).toEqual(['data/bad-row', 'dir/f.conll:2'])
    expect(failure(() => read('a B-X\n', { scheme: 'IOBES' })).what).toMatch(/no B-X at the end/)
  })

  it('leaves bad sentences out, whole and reported, when asked to', () => {
    const text = 'x\ny O\n\nAnn B-PER\nLee\nwent O\n\nBonn B-LOC\n\na O\nb I-X\n\nc PER\n'
    const { documents, rejects } = read(text, { skipBad: true, scheme: 'IOB2' })
    expect(documents.map((document) => document.text)).toEqual(['Bonn'])
    expect(rejects.map(({ where, raw }) => [where, raw])).toEqual([
      ['dir/f.conll:1', 'x\ny O'],
      ['dir/f.conll:5', 'Ann B-PER\nLee\nwent O'],
      ['dir/f.conll:13', 'c PER'],
      ['dir/f.conll:11', 'a\tO\nb\tI-X'],
    ])
  })

  it('gives the same documents however the bytes are cut into chunks', () => {
    const bytes = Buffer.from('\uFEFFZoë\tB-PER\r\n😀\tO\n\nParis\tB-LOC\n\n\nx\tO')
    const whole = readConll({ name: 'f', base: 'f', lines: linesOf(bytes, 'f') })
    for (let size = 1; size < bytes.length; size++) {
      expect(readConll({ name: 'f', base: 'f', lines: linesOf(bytes, 'f', size) })).toEqual(whole)
    }
  })

  it('refuses bytes that are not UTF-8', () => {
    const lines = linesOf(Buffer.from([0x5a, 0xeb, 0x0a]), 'f')
    expect(failure(() => [...lines]).code).toBe('file/unreadable')
  })
})

const anyOf = (characters: string) => fc.constantFrom(...Array.from(characters))

/** Any characters that can stand in a column; not a language prefix, nor what a reader takes for a mark. */
const token = fc
  .string({ unit: anyOf('aZ:-#"\u00A0\u3000\u2028😀é\u0301\u200D👩'), minLength: 1, maxLength: 4 })
  .filter((text) => !text.startsWith('a'))
const sentence = fc.array(fc.tuple(token, fc.option(fc.constantFrom('PER', 'GPE-X'))), { minLength: 1, maxLength: 6 })

/** A document as the reader would build it: the text is the tokens, and every run of one label is a span. */
function documentOf(id: string, rows: [string, string | null][][], withSentences: boolean): Document {
  const tokens: { start: number; end: number }[] = []
  const sentences: { start: number; end: number }[] = []
  const gold: Span[] = []
  let offset = 0
  for (const row of rows) {
    const first = tokens.length
    for (const [i, [word, label]] of row.entries()) {
      tokens.push({ start: offset, end: offset + word.length })
      if (label !== null) gold.push({ start: offset, end: offset + word.length, label })
      const next = row[i + 1]
      offset += word.length + (next && areJoined(word, next[0]) ? 0 : 1)
    }
    sentences.push({ start: first, end: tokens.length })
  }
  const text = rows.map((row) => joinWords(row.map(([word]) => word))).join('\n')
  return { id, text, tokens, ...(withSentences && { sentences }), layers: { gold } }
}

describe('formatConll', () => {
  const corpus = fc.oneof(
    fc
      .array(fc.array(sentence, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .map((documents) => documents.map((rows, i) => documentOf(`f.conll:${i + 1}`, rows, true))),
    fc
      .array(sentence, { minLength: 1, maxLength: 3 })
      .map((documents) => documents.map((row, i) => documentOf(`f.conll:${i + 1}`, [row], false))),
  )

  it.each<Scheme>(['IOB1', 'IOB2', 'IOE1', 'IOE2', 'IOBES', 'BILOU'])('and back again, in %s', (scheme) => {
    fc.assert(
      fc.property(corpus, (documents) => {
        const text = [...formatConll(documents, { scheme })].join('')
        expect(read(text, { scheme }).documents).toEqual(documents)
        expect(read(text).documents).toEqual(documents)
      }),
    )
  })

  it('writes one column without the layer', () => {
    const [document] = read('Ann B-PER\nLee I-PER\n').documents
    expect([...formatConll([{ ...document!, layers: {} }])]).toEqual(['Ann\nLee\n\n'])
  })

  it('refuses what columns cannot say', () => {
    const document: Document = {
      id: 'd',
      text: 'ab cd\nef',
      tokens: [
        { start: 0, end: 2 },
        { start: 3, end: 5 },
        { start: 6, end: 8 },
      ],
      sentences: [
        { start: 0, end: 2 },
        { start: 2, end: 3 },
      ],
      layers: {},
    }
    const write = (change: Partial<Document>) => failure(() => [...formatConll([{ ...document, ...change }])])
    expect(write({ layers: { gold: [{ start: 1, end: 5, label: 'X' }] } }).message).toMatch(/X “b cd” at 1–5/)
    expect(write({ layers: { gold: [{ start: 3, end: 8, label: 'X' }] } }).code).toBe('data/misaligned-span')
    expect(write({ tokens: [{ start: 3, end: 8 }] }).what).toMatch(/"cd\\nef" cannot stand/)
    expect(write({ tokens: [] }).what).toMatch(/no tokens/)
  })
})
