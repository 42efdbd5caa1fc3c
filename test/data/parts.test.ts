import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { type PartOptions, partsOf, readPart } from '../../src/data/parts.js'
import { readDocuments } from '../../src/data/read.js'
import { NerError } from '../../src/errors.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-parts-'))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function read(path: string, options?: PartOptions) {
  const documents: Document[] = []
  let parts = 0
  for await (const part of partsOf(path, options)) {
    parts++
    documents.push(...readPart(part).documents)
  }
  return { documents, parts }
}

const failure = async (path: string, options?: PartOptions): Promise<NerError> => {
  try {
    await read(path, options)
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const range = (length: number) => Array.from({ length }, (_, i) => i)
const sentence = (i: number) => `Ann\tB-PER\nsaw\tO\n${i}\tO\n`
const contents: Record<string, string> = {
  'blocks.conll': range(60).map(sentence).join('\n'),
  'windows.conll': range(60).map(sentence).join('\n').replaceAll('\n', '\r\n'),
  'gaps.conll': `\n\n${range(60).map(sentence).join('\n\n\n')}\n\n`,
  'documents.conll': range(20)
    .map((i) => `-DOCSTART-\tO\n\n${sentence(i)}\n${sentence(i)}\n`)
    .join(''),
  'marked.conll': `\uFEFF${range(20)
    .map((i) => `-DOCSTART-\tO\n\n${sentence(i)}\n${sentence(i)}\n`)
    .join('')}`,
  'spans.jsonl': range(60)
    .map(
      (i) => `{"text": "Ann saw ${i} 😀.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}${i % 3 ? '\n' : '\n\n'}`,
    )
    .join(''),
  'unended.jsonl': '{"id": "a", "text": "Ann", "spans": []}\n{"text": "Bob", "spans": []}',
}

describe('files in parts', () => {
  it.each(Object.entries(contents))('of any size give the documents of the whole: %s', async (name, content) => {
    const path = file(name, content)
    const { documents } = await readDocuments(path)
    for (const size of [1, 40, 333, 1 << 20]) {
      const inParts = await read(path, { size })
      expect(inParts.documents).toEqual(documents)
      if (size === 40 && documents.length > 2) expect(inParts.parts).toBeGreaterThan(10)
    }
    expect((await read(file(`${name}.gz`, gzipSync(content)), { size: 100 })).documents).toEqual(documents)
  })

  it.each([
    ['a list', '[\n{"text": "Ann", "spans": []},\n{"text": "Bob", "spans": []}\n]\n'],
    ['spaCy', JSON.stringify([['Ann', { entities: [[0, 3, 'PER']] }]])],
    ['doccano', '{"id": 1, "text": "Ann", "label": [[0, 3, "PER"]]}\n'],
  ])('are the whole file where its documents stand on no lines of their own: %s', async (name, content) => {
    const path = file(name, content)
    const whole = await read(path, { size: 1 })
    expect(whole).toMatchObject({ parts: 1, documents: (await readDocuments(path)).documents })
  })

  it('have a document on each line of plain text', async () => {
    const path = file('plain.txt', 'Ann went to Rome .\n\n  \nBob did not .\r\n')
    for (const size of [1, 1000]) {
      expect((await read(path, { size })).documents).toEqual([
        { id: 'plain.txt:1', text: 'Ann went to Rome .', layers: {} },
        { id: 'plain.txt:2', text: 'Bob did not .', layers: {} },
      ])
    }
  })

  it('tell CoNLL from plain text by the last column, unless told', async () => {
    expect((await read(file('a.txt', 'Ann B-PER\nran O\n'))).documents).toHaveLength(1)
    expect((await read(file('b.txt', 'Ann ran\nBob sat\n'))).documents).toHaveLength(2)
    expect((await read(file('c.txt', 'Ann\nran\n'), { format: 'conll' })).documents[0]!.text).toBe('Ann ran')
  })

  it.each([
    ['a column too few', 'Ann\tB-PER\nran\nhome\tO\n', 'data/bad-row', ':2'],
    ['a column too many', 'Ann B-PER\nran fast O\n', 'data/bad-row', ':2'],
    ['what is no tag', 'Ann PER\nran O\nhome O\n', 'data/unknown-scheme', ':1'],
  ])('do not take columns or JSON for text: %s', async (_, content, code, line) => {
    const path = file('labelled', content)
    expect(await failure(path)).toMatchObject({ code, detail: { where: `${path}${line}` } })
    expect((await read(path, { format: 'text' })).documents[0]!.layers).toEqual({})
  })

  it('take text that begins with a bracket', async () => {
    expect((await read(file('bracket.txt', '[Laughter] Ann ran.\nO\n'))).documents).toHaveLength(2)
  })

  it('take gzip files that were written one after the other', async () => {
    const both = Buffer.concat([gzipSync('one\n'), gzipSync('two\n')])
    expect((await read(file('both.gz', both))).documents.map(({ text }) => text)).toEqual(['one', 'two'])
  })

  it('name the line of a bad row as if read whole', async () => {
    const path = file('bad.jsonl', `${contents['spans.jsonl']!}{"txt": 1}\n`)
    const line = contents['spans.jsonl']!.split('\n').length
    expect((await failure(path, { size: 100 })).detail.where).toBe(`${path}:${line}`)
    const rows = file('bad.conll', `${contents['blocks.conll']!}\nAnn\n`)
    expect((await failure(rows, { size: 100, format: 'conll' })).detail.where).toBe(`${rows}:241`)
  })

  it('refuse what is absent, empty, damaged or binary', async () => {
    expect((await failure(join(folder, 'absent'))).code).toBe('file/unreadable')
    expect((await failure(file('empty', ''))).code).toBe('data/empty')
    expect((await failure(file('blank', ' \n\n'))).code).toBe('data/empty')
    expect((await failure(file('cut.gz', gzipSync('Ann '.repeat(999)).subarray(0, 20)))).code).toBe('file/unreadable')
    expect((await failure(file('binary', new Uint8Array([1, 0, 2])))).code).toBe('data/unknown-format')
    expect((await failure(file('latin1.txt', Buffer.from('Zo\xeb\n', 'latin1')))).code).toBe('file/unreadable')
  })
})
