import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import type { Document } from '../../../src/data/document.js'
import { onReading } from '../../../src/data/notes.js'
import type { Cursor } from '../../../src/data/parts.js'
import { readDocuments } from '../../../src/data/read.js'
import { type StreamOptions, streamDocuments } from '../../../src/data/stream/documents.js'
import { documentWriter, writeDocuments } from '../../../src/data/write.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-stream-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

const range = (length: number) => Array.from({ length }, (_, i) => i)
/** Long enough for several parts. */
const filler = 'word '.repeat(200)
const row = (i: number) => ({ text: `Ann saw ${i} 😀. ${filler}`, spans: [{ start: 0, end: 3, label: 'PER' }] })
const lines = (rows: readonly unknown[]) => rows.map((one) => `${JSON.stringify(one)}\n`).join('')
const sentence = (i: number) => `Ann\tB-PER\nsaw\tO\n${i}\tO\n`

const contents: Record<string, string | Uint8Array> = {
  'spans.jsonl': lines(range(2000).map(row)),
  'marked.jsonl': `\uFEFF${lines(range(2000).map(row))}`,
  'packed.jsonl.gz': gzipSync(lines(range(2000).map(row))),
  'long rows.jsonl': lines(range(4).map((i) => ({ ...row(i), text: `Ann ${filler.repeat(200)}` }))),
  'doccano.jsonl': lines(range(2000).map((i) => ({ text: `Ann saw ${i}. ${filler}`, label: [[0, 3, 'PER']] }))),
  'list.json': JSON.stringify(range(20).map(row)),
  'tuples.json': JSON.stringify(range(20).map((i) => [`Ann saw ${i}.`, { entities: [[0, 3, 'PER']] }])),
  'blocks.conll': range(6000).map(sentence).join('\n'),
}

async function streamed(path: string, options: StreamOptions = {}) {
  const documents: Document[] = []
  const formats = new Set<string>()
  const cursors: Cursor[] = []
  for await (const batch of streamDocuments(path, options)) {
    documents.push(...batch.documents)
    formats.add(batch.format)
    cursors.push(batch.after)
  }
  return { documents, formats: [...formats], cursors }
}

describe('a stream of documents', () => {
  it.each(Object.entries(contents))('has those of the whole file: %s', async (name, content) => {
    const path = file(name, content)
    const whole = await readDocuments(path, { labels: 'optional' })
    const { documents, formats } = await streamed(path)
    expect(documents).toEqual(whole.documents)
    expect(formats).toEqual([whole.format])
  })

  it.each(['spans.jsonl', 'marked.jsonl', 'packed.jsonl.gz', 'doccano.jsonl'])(
    'goes on from each of its cursors, which JSON holds: %s',
    async (name) => {
      const path = file(name, contents[name]!)
      const { documents, cursors } = await streamed(path)
      expect(cursors.length).toBeGreaterThan(2)
      for (const cursor of cursors.slice(0, -1)) {
        const rest = await streamed(path, { from: JSON.parse(JSON.stringify(cursor)) as Cursor })
        expect(rest.documents).toEqual(documents.slice(cursor.before.documents))
      }
    },
  )

  it('names documents as the whole file does where rows are left out', async () => {
    const rows = range(2000).map((i) => (i % 7 === 0 ? '{"text": 1}\n' : lines([row(i)])))
    const path = file('bad.jsonl', rows.join(''))
    const whole = await readDocuments(path, { labels: 'optional', skipBad: true })
    const { documents } = await streamed(path, { skipBad: true })
    expect(documents.map(({ id }) => id)).toEqual(whole.documents.map(({ id }) => id))
    await expect(streamed(path)).rejects.toThrow(expect.objectContaining({ code: 'data/bad-row' }) as Error)
  })

  it.each([
    ['empty', '', 'data/empty'],
    ['of rows that are all left out', '{"text": 1}\n', 'data/empty'],
    ['binary', Buffer.from([0, 1, 2, 3]), 'data/unknown-format'],
    ['Python', "[('Ann', {'entities': []})]", 'data/unknown-format'],
    ['one object over lines', '{\n"text": "Ann"\n}\n', 'data/unknown-format'],
  ])('refuses what reading whole refuses: %s', async (_, content, code) => {
    const path = file('refused', content)
    const coded = expect.objectContaining({ code }) as Error
    await expect(readDocuments(path, { labels: 'optional', skipBad: true })).rejects.toThrow(coded)
    await expect(streamed(path, { skipBad: true })).rejects.toThrow(coded)
  })

  it('tells of a file without labels, with the keys of its records', async () => {
    const notes: string[] = []
    const end = onReading(({ note }) => void notes.push(note))
    await streamed(file('bare.jsonl', lines(range(2000).map((i) => ({ text: `Ann ${i} ${filler}`, topic: 'x' })))))
    end()
    expect(notes).toEqual(['no document has labels; records have the keys text, topic'])
  })
})

describe('a writer of documents that come in pieces', () => {
  it.each(['conll', 'jsonl', 'doccano', 'label-studio', 'spacy'] as const)(
    'writes what is written at once: %s',
    async (format) => {
      const { documents } = await readDocuments(file('some.jsonl', lines(range(50).map(row))))
      const writer = documentWriter(format)
      const pieces = [documents.slice(0, 1), [], documents.slice(1, 30), documents.slice(30)].flatMap((some) => [
        ...writer.write(some),
      ])
      const whole = writeDocuments(documents, format)
      expect([...pieces, ...writer.end()].join('')).toBe(whole.pieces.join(''))
      expect(writer.losses()).toEqual(whole.losses)
    },
  )
})
