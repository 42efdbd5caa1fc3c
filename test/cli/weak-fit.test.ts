import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatJsonl } from '../../src/data/jsonl.js'
import { readDocuments } from '../../src/data/read.js'
import { simulate } from '../weak/simulate.js'
import { ner } from './invoke.js'

let folder: string
let votes: string
let dev: string

const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ner-weak-fit-'))
  const sources = { good: { accuracy: 0.9, coverage: 0.8 }, poor: { accuracy: 0.5, coverage: 0.9, spurious: 0.05 } }
  const documents = simulate(120, sources)
  const unlabelled = documents
    .slice(40)
    .map(({ layers: { gold: _gold, ...layers }, ...document }) => ({ ...document, layers }))
  votes = file('votes.jsonl', [...formatJsonl(unlabelled)].join(''))
  dev = file('dev.jsonl', [...formatJsonl(documents.slice(0, 40))].join(''))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('ner weak fit', () => {
  it('writes spans and distributions that read back, the same bytes each time', async () => {
    const out = join(folder, 'weak.jsonl')
    const fit = () =>
      ner('weak', 'fit', votes, '--dev', dev, '--out', out, '--save', join(folder, 'model.json'), '--json')
    const { code, stdout } = await fit()
    expect(code).toBe(0)
    const summary = JSON.parse(stdout) as { dev: { overall_f1: number }; dev_majority: { overall_f1: number } }
    expect(summary.dev.overall_f1).toBeGreaterThan(summary.dev_majority.overall_f1)
    const { documents } = await readDocuments(out)
    expect(documents).toHaveLength(80)
    for (const { tokens, soft, layers } of documents) {
      expect(soft!.rows).toHaveLength(tokens!.length)
      expect(Object.keys(layers)).toEqual(['gold'])
    }
    expect(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))).toMatchObject({
      kind: 'hmm',
      sources: ['good', 'poor'],
    })
    const first = readFileSync(out)
    await fit()
    expect(readFileSync(out).equals(first)).toBe(true)
  })

  it.each([
    ['a checked set without labels', () => ['--dev', votes], /weak\/no-checked/],
    ['an empty checked set', () => ['--dev', file('empty.jsonl', '')], /data\/empty/],
    ['a model there is not', () => ['--model', 'best'], /usage\/bad-flag/],
  ])('refuses %s and writes nothing', async (_, flags, message) => {
    const out = join(folder, 'none.jsonl')
    const { code, stderr } = await ner('weak', 'fit', votes, '--out', out, ...flags())
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
    expect(() => readFileSync(out)).toThrow()
  })

  it('refuses documents without votes', async () => {
    const plain = file('plain.jsonl', '{"text": "Ann", "spans": []}\n')
    const { code, stderr } = await ner('weak', 'fit', plain, '--out', join(folder, 'none.jsonl'))
    expect([code, stderr]).toEqual([2, expect.stringContaining('Run ner weak apply first')])
  })
})

describe('ner weak analyse', () => {
  it('prints a table and writes a report', async () => {
    const report = join(folder, 'votes.html')
    const { code, stdout } = await ner('weak', 'analyse', votes, '--dev', dev, '--report', report)
    expect(code).toBe(0)
    expect(stdout).toMatch(/good LOC +\d/)
    expect(stdout).toMatch(/checked spans +precision/)
    expect(readFileSync(report, 'utf8')).toContain('<h2>Agreement</h2>')
  })

  it('gives JSON', async () => {
    const { stdout } = await ner('weak', 'analyse', votes, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ sources: ['good', 'poor'], documents: 80 })
  })
})
