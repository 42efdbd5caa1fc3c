import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { parseDocuments, readDocuments } from '../../src/data/read.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-read-'))
afterAll(() => rmSync(folder, { recursive: true }))

const conll = 'Ann B-PER\nwent O\n'
const jsonl = '{"text": "Ann", "spans": []}\n'

describe('readDocuments', () => {
  it('reads a file, plain or gzipped, and hashes its bytes', async () => {
    for (const [name, bytes] of [
      ['plain.txt', Buffer.from(conll)],
      ['zipped.txt.gz', gzipSync(conll)],
    ] as const) {
      writeFileSync(join(folder, name), bytes)
      const corpus = await readDocuments(join(folder, name))
      expect(corpus).toMatchObject({ format: 'conll', scheme: 'IOB2', rejects: [] })
      expect(corpus.hash).toBe(createHash('sha256').update(bytes).digest('hex'))
      expect(corpus.documents.map(({ id, text }) => [id, text])).toEqual([[`${name.replace('.gz', '')}:1`, 'Ann went']])
    }
  })

  it('says which file cannot be read', async () => {
    const missing = join(folder, 'missing')
    await expect(readDocuments(missing)).rejects.toMatchObject({ code: 'file/unreadable', detail: { where: missing } })
    await expect(readDocuments(folder)).rejects.toMatchObject({ code: 'file/unreadable' })
  })
})

describe('parseDocuments', () => {
  const parse = (text: string | Buffer) => parseDocuments(Buffer.from(text), 'f')

  it.each([
    [jsonl, 'jsonl'],
    [`\uFEFF\n${jsonl}`, 'jsonl'],
    [conll, 'conll'],
    ['{ O\n} O\n', 'conll'],
    ['[ O\n" O\n', 'conll'],
  ])('tells the format of %j by its content', (text, format) => {
    expect(parse(text).format).toBe(format)
  })

  it.each<[string, string | Buffer, string]>([
    ['no bytes', '', 'data/empty'],
    ['blank lines', '\n \r\n\t\n', 'data/empty'],
    ['a mark and nothing else', '\uFEFF', 'data/empty'],
    ['nothing but a document start', '-DOCSTART- O\n', 'data/empty'],
    ['JSON over several lines', '{\n"text": "a"\n}', 'data/unknown-format'],
    ['UTF-16', Buffer.from(conll, 'utf16le'), 'data/unknown-format'],
    ['Latin-1', Buffer.from('Zoë B-PER\n', 'latin1'), 'file/unreadable'],
    ['a gzip file cut short', gzipSync(conll.repeat(99)).subarray(0, 30), 'file/unreadable'],
  ])('refuses %s', (_, text, code) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }) as Error)
  })

  it('says what was wrong where everything was left out', () => {
    const skip = () => parseDocuments(Buffer.from('Ann\n'), 'f', { skipBad: true })
    expect(skip).toThrow(/All 1 were left out: The row has one column/)
  })
})

/** Sentences and entities as the data's authors publish them. */
const published = [
  ['conll2003/eng.train', 'IOB1', 946, 14041, 23499],
  ['conll2003/eng.testa', 'IOB1', 216, 3250, 5942],
  ['conll2003/eng.testb', 'IOB1', 231, 3453, 5648],
  ['conllpp/test.txt', 'IOB2', 231, 3453, 5702],
  ['wnut17/train.conll', 'IOB2', 3394, 3394, 1975],
  ['wnut17/test.conll', 'IOB2', 1287, 1287, 1079],
  ['wikigold/wikigold.conll', 'IOB1', 145, 1696, 3558],
  ['wikiann-en/dev.txt', 'IOB2', 10000, 10000, 14146],
] as const

describe.each(published)('%s', (path, scheme, documentCount, sentenceCount, spanCount) => {
  const file = new URL(`../../../shared/data/${path}`, import.meta.url).pathname
  it.skipIf(!existsSync(file))(`has its published counts (skipped where ../shared/data is absent)`, async () => {
    const { documents, scheme: detected } = await readDocuments(file)
    const sum = (count: (document: (typeof documents)[number]) => number) =>
      documents.reduce((total, document) => total + count(document), 0)
    expect({
      detected,
      documents: documents.length,
      sentences: sum(({ sentences }) => sentences?.length ?? 1),
      spans: sum(({ layers }) => layers['gold']!.length),
    }).toEqual({ detected: scheme, documents: documentCount, sentences: sentenceCount, spans: spanCount })
  })
})
