import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Reject } from '../../src/data/source.js'
import { NerError } from '../../src/errors.js'
import { type Entry, type KnowledgeBaseOptions, readKnowledgeBase } from '../../src/gazetteer/knowledge-base.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-kb-'))

const columns = { surface: 'surface', type: 'type', id: 'id', aliases: 'aliases', popularity: 'popularity' }

async function read(file: string, options: Partial<KnowledgeBaseOptions> = {}): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of readKnowledgeBase(file, { columns, aliasSeparator: '|', ...options })) entries.push(entry)
  return entries
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const failure = async (path: string): Promise<NerError> => {
  try {
    await read(path)
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const rome = { surfaces: ['Rome', 'Roma'], type: 'LOC', id: 'Q220', popularity: 3 }
const oslo = { surfaces: ['Oslo'], type: 'LOC' }

const csv = 'surface,type,id,aliases,popularity\n"Rome",LOC,Q220,Roma,3\nOslo,LOC,,,\n'
const json = [
  { surface: 'Rome', type: 'LOC', id: 'Q220', aliases: ['Roma'], popularity: 3 },
  { surface: 'Oslo', type: 'LOC' },
]
const jsonl = json.map((entry) => `${JSON.stringify(entry)}\n`).join('')

describe('readKnowledgeBase', () => {
  it.each<[string, string | Uint8Array]>([
    ['a.csv', csv],
    ['b.csv', `\ufeff${csv.replaceAll('\n', '\r\n')}`],
    ['c.csv.gz', gzipSync(csv)],
    ['d.tsv', csv.replaceAll(',', '\t').replaceAll('"', '')],
    ['e.json', JSON.stringify(json)],
    ['e-marked.json', `\ufeff${JSON.stringify(json)}`],
    ['g-marked.jsonl', `\ufeff${jsonl}`],
    ['f.json.gz', gzipSync(JSON.stringify(json))],
    ['g.jsonl', jsonl],
    ['h.jsonl.gz', gzipSync(jsonl)],
  ])('reads %s', async (name, content) => {
    expect(await read(file(name, content))).toEqual([rome, oslo])
  })

  it('reads Parquet', async () => {
    // Made by test/golden/weak/knowledge_base.py.
    const path = new URL('../golden/weak/knowledge-base.parquet', import.meta.url).pathname
    expect(await read(path)).toEqual([rome, oslo])
  })

  it('reads skweak’s files: names, and names by type, each a text or its words', async () => {
    expect(await read(file('names.json', '["Ann", ["Bob", "Ray"]]'))).toEqual([
      { surfaces: ['Ann'] },
      { surfaces: [['Bob', 'Ray']] },
    ])
    expect(await read(file('typed.json', '{"GPE": ["Rome", ["New", "York"]], "ORG": ["IBM"]}'))).toEqual([
      { surfaces: ['Rome'], type: 'GPE' },
      { surfaces: [['New', 'York']], type: 'GPE' },
      { surfaces: ['IBM'], type: 'ORG' },
    ])
  })

  it('reads an EntityRuler’s phrases, and says where its token patterns belong', async () => {
    expect(await read(file('ruler.jsonl', '{"label": "ORG", "pattern": "Apple", "id": "apple"}\n'))).toEqual([
      { surfaces: ['Apple'], type: 'ORG', id: 'apple' },
    ])
    const error = await failure(file('tokens.jsonl', '{"label": "ORG", "pattern": [{"LOWER": "apple"}]}\n'))
    expect(error.detail.mend).toContain('token_patterns')
  })

  it('takes columns by other names', async () => {
    const path = file('named.csv', 'name;x,kind\nRome,LOC\n'.replace(';x', ''))
    expect(await read(path, { columns: { ...columns, surface: 'name', type: 'kind' } })).toEqual([
      { surfaces: ['Rome'], type: 'LOC' },
    ])
  })

  it.each<[string, string, string, RegExp, RegExp]>([
    [
      'a missing column',
      'missing.csv',
      'name,type\nRome,LOC\n',
      /no column surface; there are name, type/,
      /missing.csv:1$/,
    ],
    ['a missing key', 'missing.jsonl', '{"name": "Rome"}\n', /no column surface/, /missing.jsonl:1$/],
    ['too many cells', 'cells.csv', 'surface,type\nRome,LOC,x\n', /3 cells where the header has 2/, /cells.csv:2$/],
    ['an empty surface', 'empty.csv', 'surface,type\nOslo,LOC\n,LOC\n', /The surface is no text/, /empty.csv:3$/],
    ['a popularity in words', 'pop.csv', 'surface,popularity\nRome,many\n', /popularity is no number/, /pop.csv:2$/],
    ['a line that is no JSON', 'broken.jsonl', '{"surface": "Rome"}\n{"surf\n', /not JSON/, /broken.jsonl:2$/],
    [
      'a surface that is no text',
      'typed-bad.json',
      '{"LOC": ["Rome", 5]}',
      /no text: 5/,
      /typed-bad.json, LOC, item 2$/,
    ],
    ['names that are no list', 'shape.json', '{"LOC": "Rome"}', /“LOC” is not a list/, /shape.json$/],
    ['a file of one number', 'number.json', '5', /no list of names/, /number.json$/],
    ['an empty table', 'none.csv', '', /The file is empty/, /none.csv$/],
    ['an unclosed quote', 'quote.csv', 'surface\n"Rome\n', /Quote Not Closed|cannot be read/, /quote.csv/],
  ])('refuses %s, with its place', async (_, name, content, what, where) => {
    const error = await failure(file(name, content))
    expect(error.code).toMatch(/weak\/bad-entry|file\/unreadable/)
    expect(error.what).toMatch(what)
    expect(error.detail.where).toMatch(where)
    expect(error.detail.mend).toBeTruthy()
  })

  it('takes characters that lie in two chunks of a file', async () => {
    const names = Array.from({ length: 30_000 }, (_, i) => `${i}ë😀`)
    for (const [name, content] of [
      ['long.csv', `surface\n${names.join('\n')}\n`],
      ['long.json', JSON.stringify(names)],
    ] as const) {
      expect((await read(file(name, content))).map(({ surfaces }) => surfaces[0])).toEqual(names)
    }
  })

  it.each<[string, string, number]>([
    ['latin1.csv', 'surface\nZoë\n', 2],
    ['latin1.tsv', 'surface\ttype\nZoë\tPER\n', 2],
    ['latin1.json', '["Zoë"]', 1],
    ['latin1.jsonl', '{"surface": "Oslo"}\n{"surface": "Zoë"}\n', 2],
    // What a character that is cut short lacks is known at the end only.
    ['latin1-cut.csv', 'surface\nZoë', 2],
  ])('refuses what is not UTF-8: %s', async (name, content, line) => {
    const path = file(name, Buffer.from(content, 'latin1'))
    const error = await failure(path)
    expect(error).toMatchObject({
      code: 'file/unreadable',
      what: 'The file is not UTF-8 text: it looks like ISO-8859-1.',
    })
    expect(error.detail).toMatchObject({
      where: `${path}:${line}`,
      mend: expect.stringContaining('iconv') as string,
    })
  })

  it('refuses what is not there, is damaged, or has a name that says nothing', async () => {
    expect((await failure(join(folder, 'absent.csv'))).code).toBe('file/unreadable')
    expect((await failure(join(folder, 'absent.csv.gz'))).code).toBe('file/unreadable')
    expect((await failure(join(folder, 'absent.jsonl'))).code).toBe('file/unreadable')
    expect((await failure(file('cut.jsonl.gz', gzipSync(jsonl).subarray(0, 30)))).code).toBe('file/unreadable')
    expect((await failure(file('bad.parquet', 'PAR1 but no more'))).code).toBe('file/unreadable')
    expect((await failure(file('names.txt', 'Rome'))).code).toBe('data/unknown-format')
  })

  it('leaves bad rows out where asked to, and tells of each', async () => {
    const rejects: Reject[] = []
    const onReject = (reject: Reject) => void rejects.push(reject)
    const table = file('some.csv', 'surface,popularity\nOslo,1\n,2\nRome,x\nRome,1,1\n')
    expect(await read(table, { onReject })).toEqual([{ surfaces: ['Oslo'], popularity: 1 }])
    expect(rejects.map(({ where, raw }) => [where, raw])).toEqual([
      [`${table}:3`, ',2'],
      [`${table}:4`, 'Rome,x'],
      [`${table}:5`, 'Rome,1,1'],
    ])
    const lines = file('some.jsonl', '{"surface": "Oslo"}\n{\n7\n')
    expect(await read(lines, { onReject })).toEqual([{ surfaces: ['Oslo'] }])
    expect(rejects.slice(3).map(({ where }) => where)).toEqual([`${lines}:2`, `${lines}:3`])
  })
})
