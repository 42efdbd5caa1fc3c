import { describe, expect, it } from 'vitest'
import { parseDocuments, readAnnotations, readDocuments, type Format } from '../../src/data/read.js'

const fixture = (name: string) => new URL(`fixtures/${name}`, import.meta.url).pathname
const text = 'Zoë 🙂 met Ann Lee in Paris.'
const labelled = ['Zoë PER', 'Ann Lee PER', 'Paris LOC']

describe('exports of annotation tools', () => {
  it.each([
    ['prodigy.jsonl', 'jsonl', labelled],
    ['spacy.jsonl', 'jsonl', labelled],
    ['spacy-tuples.json', 'spacy', labelled],
    ['doccano-2018.jsonl', 'doccano', labelled],
    ['doccano-1.0.jsonl', 'doccano', ['Zoë 1', 'Ann Lee 1', 'Paris 2']],
    ['doccano-1.0-text-labels.jsonl', 'doccano', labelled],
    ['doccano-1.4.jsonl', 'doccano', labelled],
    ['doccano-1.8.jsonl', 'doccano', labelled],
    ['doccano-relations.jsonl', 'doccano', labelled],
    ['label-studio.json', 'label-studio', labelled],
    ['label-studio-utf16.json', 'label-studio', labelled],
    ['label-studio-min.json', 'label-studio', labelled],
  ])('%s is told by its content and read', async (name, format, spans) => {
    const corpus = await readDocuments(fixture(name))
    const [document] = corpus.documents
    expect(corpus.format).toBe(format)
    expect(document!.text).toBe(text)
    expect(document!.layers['gold']!.map(({ start, end, label }) => `${text.slice(start, end)} ${label}`)).toEqual(
      spans,
    )
  })

  it.each([
    ['doccano-1.0.jsonl', ['names of labels, which the file gives by number']],
    ['doccano-relations.jsonl', ['relations']],
    [
      'label-studio.json',
      [
        'of tasks: created_at, updated_at, inner_id, total_annotations, project',
        'of annotations: created_at, updated_at, lead_time',
        'regions of type "choices"',
        'regions of type "relation"',
        'of tasks: project',
      ],
    ],
  ])('%s: what is not read is said', async (name, losses) => {
    expect((await readDocuments(fixture(name))).losses.map(({ what }) => what)).toEqual(losses)
  })

  it('keeps what else they say of a text', async () => {
    const sources = await Promise.all(
      ['prodigy.jsonl', 'doccano-1.0.jsonl', 'label-studio.json'].map(async (name) => {
        const { fields } = (await readDocuments(fixture(name))).documents[0]!
        return fields?.['meta'] ?? fields
      }),
    )
    expect(sources).toEqual([{ source: 'wire' }, { source: 'wire' }, { source: 'wire' }])
  })

  it.each(['prodigy.jsonl', 'label-studio.json'])('%s: what was skipped is among the rejects', async (name) => {
    expect((await readDocuments(fixture(name))).rejects).toHaveLength(1)
  })
})

describe('what an export has in another form than it should', () => {
  const parse = (format: Format, row: unknown) =>
    parseDocuments(Buffer.from(JSON.stringify([row])), 'f.json', { format, labels: 'optional' })
  const task = (annotation: unknown) => ({ id: 1, data: { text }, annotations: [annotation] })
  const region = (type: string, value: object) => ({ type, value: { start: 0, end: 3, text: 'Zoë', ...value } })

  it.each<[Format, unknown, RegExp]>([
    ['spacy', [text, { entities: { start: 0, end: 3, label: 'PER' } }], /no list/],
    ['spacy', [text, { spans: { sc: [[0, 3, 'PER']] } }], /no list/],
    ['doccano', { text, label: 'PER' }, /“label”/],
    ['doccano', { text, entities: { id: 1, label: 'PER', start_offset: 0, end_offset: 3 } }, /“entities”/],
    ['label-studio', task({ id: 5 }), /no “result”/],
    ['label-studio', task(5), /annotations are no list of objects/],
    ['label-studio', task({ result: ['PER'] }), /region is no object/],
    ['label-studio', task({ result: [region('labels', { labels: 'PER' })] }), /labels of a region/],
  ])('is a bad row: %s', (format, row, message) => {
    expect(() => parse(format, row)).toThrow(message)
    expect(() => parse(format, row)).toThrow(/data\/bad-row/)
  })

  it('is no label where it is said of a labelled stretch', () => {
    const result = [region('labels', { labels: ['PER'] }), region('choices', { choices: ['unsure'] })]
    const { documents, losses } = parse('label-studio', task({ result }))
    expect(documents[0]!.layers['gold']).toEqual([{ start: 0, end: 3, label: 'PER' }])
    expect(losses.map(({ what }) => what)).toEqual(['regions of type "choices"'])
  })
})

describe('readAnnotations', () => {
  it.each([
    ['prodigy.jsonl', ['news-ann', 'news-ben']],
    ['doccano-2018.jsonl', ['ann', 'ben']],
    ['doccano-1.0.jsonl', ['1', '2']],
    ['label-studio.json', ['1', 'ben@example.org']],
  ])('%s: a list of documents for each person, with the same ids', async (name, people) => {
    const annotations = await readAnnotations(fixture(name))
    expect(annotations.map(({ annotator }) => annotator)).toEqual(people)
    const counts = annotations.map(({ documents }) => documents[0]!.layers['gold']!.length)
    expect(counts).toEqual([3, 2])
    expect(new Set(annotations.map(({ documents }) => documents[0]!.id)).size).toBe(1)
  })

  it('has one list, of nobody, for other files', async () => {
    expect(await readAnnotations(fixture('spacy.jsonl'))).toMatchObject([{ annotator: null }])
  })
})
