import { mkdtempSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { readDocuments } from '../../src/data/read.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { ner, withoutReader } from './invoke.js'

vi.mock('../../src/inference/predict.js', () => ({ loadPredictor: vi.fn() }))

const folder = mkdtempSync(join(tmpdir(), 'ner-predict-'))
const batchSizes: number[] = []

/** Finds every capitalised word; what models find is tested with the models. */
const predictDocuments = (documents: readonly Document[]) => {
  batchSizes.push(documents.length)
  return Promise.resolve(
    documents.map(({ text }) =>
      Array.from(text.matchAll(/\p{Lu}\w*/gu), ({ 0: word, index }) => ({
        label: 'NAME',
        score: 0.9,
        start: index,
        end: index + word.length,
      })),
    ),
  )
}

beforeEach(() => {
  batchSizes.length = 0
  vi.mocked(loadPredictor).mockResolvedValue({ predict: vi.fn(), predictDocuments, close: () => Promise.resolve() })
})

function file(...lines: string[]): string {
  const path = join(folder, 'texts.txt')
  writeFileSync(path, lines.join('\n'))
  return path
}

interface Row {
  text: string
  entities: { word: string; start: number; end: number }[]
  offset_unit: string
}

describe('ner predict', () => {
  it('writes a JSON object a line where it is not on a terminal, with offsets into the text as it stood', async () => {
    const texts = ['a 👍 for Ann', '', '42', 'Bob\tand Cy']
    const { code, stdout } = await ner('predict', 'm', ...texts)
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
    expect(code).toBe(0)
    expect(rows.map((row) => row.text)).toEqual(texts)
    expect(rows.map((row) => row.entities.map((entity) => entity.word))).toEqual([['Ann'], [], [], ['Bob', 'Cy']])
    for (const { text, entities } of rows) {
      for (const { word, start, end } of entities) expect(text.slice(start, end)).toBe(word)
    }
    expect(new Set(rows.map((row) => row.offset_unit))).toEqual(new Set(['utf16']))
  })

  it.each([[[]], [['One']], [['One', 'two', 'Three']]])('writes one JSON array: %j', async (texts) => {
    const { stdout } = await ner('predict', 'm', '--json', '--input', file(...texts))
    expect((JSON.parse(stdout) as Row[]).map((row) => row.text)).toEqual(texts)
  })

  it('writes tokens and tags, a blank line after each text', async () => {
    const { stdout } = await ner('predict', 'm', '--conll', 'So Ann,', ' ', 'yes')
    expect(stdout).toBe('So\tB-NAME\nAnn\tB-NAME\n,\tO\n\n\nyes\tO\n\n')
  })

  it('keeps lines in order and hands them on in batches', async () => {
    const lines = Array.from({ length: 600 }, (_, i) => `line ${i}`)
    const { stdout } = await ner('predict', 'm', '--input', file(...lines))
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Row).text),
    ).toEqual(lines)
    expect(batchSizes).toEqual([256, 256, 88])
  })

  it.each([
    ['a file that is not there', join(folder, 'none')],
    ['a folder', folder],
  ])('refuses %s, however long the model takes to load', async (_what, path) => {
    const predictor = await loadPredictor('m')
    vi.mocked(loadPredictor).mockImplementation(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return predictor
    })
    const { code, stderr } = await ner('predict', 'm', '--input', path)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/\[file\/unreadable\]/) as string })
  })

  it.each([
    ['Latin-1', Buffer.from('Ann\nJos\xe9 and Bob', 'latin1'), /not UTF-8.*ISO-8859-1.*texts\.txt:2\n.*iconv/s],
    [
      'text that ends within a character',
      Buffer.from('Bob, José').subarray(0, -1),
      /not UTF-8.*texts\.txt:1\n.*iconv/s,
    ],
    ['a gzip file that is cut short', gzipSync('Ann and Bob').subarray(0, 20), /gzip file is damaged.*texts\.txt/s],
  ])('refuses %s', async (_what, bytes, message) => {
    const path = file()
    writeFileSync(path, bytes)
    const { code, stdout, stderr } = await ner('predict', 'm', '--input', path)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(message) as string })
  })

  it('reads text that is gzipped', async () => {
    const path = join(folder, 'texts.txt.gz')
    writeFileSync(path, gzipSync('Ann\nand Bob'))
    const { stdout } = await ner('predict', 'm', '--input', path)
    expect(stdout.match(/"word":"\w+"/g)).toEqual(['"word":"Ann"', '"word":"Bob"'])
  })

  it('says which file was probably meant', async () => {
    file('Ann')
    const { code, stderr } = await ner('predict', 'm', '--input', join(folder, 'text.txt'))
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/Did you mean .*texts\.txt\?/) as string,
    })
  })

  describe('labelled data', () => {
    const rows = async (name: string, content: string, ...flags: string[]) => {
      const path = join(folder, name)
      writeFileSync(path, content)
      const { stdout } = await ner('predict', 'm', '--input', path, ...flags)
      return stdout
    }
    const json = (lines: string) =>
      lines
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Row & { id?: string; tokens?: object[] })

    it('of JSONL: the text is predicted on, and ids are kept', async () => {
      const content = '{"id": "a7", "text": "Jordan left."}\n{"id": "b", "text": "so did Nadia", "spans": []}\n'
      expect(json(await rows('a.jsonl', content))).toMatchObject([
        { id: 'a7', text: 'Jordan left.', entities: [{ word: 'Jordan', start: 0, end: 6 }] },
        { id: 'b', text: 'so did Nadia', entities: [{ word: 'Nadia' }] },
      ])
    })

    it('of columns: words stay words, as JSON and as columns', async () => {
      const content = 'Jordan\tO\nAir-\tO\nlines\tO\n\nso\tO\nNadia\tB-PER\n'
      const [first] = json(await rows('a.conll', content))
      expect(first).toMatchObject({ text: 'Jordan Air- lines', entities: [{ word: 'Jordan' }, { word: 'Air' }] })
      expect(first!.tokens).toEqual([
        { start: 0, end: 6 },
        { start: 7, end: 11 },
        { start: 12, end: 17 },
      ])
      // What the stand-in finds cuts “Air-”; a model's spans are whole words.
      const columns = await rows('b.conll', content.replace('Air-', 'air'), '--conll')
      expect(columns).toBe('Jordan\tB-NAME\nair\tO\nlines\tO\n\nso\tO\nNadia\tB-NAME\n\n')
    })

    it('of a JSON list, as Label Studio and spaCy write it', async () => {
      const tuples = JSON.stringify([['Jordan left.', { entities: [[0, 6, 'PER']] }]])
      expect(json(await rows('a.json', tuples))).toMatchObject([
        { text: 'Jordan left.', entities: [{ word: 'Jordan' }] },
      ])
    })

    it('of its own output: predictions are labels to every reader', async () => {
      const path = join(folder, 'own.jsonl')
      writeFileSync(path, await rows('c.jsonl', '{"text": "👍 Jordan left."}\n'))
      const { documents } = await readDocuments(path)
      expect(documents[0]).toMatchObject({
        text: '👍 Jordan left.',
        layers: { gold: [{ start: 3, end: 9, label: 'NAME', score: 0.9 }] },
      })
    })
  })

  it('reads characters and ends of lines that two chunks share, and the last line without one', async () => {
    // What is read at once is 64 KiB.
    const lines = [`${'é'.repeat(2 ** 15 - 1)}é`, 'x'.repeat(2 ** 16 - 4), 'a\u2028b', 'Ann']
    const { stdout } = await ner('predict', 'm', '--input', file(`a${lines.join('\r\n')}`))
    const texts = stdout.trimEnd().split('\n')
    expect(texts.map((line) => (JSON.parse(line) as Row).text)).toEqual([`a${lines[0]!}`, ...lines.slice(1)])
  })

  it('takes no byte order mark for text', async () => {
    const { stdout } = await ner('predict', 'm', '--input', file('\uFEFFAnn', 'Bob'))
    expect((JSON.parse(stdout.split('\n')[0]!) as Row).text).toBe('Ann')
  })

  it.each([
    [
      ['--', '-Ann', '--json'],
      ['-Ann', '--json'],
    ],
    [
      ['Bob', '--', '- Ann'],
      ['Bob', '- Ann'],
    ],
  ])('takes what follows -- for texts: %j', async (args, texts) => {
    const { stdout } = await ner('predict', 'm', ...args)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Row).text),
    ).toEqual(texts)
  })

  it('ends with 0, early, where its reader has gone', async () => {
    const lines = Array.from({ length: 600 }, (_, i) => `line ${i}`)
    const { code } = await withoutReader('predict', 'm', '--input', file(...lines))
    expect([code, batchSizes]).toEqual([0, [256]])
  })

  it('says how to give a text that begins with a dash', async () => {
    const { code, stderr } = await ner('predict', 'm', '- Ann')
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/goes after --/) as string })
  })
})
