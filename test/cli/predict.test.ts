import { mkdtempSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { loadPredictor } from '../../src/inference/predict.js'
import { ner, withoutReader } from './invoke.js'

vi.mock('../../src/inference/predict.js', () => ({ loadPredictor: vi.fn() }))

const folder = mkdtempSync(join(tmpdir(), 'ner-predict-'))
const batchSizes: number[] = []

/** Finds every capitalised word; what models find is tested with the models. */
const predict = (texts: readonly string[]) => {
  batchSizes.push(texts.length)
  return Promise.resolve(
    texts.map((text) =>
      Array.from(text.matchAll(/\p{Lu}\w*/gu), ({ 0: word, index }) => ({
        entity_group: 'NAME',
        score: 0.9,
        word,
        start: index,
        end: index + word.length,
      })),
    ),
  )
}

beforeEach(() => {
  batchSizes.length = 0
  vi.mocked(loadPredictor).mockResolvedValue({ predict, predictDocuments: vi.fn(), close: () => Promise.resolve() })
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
    ['Latin-1', Buffer.from('Ann\nJos\xe9 and Bob', 'latin1'), /not UTF-8.*texts\.txt.*iconv/s],
    ['text that ends within a character', Buffer.from('Bob, José').subarray(0, -1), /not UTF-8.*texts\.txt.*iconv/s],
    ['gzip', gzipSync('Ann'), /gzipped.*texts\.txt.*gzip -dc/s],
  ])('refuses %s', async (_what, bytes, message) => {
    const path = file()
    writeFileSync(path, bytes)
    const { code, stdout, stderr } = await ner('predict', 'm', '--input', path)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(message) as string })
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
