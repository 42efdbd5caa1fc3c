import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatJsonl } from '../../src/data/formats/jsonl.js'
import { readDocuments } from '../../src/data/read.js'
import { simulate } from '../weak/models/simulate.js'
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
    .map(({ layers: { gold: _gold, ...layers }, ...document }) => ({ ...document, layers, fields: { source: 'news' } }))
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
    for (const { tokens, soft, layers, fields } of documents) {
      expect(fields).toEqual({ source: 'news' })
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
    ['a checked set without votes', () => ['--dev', file('checked.conll', 'Ann B-PER\nleft O\n')], /weak\/no-votes/],
    [
      'a checked set without the votes of a function',
      () => ['--dev', file('less.jsonl', readFileSync(dev, 'utf8').replaceAll('"poor"', '"rich"'))],
      /no layer of poor, and alone has a layer of rich\. \[weak\/different-votes\][^]*less\.jsonl/,
    ],
    [
      'a checked set with a span that cuts a word',
      () => ['--dev', file('cut.jsonl', '{"text": "Anna", "spans": [{"start": 0, "end": 2, "label": "X"}]}\n')],
      /data\/misaligned-span/,
    ],
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

describe('ner weak predict', () => {
  const saved = (name: string) => join(folder, name)
  const fitted = async (model: string) => {
    const { code } = await ner(
      ...['weak', 'fit', votes, '--dev', dev, '--model', model],
      ...['--out', saved('fitted.jsonl'), '--save', saved(`${model}.json`)],
    )
    expect(code).toBe(0)
    return saved(`${model}.json`)
  }
  const edited = async (edit: (json: Record<string, unknown>) => unknown) => {
    const model = JSON.parse(readFileSync(await fitted('hmm'), 'utf8')) as Record<string, unknown>
    return file('edited.json', JSON.stringify(edit(model)))
  }

  it.each(['majority', 'weighted', 'hmm'])('writes what fitting wrote, to the byte: %s', async (kind) => {
    const out = saved('predicted.jsonl')
    const { code, stdout } = await ner('weak', 'predict', await fitted(kind), votes, '--out', out, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ model: kind, documents: 80, sources: ['good', 'poor'] })
    expect(readFileSync(out).equals(readFileSync(saved('fitted.jsonl')))).toBe(true)
  })

  it('knows types that nobody votes for in the new text', async () => {
    const model = await fitted('hmm')
    const some = readFileSync(votes, 'utf8')
      .split('\n')
      .find((line) => line.includes('PER') && !line.includes('LOC'))!
    const out = saved('one.jsonl')
    expect((await ner('weak', 'predict', model, file('one-vote.jsonl', `${some}\n`), '--out', out)).code).toBe(0)
    const all = readFileSync(saved('fitted.jsonl'), 'utf8').split('\n')
    expect(all).toContain(readFileSync(out, 'utf8').trim())
  })

  it.each<[string, (json: Record<string, unknown>) => unknown, RegExp]>([
    ['another version', (json) => ({ ...json, version: 2 }), /at version[^]*edited\.json/],
    ['a kind there is not', (json) => ({ ...json, kind: 'best' }), /at kind/],
    ['a table of another size', (json) => ({ ...json, correlations: [[0]] }), /at correlations, expected 2 × 2/],
    ['a row that is no distribution', (json) => ({ ...json, initial: [1, 1] }), /at initial, expected shares that sum/],
    ['names out of order', (json) => ({ ...json, sources: ['poor', 'good'] }), /at sources, expected sorted/],
    ['a source without numbers', (json) => ({ ...json, confusions: {} }), /at confusions\.good/],
    ['no model', () => null, /weak\/bad-model/],
  ])('refuses %s', async (_, edit, message) => {
    const out = saved('none.jsonl')
    const { code, stderr } = await ner('weak', 'predict', await edited(edit), votes, '--out', out)
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
    expect(() => readFileSync(out)).toThrow()
  })

  it.each<[string, (line: string) => string, RegExp]>([
    ['a function less', (line) => line.replaceAll('"poor"', '"good"'), /no layer of poor/],
    ['a function more', (line) => line.replaceAll('"good":', '"other":[],"good":'), /layer of other/],
    ['another type', (line) => line.replaceAll('"PER"', '"PERSON"'), /vote for PERSON/],
  ])('refuses votes of %s', async (_, edit, message) => {
    const other = file('other.jsonl', edit(readFileSync(votes, 'utf8')))
    const { code, stderr } = await ner('weak', 'predict', await fitted('hmm'), other, '--out', saved('none.jsonl'))
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
    expect(stderr).toContain('weak/different-votes')
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
