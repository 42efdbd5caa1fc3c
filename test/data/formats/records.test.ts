import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Document } from '../../../src/data/document.js'
import { onReading } from '../../../src/data/notes.js'
import { parseDocuments, readDocuments } from '../../../src/data/read.js'

const read = (content: string) => parseDocuments(Buffer.from(content), 'f')
const found = ({ text, layers }: Document) =>
  layers['gold']?.map(({ start, end, label }) => `${text.slice(start, end)} ${label}`)
const jsonl = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n')

describe('labels are seen in every form that is read', () => {
  it.each<[string, string, (string[] | undefined)[]]>([
    [
      'Label Studio’s JSON-MIN, whose first row has none',
      JSON.stringify([
        { id: 2, text: 'None here', annotator: 1, annotation_id: 2, lead_time: 1 },
        { id: 1, text: 'Ann left', label: [{ start: 0, end: 3, text: 'Ann', labels: ['PER'] }], annotation_id: 1 },
      ]),
      [[], ['Ann PER']],
    ],
    ['Argilla', jsonl({ text: 'Ann left', annotation: [{ label: 'PER', start: 0, end: 3, score: 1 }] }), [['Ann PER']]],
    [
      'Prodigy, where an accepted row has no spans',
      jsonl(
        { text: 'Ann', spans: [{ start: 0, end: 3, label: 'PER' }], answer: 'accept' },
        { text: 'No', answer: 'accept' },
      ),
      [['Ann PER'], []],
    ],
    [
      'doccano, whose first row has none',
      jsonl({ text: 'No' }, { text: 'Ann', label: [[0, 3, 'PER']] }),
      [[], ['Ann PER']],
    ],
    [
      'doccano, with null for none',
      JSON.stringify([
        { text: 'No', label: null },
        { text: 'Ann', label: [[0, 3, 'PER']] },
      ]),
      [[], ['Ann PER']],
    ],
    [
      'spaCy’s Doc.to_json',
      jsonl({
        text: 'Ann left',
        ents: [{ start: 0, end: 3, label: 'PER' }],
        tokens: [
          { id: 0, start: 0, end: 3 },
          { id: 1, start: 4, end: 8 },
        ],
      }),
      [['Ann PER']],
    ],
    [
      'Hugging Face’s rows of words and tags',
      jsonl(
        { id: 'a', tokens: ['Ann', 'Lee', 'left'], ner_tags: ['B-PER', 'I-PER', 'O'] },
        { tokens: ['北', '京'], ner_tags: ['B-LOC', 'I-LOC'] },
      ),
      [['Ann Lee PER'], ['北京 LOC']],
    ],
  ])('%s', (_, content, spans) => {
    expect(read(content).documents.map(found)).toEqual(spans)
  })

  it('tags by number are refused, with what names them', () => {
    expect(() => read(jsonl({ tokens: ['Ann'], ner_tags: [1] }))).toThrow(/numbers[^]*int2str/)
  })

  it('a file without any label says so, with the keys that were seen', async () => {
    const listen = vi.fn()
    const end = onReading(listen)
    const path = join(mkdtempSync(join(tmpdir(), 'ner-records-')), 'f.jsonl')
    writeFileSync(path, jsonl({ text: 'Ann', entites: [], meta: 1 }))
    await readDocuments(path, { labels: 'optional' })
    end()
    expect(listen.mock.calls).toEqual([
      [{ file: path, note: 'no document has labels; records have the keys text, entites, meta' }],
    ])
  })
})
