import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import type { Document, Span } from '../../src/data/document.js'
import { readDocuments } from '../../src/data/read.js'
import { shown } from '../data/words.js'
import { ner } from './invoke.js'

vi.mock('../../src/inference/predict.js', () => ({
  loadPredictor: () => Promise.resolve({ predictDocuments, close }),
}))
vi.mock('../../src/inference/version.js', () => ({ modelVersion: () => '1' }))
vi.mock('../../src/artifacts/model.js', () => ({
  loadModel: () => Promise.resolve({ tagger: { tags: ['O', 'B-PERSON', 'I-PERSON', 'B-PLACE', 'I-PLACE'] } }),
}))

const close = () => Promise.resolve()

/** A model that finds every Ann, more or less surely. */
const predictDocuments = (documents: readonly Document[]) =>
  Promise.resolve(
    documents.map(({ text }) =>
      Array.from(text.matchAll(/Ann/g), ({ index }): Span => ({
        start: index,
        end: index + 3,
        label: 'PERSON',
        score: index === 0 ? 0.9 : 0.4,
      })),
    ),
  )

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ner-weak-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const config = (functions: object, labels: readonly string[] = ['LOC', 'PER']) =>
  file('weak.yaml', stringify({ labels, functions }))

const names = { kind: 'regex', label: 'PER', patterns: '\\b(?:Ann|Bob)\\b' }
const places = { kind: 'regex', label: 'LOC', patterns: '\\bRome\\b' }

/** Applies functions to texts, a line each, and gives the documents with their layers. */
async function apply(functions: object, text: string, ...flags: string[]) {
  const out = join(folder, 'out.jsonl')
  const input = file('in.txt', text)
  const outcome = await ner(
    'weak',
    'apply',
    config(functions),
    '--input',
    input,
    '--out',
    out,
    '--threads',
    '1',
    ...flags,
  )
  const documents = outcome.code === 0 ? (await readDocuments(out, { labels: 'optional' })).documents : []
  const layers = documents.map((document) =>
    Object.fromEntries(Object.entries(document.layers).map(([name, spans]) => [name, shown(document, spans)])),
  )
  return { ...outcome, documents, layers }
}

describe('ner weak apply', () => {
  it('writes a layer for each function, and says what it did', async () => {
    file('kb.json', '{"CITY": ["Rome", "Oslo"]}')
    const functions = {
      names,
      cities: { kind: 'knowledge_base', files: 'kb.json', types: { CITY: 'LOC' } },
      titles: {
        kind: 'token_patterns',
        label: 'PER',
        patterns: [[{ LOWER: 'mrs', CONTEXT: true }, { IS_TITLE: true }]],
      },
      nobody: { kind: 'regex', label: 'O', patterns: '\\bthe\\b' },
      again: { kind: 'document', rule: 'elsewhere', sources: ['titles'] },
    }
    const { code, stdout, layers } = await apply(
      functions,
      'Ann saw Mrs Peel in Rome\nand Peel saw the 😀 Bob, not Mrs Peel\n',
    )
    expect(code).toBe(0)
    expect(layers).toEqual([
      { names: ['Ann PER'], cities: ['Rome LOC'], titles: ['Peel PER'], nobody: [], again: [] },
      { names: ['Bob PER'], cities: [], titles: ['Peel PER'], nobody: ['the O'], again: ['Peel PER'] },
    ])
    expect(stdout).toMatch(/names +2\n/)
    expect(stdout).toMatch(/2 documents: .*out\.jsonl/)
  })

  it('keeps people’s labels and other layers, words and ids', async () => {
    const input = file(
      'in.jsonl',
      '{"id": "x", "text": "Ann", "spans": [{"start": 0, "end": 3, "label": "PER"}], "layers": {"old": []}}',
    )
    const out = join(folder, 'out.jsonl.gz')
    await ner('weak', 'apply', config({ names, places }), '--input', input, '--out', out, '--threads', '1')
    expect(JSON.parse(gunzipSync(readFileSync(out)).toString())).toMatchObject({
      id: 'x',
      spans: [{ start: 0, end: 3, label: 'PER' }],
      layers: { old: [], names: [{ start: 0, end: 3, label: 'PER' }], places: [] },
    })
  })

  it('gives the same bytes with any number of threads', async () => {
    const text = Array.from(
      { length: 12_000 },
      (_, i) => `${i} Ann went with Bob to Rome ${'and on '.repeat(10)}\n`,
    ).join('')
    const input = file('long.txt', text)
    const written: string[] = []
    for (const threads of ['1', '2']) {
      const out = join(folder, `out-${threads}.jsonl`)
      const { code } = await ner(
        'weak',
        'apply',
        config({ names, places }),
        '--input',
        input,
        '--out',
        out,
        '--threads',
        threads,
      )
      expect(code).toBe(0)
      written.push(readFileSync(out, 'utf8'))
    }
    expect(written[0]!.split('\n')).toHaveLength(12_001)
    expect(written[1] === written[0]).toBe(true)
  })

  it('runs JavaScript and TypeScript modules', async () => {
    file(
      'a.mjs',
      'export default ({ text }) => text.startsWith("Ann") ? [{ start: 0, end: 3, label: "PER" }] : undefined',
    )
    file(
      'b.ts',
      'export const lines = async (d: { text: string }) => new Set([{ start: 0, end: d.text.length, label: "O" }])',
    )
    const { layers } = await apply(
      {
        places,
        js: { kind: 'module', file: 'a.mjs', labels: 'PER' },
        ts: { kind: 'module', file: 'b.ts', export: 'lines', labels: ['O'] },
      },
      'Ann\nno Ann',
    )
    expect(layers).toEqual([
      { places: [], js: ['Ann PER'], ts: ['Ann O'] },
      { places: [], js: [], ts: ['no Ann O'] },
    ])
  })

  it('asks models, under our labels', async () => {
    const model = { kind: 'model', folder: 'm', types: { PERSON: 'PER' }, min_score: 0.5 }
    expect((await apply({ places, model }, 'Ann met Ann')).layers).toEqual([{ places: [], model: ['Ann PER'] }])
    const { stderr } = await apply({ places, model: { ...model, types: { PERSN: 'PER' } } }, 'Ann')
    expect(stderr).toMatch(/does not know PERSN.*\[weak\/unproduced-type\]/)
  })

  it('stops at a module that fails, with its name and the document, or goes on without it', async () => {
    file('bad.mjs', 'export default ({ text }) => { if (text === "Bob") throw new Error("no Bobs"); return [] }')
    const functions = { names, places, picky: { kind: 'module', file: 'bad.mjs', labels: 'PER' } }
    const stopped = await apply(functions, 'Ann\nBob')
    expect(stopped.code).toBe(2)
    expect(stopped.stderr).toMatch(
      /function picky failed: no Bobs. \[weak\/function-failed\]\n.*bad.mjs, document in.txt:2/,
    )
    expect(readdirSync(folder).filter((name) => name.includes('out'))).toEqual([])
    const { code, layers, stderr } = await apply(functions, 'Ann\nBob', '--keep-going')
    expect(code).toBe(0)
    expect(layers).toEqual([
      { names: ['Ann PER'], places: [], picky: [] },
      { names: ['Bob PER'], places: [] },
    ])
    expect(stderr).toMatch(/failed 1 times:\n.*picky.*in.txt:2/)
  })

  it.each([
    ['no stretch of the text', '[{ start: 0, end: 99, label: "PER" }]', /no stretch of the text/],
    ['a label that it may not give', '[{ start: 0, end: 1, label: "ORG" }]', /label is none of PER, O/],
    ['something else', '7', /failed: /],
  ])('refuses a module that gives %s', async (_, result, what) => {
    file('odd.mjs', `export default () => (${result})`)
    const { code, stderr } = await apply({ places, odd: { kind: 'module', file: 'odd.mjs', labels: 'PER' } }, 'Ann')
    expect(code).toBe(2)
    expect(stderr).toMatch(what)
  })

  it.each(['-1', '1.5', '100000'])('refuses %s threads', async (threads) => {
    const input = file('in.txt', 'Ann\n')
    const out = join(folder, 'refused.jsonl')
    const args = ['--input', input, '--out', out, '--threads', threads]
    const { code, stderr } = await ner('weak', 'apply', config({ names }, ['PER']), ...args)
    expect(code).toBe(2)
    expect(stderr).toContain(`There cannot be ${threads} threads.`)
    expect(existsSync(out)).toBe(false)
  })

  it('leaves out bad rows of knowledge bases and of the input, and writes them beside the output', async () => {
    file('kb.csv', 'surface,type\nRome,LOC\nOslo\n')
    const functions = { names, cities: { kind: 'knowledge_base', files: 'kb.csv' } }
    const input = file('in.jsonl', '{"text": "Rome"}\n{"txt": "Rome"}\n')
    const out = join(folder, 'out.jsonl')
    const args = ['weak', 'apply', config(functions), '--input', input, '--out', out, '--threads', '1']
    const stopped = await ner(...args)
    expect(stopped.stderr).toMatch(/kb.csv:3/)
    expect(existsSync(out)).toBe(false)
    const { code, stderr } = await ner(...args, '--skip-bad')
    expect(code).toBe(0)
    expect(stderr).toContain('rejects.jsonl')
    const rejects = readFileSync(`${out}.rejects.jsonl`, 'utf8').trimEnd().split('\n')
    expect(rejects.map((line) => (JSON.parse(line) as { where: string }).where)).toEqual([
      join(folder, 'kb.csv:3'),
      `${input}:2`,
    ])
  })

  it.each<[string, object, RegExp, RegExp]>([
    ['an unknown kind', { f: { kind: 'regexp' } }, /one of regex, token_patterns/, /weak.yaml:6/],
    ['an unknown key', { f: { ...names, pattern: 'a' } }, /no key functions.f.pattern/, /Did you mean patterns/],
    [
      'an unknown column key',
      { f: { kind: 'knowledge_base', files: 'k.csv', columns: { surfac: 'x' } } },
      /columns.surfac/,
      /surface/,
    ],
    ['a missing key', { f: { kind: 'regex', label: 'PER' } }, /functions.f.patterns is wrong/, /weak.yaml:5/],
    ['a function called gold', { gold: names }, /can be called gold/, /weak.yaml:5/],
    ['look-around', { f: { ...names, patterns: ['a', 'a(?=b)'] } }, /uses look-around/, /weak.yaml:10/],
    [
      'a bad token pattern',
      { f: { kind: 'token_patterns', label: 'PER', patterns: [[{ LOWR: 'a' }]] } },
      /attribute LOWR/,
      /pattern 1, token 1/,
    ],
    [
      'a token pattern without a label',
      { f: { kind: 'token_patterns', patterns: [[{ LOWER: 'a' }]] } },
      /has no label/,
      /pattern 1/,
    ],
    [
      'both patterns and a file',
      { f: { kind: 'token_patterns', patterns: [], file: 'x' } },
      /either patterns or a file/,
      /weak.yaml/,
    ],
    ['a label that is none of ours', { places, f: { ...names, label: 'PERS' } }, /votes for PERS/, /Did you mean PER/],
    ['a label that nobody votes for', { places }, /No function votes for PER/, /functions vote for LOC/],
    [
      'a source that is not above',
      { names, places, f: { kind: 'document', rule: 'majority', sources: ['nams'] } },
      /no function nams above/,
      /Did you mean names/,
    ],
    [
      'a module that is not there',
      { names, places, f: { kind: 'module', file: 'no.mjs', labels: 'PER' } },
      /cannot be loaded/,
      /no.mjs/,
    ],
    ['a group that is not there', { f: { ...names, group: 3 } }, /no group 3/, /weak.yaml/],
  ])('refuses %s, with its place', async (_, functions, what, place) => {
    const { code, stderr } = await apply(functions, 'Ann')
    expect(code).toBe(2)
    expect(stderr).toMatch(what)
    expect(stderr).toMatch(place)
    expect(existsSync(join(folder, 'out.jsonl'))).toBe(false)
  })

  it('reads an EntityRuler’s patterns as they are, and names the line of a bad one', async () => {
    file(
      'rules.jsonl',
      '{"label": "LOC", "pattern": "New York", "id": "ny"}\n{"label": "PER", "pattern": [{"LOWER": "ann"}]}\n',
    )
    const rules = { kind: 'token_patterns', file: 'rules.jsonl' }
    expect((await apply({ rules }, 'ANN in New York')).layers).toEqual([{ rules: ['ANN PER', 'New York LOC'] }])
    file('rules.jsonl', '{"label": "LOC", "pattern": "New York"}\n{"label": "PER", "pattern": [{"LOWER": 7}]}\n')
    expect((await apply({ rules }, 'Ann')).stderr).toMatch(/rules.jsonl:2, token 1, LOWER/)
  })

  it.each<[string, object]>([
    ['rules.jsonl', { kind: 'token_patterns', file: 'rules.jsonl' }],
    ['stop.txt', { kind: 'knowledge_base', files: 'kb.json', label: 'PER', stop_files: ['stop.txt'] }],
  ])('refuses Latin-1 in %s, and takes a byte-order mark', async (name, f) => {
    const content = '{"label": "PER", "pattern": "Zoë"}\n'
    file('kb.json', '["Zoë"]')
    file(name, `\uFEFF${content}`)
    expect((await apply({ places, f }, 'Zoë in Rome')).layers).toEqual([{ places: ['Rome LOC'], f: ['Zoë PER'] }])
    writeFileSync(join(folder, name), Buffer.from(content, 'latin1'))
    expect((await apply({ places, f }, 'Zoë')).stderr).toMatch(new RegExp(`not UTF-8[^]*${name}`))
  })

  it('shows its help', async () => {
    expect((await ner('weak', 'apply', '--help')).stdout).toMatchSnapshot()
  })
})
