import { describe, expect, it } from 'vitest'
import { annotator, corpusOf, documentOf, spansOf } from './corpus.js'

const ann = (id: string, text: string) => documentOf(id, text, spansOf('0-3 PER'))

describe('matching documents', () => {
  it('goes by id, also where a text is repeated', () => {
    const { documents } = corpusOf(
      annotator('a', documentOf('1', 'Ann', spansOf('0-3 PER')), documentOf('2', 'Ann', [])),
      annotator('b', documentOf('2', 'Ann', []), documentOf('1', 'Ann', spansOf('0-3 PER'))),
    )
    expect(documents.map(({ spans }) => spans.map((list) => list?.length))).toEqual([[1, 1], [0, 0]]) // prettier-ignore
  })

  it('goes by text where tools have numbered documents in their own ways', () => {
    const { documents, alone } = corpusOf(
      annotator('a', ann('1', 'Ann one'), ann('2', 'Ann two'), ann('3', 'Ann six')),
      annotator('b', ann('2', 'Ann one'), ann('1', 'Ann two')),
    )
    expect(documents.map(({ document }) => document.text)).toEqual(['Ann one', 'Ann two'])
    expect(alone.map((own) => own.map(({ id }) => id))).toEqual([['3'], []])
  })

  const label = (list: readonly { readonly label: string }[] | undefined) => list!.map((span) => span.label)

  it('goes by text where the reader has numbered them, in order where columns repeat a sentence', () => {
    const words = { tokens: [{ start: 0, end: 3 }] }
    const { documents } = corpusOf(
      annotator('a', documentOf('a:1', 'Ann', spansOf('0-3 PER'), words), documentOf('a:2', 'Ann', [], words)),
      annotator('b', documentOf('b:1', 'Ann', spansOf('0-3 ORG'), words), documentOf('b:2', 'Ann', [], words)),
    )
    expect(documents.map(({ spans }) => spans.map(label))).toEqual([
      [['PER'], ['ORG']],
      [[], []],
    ])
  })

  it.each([
    ['with ids', () => '5'],
    ['without', (file: string, i: number) => `${file}:${i + 1}`],
  ])('joins a person’s rows of one text, %s', (_, idOf) => {
    const rows = (file: string, ...marks: string[][]) =>
      marks.map((own, i) => documentOf(idOf(file, i), 'Ann lives in Oslo', spansOf(...own)))
    const { documents, alone } = corpusOf(
      annotator('a', ...rows('a.jsonl', ['0-3 PER'], ['0-3 PER', '13-17 LOC'])),
      annotator('b', ...rows('b.jsonl', ['0-3 PER'], ['0-3 PER'])),
    )
    expect(documents.map(({ spans }) => spans.map(label))).toEqual([[['PER', 'LOC'], ['PER']]])
    expect(alone).toEqual([[], []])
  })

  it('takes words from whoever has them, and finds them where nobody does', () => {
    const tokens = [{ start: 0, end: 8 }]
    const [a, b] = [documentOf('1', 'Ann’s 🎉 hat', []), documentOf('1', 'Ann’s 🎉 hat', [], { tokens })]
    expect(corpusOf(annotator('a', a), annotator('b', b)).documents[0]!.document.tokens).toEqual(tokens)
    expect(corpusOf(annotator('a', a), annotator('b', a)).documents[0]!.document.tokens.length).toBe(4)
  })

  it('counts no white space at the ends of spans, and no span twice', () => {
    const one = documentOf('1', ' Ann ', spansOf('0-5 PER', '1-4 PER', '0-1 PER'))
    expect(corpusOf(annotator('a', one), annotator('b', one)).documents[0]!.spans[0]).toEqual(spansOf('1-4 PER'))
  })
})

describe('what cannot be compared', () => {
  it('is one annotator', () => {
    expect(() => corpusOf(annotator('a', ann('1', 'Ann')))).toThrow(/agreement\/one-annotator/)
  })

  it('is documents that nobody shares', () => {
    const mismatch = () => corpusOf(annotator('a', ann('1', 'Ann')), annotator('b', ann('2', 'Bob')))
    expect(mismatch).toThrow(/share no document. \[agreement\/no-overlap\][^]*"Ann" and "Bob"/)
  })

  it('is two texts under one id, with the place where they part', () => {
    const mismatch = () => corpusOf(annotator('a', ann('7', 'Ann met Bob')), annotator('b', ann('7', 'Ann saw Bob')))
    expect(mismatch).toThrow(
      /agreement\/different-text\][^]*document 7 of a and 7 of b; first at character 5: .*met.*saw/,
    )
  })

  it('is one text in two tokenizations without ids, as CoNLL files have it', () => {
    const a = annotator('a', ann('a.jsonl:1', 'Ann did n’t'), ann('a.jsonl:2', 'Ann'))
    const b = annotator('b', ann('b.jsonl:1', 'Ann didn’t'), ann('b.jsonl:2', 'Ann'))
    expect(() => corpusOf(a, b)).toThrow(/differ in white space alone/)
  })

  it('is one text divided into other words, with the first that differs', () => {
    const one = (ends: number) => documentOf('1', 'Ann’s', [], { tokens: [{ start: 0, end: ends }, { start: ends, end: 5 }] }) // prettier-ignore
    const mismatch = () => corpusOf(annotator('a', one(3)), annotator('b', one(4)))
    expect(mismatch).toThrow(/agreement\/different-tokens\][^]*first word 1: "Ann" and "Ann’"/)
  })

  it('does not include files that share some documents only', () => {
    const { documents, alone } = corpusOf(
      annotator('a', ann('a.jsonl:1', 'Ann is here'), ann('a.jsonl:2', 'Ann')),
      annotator('b', ann('b.jsonl:1', 'It rains a lot'), ann('b.jsonl:2', 'Ann')),
    )
    expect([documents.length, alone.map((own) => own.length)]).toEqual([1, [1, 1]])
  })
})
