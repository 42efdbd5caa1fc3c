import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contextOf, countKinds, findDisagreements } from '../../src/agreement/disagreements.js'
import { mergeAnnotations } from '../../src/agreement/merge.js'
import { formatQueue } from '../../src/agreement/queue.js'
import type { Span } from '../../src/data/document.js'
import type { Json } from '../../src/data/json.js'
import { parseDocuments } from '../../src/data/read.js'
import { annotator, corpusOf, documentOf, spansOf } from './corpus.js'

const text = '🎉 Ann Lee met Bob in New York.\nIt rained on Eve.'
const by = (name: string, ...spans: string[]) => annotator(name, documentOf('d', text, spansOf(...spans)))
const ann = by('ann', '3-10 PER', '15-18 PER', '22-30 LOC')
const bob = by('bob', '3-6 PER', '15-18 PER', '22-30 ORG', '45-48 PER')
const eve = by('eve', '3-10 PER', '15-18 PER', '22-30 MISC')

const read = (queue: string) => parseDocuments(Buffer.from(queue), 'queue.jsonl').documents
const surfaces = (merged: ReturnType<typeof mergeAnnotations>) =>
  merged.documents[0]!.layers['gold']!.map(({ start, end, label }) => `${text.slice(start, end)} ${label}`)

describe('disagreements', () => {
  it('are grouped by kind and confusion', () => {
    const found = findDisagreements(corpusOf(ann, bob))
    expect(found.map(({ id, kind, confusion, start, end }) => [id, kind, confusion, text.slice(start, end)])).toEqual([
      ['d#1', 'boundary', 'PER', 'Ann Lee'],
      ['d#3', 'missed', 'PER / none', 'Eve'],
      ['d#2', 'type', 'LOC / ORG', 'New York'],
    ])
  })

  it('put the most frequent confusion first', () => {
    const a = annotator('a', ...['1', '2', '3'].map((id) => documentOf(id, 'Ann', spansOf('0-3 PER'))))
    const b = annotator(
      'b',
      ...['1', '2', '3'].map((id) => documentOf(id, 'Ann', id === '1' ? [] : spansOf('0-3 ORG'))),
    )
    const found = findDisagreements(corpusOf(a, b))
    expect(countKinds(found)).toEqual([
      { kind: 'type', confusion: 'ORG / PER', count: 2 },
      { kind: 'missed', confusion: 'PER / none', count: 1 },
    ])
    expect(found.map(({ frequency }) => frequency)).toEqual([2, 2, 1])
  })

  it('are as many as the spans that are not shared, put together where they touch', () => {
    const spans = fc.uniqueArray(fc.nat(9), { maxLength: 6 }).map((starts) => starts.map((s) => `${s}-${s + 1} X`))
    fc.assert(
      fc.property(spans, spans, (first, second) => {
        const [a, b] = [first, second].map((list, i) =>
          annotator(`${i}`, documentOf('d', 'abcdefghij', spansOf(...list))),
        )
        const different = [
          ...first.filter((one) => !second.includes(one)),
          ...second.filter((one) => !first.includes(one)),
        ]
        expect(findDisagreements(corpusOf(a!, b!)).length).toBe(different.length)
      }),
    )
  })
})

describe('the queue', () => {
  const corpus = corpusOf(ann, bob)
  const disagreements = findDisagreements(corpus)
  const queue = formatQueue(corpus, disagreements)

  it('is JSONL that is read back, with the sentence, both readings and what it is about', () => {
    const [record] = queue.split('\n').map((line) => (line === '' ? {} : JSON.parse(line)) as Record<string, unknown>)
    expect(record).toMatchObject({
      id: 'd#1',
      text: '🎉 Ann Lee met Bob in New York.',
      // Code points: the emoji is one.
      spans: [{ start: 2, end: 9 }, { start: 14, end: 17 }, { start: 21, end: 29 }], // prettier-ignore
      layers: { ann: [{ end: 9 }, {}, { label: 'LOC' }], bob: [{ end: 5 }, {}, { label: 'ORG' }] },
      answer: null,
      offset_unit: 'code_point',
      meta: { document: 'd', kind: 'boundary', confusion: 'PER', frequency: 1, at: 'Ann Lee' },
    })
    const context = contextOf(corpus.documents[0]!, disagreements[0]!)
    expect(read(queue)[0]!.text).toBe(text.slice(context.start, context.end))
  })

  it('decides nothing until somebody has', () => {
    const merged = mergeAnnotations(corpus, read(queue))
    expect(merged.settled).toEqual({ decision: 0, majority: 0 })
    expect(merged.ties.length).toBe(3)
    expect(surfaces(merged)).toEqual(['Bob PER'])
  })

  it('is merged by what was decided', () => {
    // All as the second said, as an adjudicator would click.
    const accepted = queue.split('\n').filter(Boolean).map((line) => {
      const record = JSON.parse(line) as { layers: { bob: unknown } }
      return JSON.stringify({ ...record, spans: record.layers.bob, answer: 'accept' })
    }) // prettier-ignore
    const merged = mergeAnnotations(corpus, read(accepted.join('\n')))
    expect(merged.settled.decision).toBe(3)
    expect(surfaces(merged)).toEqual(['Ann PER', 'Bob PER', 'New York ORG', 'Eve PER'])
  })

  it('lets the adjudicator correct what all agreed on in the sentence', () => {
    const [record] = read(queue)
    const spans = record!.layers['gold']!.filter(({ start }) => record!.text.slice(start, start + 3) !== 'Bob')
    const merged = mergeAnnotations(corpus, [{ ...record!, layers: { gold: spans }, fields: { answer: 'accept' } }])
    expect(surfaces(merged)).toEqual(['Ann Lee PER'])
  })

  it('lets one record of a sentence correct what the others leave as it is', () => {
    const records = read(queue).map((record) => ({ ...record, fields: { answer: 'accept' } }))
    const isBob = (text: string) => (span: Span) => text.slice(span.start, span.end) === 'Bob'
    for (const corrected of ['d#1', 'd#2']) {
      const decided = records.map((record) => {
        const spans = record.layers['gold']!
        const without = spans.filter((span) => !isBob(record.text)(span))
        return { ...record, layers: { gold: record.id === corrected ? without : spans } }
      })
      expect(surfaces(mergeAnnotations(corpus, decided))).toEqual(['Ann Lee PER', 'New York LOC'])
    }
  })

  it.each<[string, Json | undefined, RegExp]>([
    ['another answer', 'accepted', /answer "accepted" is not known/],
    ['no', false, /answer false is not known/],
    ['no answer', undefined, /has no answer/],
  ])('with %s is refused', (_, answer, message) => {
    const [record] = read(queue)
    const decided = [{ ...record!, fields: answer === undefined ? {} : { answer } }]
    expect(() => mergeAnnotations(corpus, decided)).toThrow(message)
    expect(() => mergeAnnotations(corpus, decided)).toThrow(/agreement\/bad-decision[^]*d#1: "🎉 Ann/u)
  })

  it('may have a record twice, but be decided once', () => {
    const [record] = read(queue)
    const decided = { ...record!, fields: { answer: 'accept' } }
    expect(mergeAnnotations(corpus, [record!, decided, record!]).settled.decision).toBe(1)
    expect(() => mergeAnnotations(corpus, [decided, decided])).toThrow(/decided twice/)
  })

  it('of other files is refused', () => {
    const [record] = read(queue)
    expect(() => mergeAnnotations(corpus, [{ ...record!, id: 'd#9' }])).toThrow(/agreement\/bad-decision/)
    expect(() => mergeAnnotations(corpus, [{ ...record!, text: 'other' }])).toThrow(/another text/)
  })
})

describe('merging', () => {
  it('takes what most say, and lists ties', () => {
    const merged = mergeAnnotations(corpusOf(ann, bob, eve))
    expect(surfaces(merged)).toEqual(['Ann Lee PER', 'Bob PER'])
    expect(merged.settled).toEqual({ decision: 0, majority: 2 })
    expect(merged.ties.map(({ confusion }) => confusion)).toEqual(['LOC / MISC / ORG'])
  })

  it('keeps documents that one annotator alone has', () => {
    const more = annotator('bob', ...bob.documents, documentOf('x', 'Zoe', spansOf('0-3 PER')))
    const { documents } = mergeAnnotations(corpusOf(ann, more))
    expect(documents.map(({ id }) => id)).toEqual(['d', 'x'])
  })

  it('of equal annotators is what they say', () => {
    const { documents, ties } = mergeAnnotations(corpusOf(ann, annotator('copy', ...ann.documents)))
    expect(documents[0]!.layers['gold']).toEqual(ann.documents[0]!.layers['gold'])
    expect(ties).toEqual([])
  })
})
