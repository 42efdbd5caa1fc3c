import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { namesIn, readGazetteer, swapEntities } from '../../../src/compress/distill/swap.js'
import type { Document } from '../../../src/data/document.js'
import { readUnlabelled } from '../../../src/data/unlabelled.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-transfer-'))
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

describe('unlabelled text', () => {
  it('is a text on each line', async () => {
    const { documents } = await readUnlabelled(file('a.txt', 'Ann went home.\n\n  It rained in Oslo. \nI got an O\n'))
    expect(documents.map(({ text }) => text)).toEqual(['Ann went home.', 'It rained in Oslo.', 'I got an O'])
    expect(documents.every(({ layers }) => Object.keys(layers).length === 0)).toBe(true)
  })

  it('is JSONL or CoNLL, whose labels are not read', async () => {
    const spans = [{ start: 0, end: 3, label: 'PER' }]
    const jsonl = await readUnlabelled(
      file('b.jsonl', `${JSON.stringify({ text: 'Ann left.', spans })}\n{"text":"Bare."}\n`),
    )
    expect(jsonl.documents.map(({ text, layers }) => [text, layers])).toEqual([
      ['Ann left.', {}],
      ['Bare.', {}],
    ])
    const conll = await readUnlabelled(file('c.conll', 'Ann B-PER\nleft O\n\nBob B-PER\n'))
    expect(conll.documents.flatMap(({ tokens }) => tokens).length).toBe(3)
    expect(conll.documents[0]!.layers).toEqual({})
  })

  it('is not taken for text where a row of its columns is bad', async () => {
    await expect(readUnlabelled(file('bad.conll', 'Ann B-PER\nleft\nhome O\n'))).rejects.toThrow(/bad\.conll:2/)
  })

  it('is text too where its first line begins with a bracket', async () => {
    const texts = async (content: string) =>
      (await readUnlabelled(file('brackets.txt', content))).documents.map(({ text }) => text)
    expect(await texts('[Laughter] Ann left.\nBob stayed.\n')).toEqual(['[Laughter] Ann left.', 'Bob stayed.'])
    expect(await texts('{sic} Ann left.\n')).toEqual(['{sic} Ann left.'])
    expect(await texts('[\n{"text": "Ann left."}\n]\n')).toEqual(['Ann left.'])
    await expect(texts('{\n  "text": "Ann left."\n}\n')).rejects.toThrow(/several lines/)
  })

  it('may be gzipped, as text and as data', async () => {
    const zipped = (name: string, content: string) => {
      writeFileSync(join(folder, name), gzipSync(content))
      return readUnlabelled(join(folder, name))
    }
    const plain = await zipped('a.txt.gz', 'Ann left.\n')
    expect(plain.documents.map(({ id, text }) => [id, text])).toEqual([['a.txt:1', 'Ann left.']])
    expect(plain.hash).toBe(createHash('sha256').update(gzipSync('Ann left.\n')).digest('hex'))
    expect((await zipped('b.jsonl.gz', '{"text": "Ann left."}\n')).documents.map(({ text }) => text)).toEqual([
      'Ann left.',
    ])
  })

  it.each(['', '\n \n', '{"text": ""}\n{"text": " "}\n'])('is refused where there is none: %j', async (content) => {
    await expect(readUnlabelled(file('empty.txt', content))).rejects.toThrow(/data\/empty/)
  })

  it('is refused where it cannot be read', async () => {
    await expect(readUnlabelled(join(folder, 'nowhere'))).rejects.toThrow(/file\/unreadable/)
  })
})

const document: Document = {
  id: 'd',
  text: 'Ann Lee met Bob in Oslo. He left.',
  tokens: [
    [0, 3],
    [4, 7],
    [8, 11],
    [12, 15],
    [16, 18],
    [19, 23],
    [23, 24],
    [25, 27],
    [28, 32],
    [32, 33],
  ].map(([start, end]) => ({ start: start!, end: end! })),
  sentences: [
    { start: 0, end: 7 },
    { start: 7, end: 10 },
  ],
  layers: {
    gold: [
      { start: 0, end: 7, label: 'PER' },
      { start: 12, end: 15, label: 'PER' },
      { start: 19, end: 23, label: 'LOC' },
    ],
  },
}

describe('swapped entities', () => {
  it('come from the training data, by type', () => {
    expect([...namesIn([document], 'gold')]).toEqual([
      ['PER', ['Ann Lee', 'Bob']],
      ['LOC', ['Oslo']],
    ])
  })

  it('stand where the others stood, with words, sentences and spans that fit', () => {
    const names = new Map([
      ['PER', ['Maria del Mar']],
      ['LOC', ['Rio']],
    ])
    const [swapped] = swapEntities([document], 'gold', names, 1)
    const { text, tokens, sentences, layers } = swapped!
    expect(text).toBe('Maria del Mar met Maria del Mar in Rio. He left.')
    expect(tokens!.map(({ start, end }) => text.slice(start, end))).toEqual([
      'Maria',
      'del',
      'Mar',
      'met',
      'Maria',
      'del',
      'Mar',
      'in',
      'Rio',
      '.',
      'He',
      'left',
      '.',
    ])
    expect(sentences).toEqual([
      { start: 0, end: 10 },
      { start: 10, end: 13 },
    ])
    expect(layers['gold']!.map(({ start, end, label }) => `${label} ${text.slice(start, end)}`)).toEqual([
      'PER Maria del Mar',
      'PER Maria del Mar',
      'LOC Rio',
    ])
  })

  it('are drawn by the seed, and leave out documents that have none', () => {
    const names = new Map([['PER', ['A', 'B', 'C', 'D']]])
    const plain = { ...document, layers: { gold: [] } }
    const texts = (seed: number) => swapEntities([document, plain], 'gold', names, seed).map(({ text }) => text)
    expect(texts(1)).toEqual(texts(1))
    expect(texts(1)).toHaveLength(1)
    expect(new Set([1, 2, 3, 4, 5].flatMap(texts)).size).toBeGreaterThan(1)
    const [{ text, layers } = document] = swapEntities([document], 'gold', names, 1)
    expect(layers['gold']!.map(({ start, end }) => text.slice(start, end))[2]).toBe('Oslo')
  })

  it('come from a gazetteer', () => {
    const read = (name: string, content: string) => readGazetteer(file(name, content), ['PER', 'LOC'])
    const { names, file: own, hash } = read('names.json', '{"PER": [" Zoe "], "ORG": ["X"]}')
    expect(names.get('PER')).toEqual(['Zoe'])
    expect(own).toBe('names.json')
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(() => read('bad.json', '{"PER": "Zoe"}')).toThrow(/data\/bad-row/)
    expect(() => read('worse.json', 'PER: Zoe')).toThrow(/file\/unreadable/)
    expect(() => read('blank.json', '{"PER": ["Zoe", " "]}')).toThrow(/name is blank[^]*blank\.json, PER, 1/)
    expect(() => read('others.json', '{"per": ["Zoe"]}')).toThrow(/data\/empty[^]*Types are PER, LOC/)
  })
})
