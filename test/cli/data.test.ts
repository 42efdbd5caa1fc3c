import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ner } from './invoke.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-data-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = (name: string) => join(folder, name)
function file(name: string, content: string): string {
  writeFileSync(path(name), content)
  return path(name)
}
const fixture = (name: string) => new URL(`../data/fixtures/${name}`, import.meta.url).pathname
const conll = 'Ann\tB-PER\nleft\tO\n\nBo\tB-PER\n\n'

describe('help', () => {
  it.each(['convert', 'validate', 'stats', 'split'])('data %s', async (command) => {
    const { code, stdout } = await ner('data', command, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })
})

describe('data convert', () => {
  it('writes a file and says what it cannot hold', async () => {
    const out = path('tasks.json')
    const { code, stdout } = await ner('data', 'convert', fixture('prodigy.jsonl'), '--to', 'spacy', '--out', out)
    expect(code).toBe(0)
    expect(stdout.replaceAll(folder, '').replaceAll(fixture(''), '')).toMatchSnapshot()
    expect(JSON.parse(readFileSync(out, 'utf8'))).toHaveLength(2)
    expect(readFileSync(`${out}.rejects.jsonl`, 'utf8')).toContain('ignore')
  })

  it('gives the same bytes there and back', async () => {
    const source = file('a.conll', conll)
    expect((await ner('data', 'convert', source, '--to', 'jsonl', '--out', path('a.jsonl'))).code).toBe(0)
    expect((await ner('data', 'convert', path('a.jsonl'), '--to', 'conll')).stdout).toBe(conll)
  })

  it('stops at a span that columns cannot hold, or lists it', async () => {
    const source = file('cut.jsonl', '{"text":"Anna left","spans":[{"start":0,"end":3,"label":"PER"}]}\n')
    const stopped = await ner('data', 'convert', source, '--to', 'conll', '--out', path('cut.conll'))
    expect(stopped).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cuts a word.*data\/misaligned-span/s) as string,
    })
    expect(existsSync(path('cut.conll'))).toBe(false)
    const skipped = await ner('data', 'convert', source, '--to', 'conll', '--out', path('cut.conll'), '--skip-bad')
    expect(skipped.code).toBe(0)
    expect(readFileSync(path('cut.conll'), 'utf8')).toBe('Anna\tO\nleft\tO\n\n')
    expect(readFileSync(path('cut.conll.rejects.jsonl'), 'utf8')).toContain('“Ann” at 0–3')
  })

  const wrong = '{"text":"🙂 Ann","spans":[{"start":3,"end":6,"label":"PER","text":"Ann"}]}\n'
  it.each([
    ['an unknown format', ['--to', 'xml'], conll, /--to is "xml", but takes/],
    [
      'Python code',
      ['--to', 'jsonl'],
      'DATA = [("Ann left", {"entities": [(0, 3, "PER")]})]\n',
      /Python code, not JSON/,
    ],
    [
      'an end outside the text',
      ['--to', 'conll'],
      '{"text":"Ann","spans":[[0,9,"PER"]]}\n',
      /0–9 lies outside the text/,
    ],
    [
      'half a surrogate pair',
      ['--to', 'conll', '--offset-unit', 'utf16'],
      '{"text":"🙂","spans":[[0,1,"X"]]}\n',
      /inside a surrogate pair/,
    ],
    ['the wrong unit', ['--to', 'conll'], wrong, /read it with --offset-unit utf16/],
    [
      'words that are not there',
      ['--to', 'conll'],
      wrong.replace('"text":"Ann"', '"text":"Bob"'),
      /Is the text the one/,
    ],
    ['--skip-bad without an output', ['--to', 'jsonl', '--skip-bad'], conll, /Name the output with --out/],
  ])('refuses %s', async (_, flags, content, message) => {
    const { code, stdout, stderr } = await ner('data', 'convert', file('bad', content), ...flags)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('reads the unit that it is told', async () => {
    const source = file('unit.jsonl', wrong)
    const { code, stdout } = await ner('data', 'convert', source, '--to', 'spacy', '--offset-unit', 'utf16')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual([['🙂 Ann', { entities: [[2, 5, 'PER']] }]])
  })
})

describe('data validate', () => {
  const bad = '{"text":"Ann left","spans":[[0,4,"PER"]]}\n{"text":"Anna left","spans":[[0,3,"PER"]]}\n'

  it('lists what is wrong, and exits 1 where training would stop', async () => {
    const { code, stdout } = await ner('data', 'validate', file('bad.jsonl', bad))
    expect(code).toBe(1)
    expect(stdout.replaceAll(folder, '')).toMatchSnapshot()
  })

  it('writes a mended copy, and lists what it mended', async () => {
    const { stdout } = await ner('data', 'validate', file('mend.jsonl', bad), '--fix')
    expect(stdout).toMatch(/mend\.fixed\.jsonl: mended 1\n.*white space at an end/)
    expect(readFileSync(path('mend.fixed.jsonl'), 'utf8')).toMatch(/"start":0,"end":3.*\n.*"start":0,"end":3/)
    expect(readFileSync(path('mend.jsonl'), 'utf8')).toBe(bad)
  })

  it('mends tags alone where asked, and deletes no document', async () => {
    const rows = 'On O\n3 I-DATE\nMay B-DATE\n\nIda B-PER\nran O\n\nIda B-PER\nran O\n'
    const { stdout } = await ner('data', 'validate', file('tags.conll', rows), '--fix', 'tags')
    expect(stdout).toMatch(/tags\.fixed\.conll: mended 1\n/)
    const mended = readFileSync(path('tags.fixed.conll'), 'utf8')
    expect(mended).toContain('3\tB-DATE')
    expect(mended.match(/Ida/g)).toHaveLength(2)
  })

  it('gives every finding as JSON', async () => {
    const { stdout } = await ner('data', 'validate', file('bad.jsonl', bad), '--json')
    const [only] = (JSON.parse(stdout) as { files: { findings: { kind: string; safe: boolean }[] }[] }).files
    expect(only!.findings.map(({ kind, safe }) => [kind, safe])).toEqual([
      ['whitespace', true],
      ['misaligned', false],
      ['rare', false],
    ])
  })

  it('exits 0 where there is nothing to mend', async () => {
    const { code, stdout } = await ner('data', 'validate', file('good', conll), '--min-label-count', '1')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '2 documents, nothing to mend.\n' })
  })
})

describe('data stats', () => {
  it('shows a column for each file, and writes a report', async () => {
    const [a, b] = [file('a.conll', conll), file('b.conll', conll.repeat(2))]
    const { code, stdout } = await ner('data', 'stats', a, b, '--report', path('stats.html'))
    expect(code).toBe(0)
    // The columns are as wide as the names of the files.
    expect(stdout.replaceAll(folder, '').replace(/ {2,}/g, '  ')).toMatchSnapshot()
    expect(readFileSync(path('stats.html'), 'utf8')).toContain('Sentences by length')
  })

  it('prints JSON, whose keys are spelled as in all other files', async () => {
    const { stdout } = await ner('data', 'stats', file('a.conll', conll), '--json')
    const [counted] = JSON.parse(stdout) as Record<string, unknown>[]
    expect(Object.keys(counted!).filter((key) => !/^[a-z0-9_]+$/.test(key))).toEqual([])
    expect(counted).toMatchObject({ tokens_per_document: { max: expect.any(Number) as number }, span_lengths: {} })
  })
})

describe('data split', () => {
  const names = Array.from({ length: 20 }, (_, i) => `Name${i}\tB-PER\nleft\tO\n\n`).join('')

  it('writes the parts, and the same ones again', async () => {
    const source = file('all.conll', names)
    const { code, stdout } = await ner('data', 'split', source, '--out', path('parts'))
    expect(code).toBe(0)
    expect(stdout.replaceAll(folder, '')).toMatchSnapshot()
    const parts = ['train', 'dev', 'test'].map((name) => readFileSync(path(`parts/${name}.conll`), 'utf8'))
    expect(parts.join('').split('\n').sort()).toEqual(names.split('\n').sort())
    await ner('data', 'split', source, '--out', path('again'))
    expect(readFileSync(path('again/train.conll'), 'utf8')).toBe(parts[0])
  })

  it('divides votes too, which are no labels', async () => {
    const votes = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({ id: `${i}`, text: `Name${i}`, layers: { a: [] } }),
    )
    const { code } = await ner('data', 'split', file('votes.jsonl', votes.join('\n')), '--out', path('votes'))
    expect(code).toBe(0)
    expect(readFileSync(path('votes/train.jsonl'), 'utf8')).toContain('"layers":{"a":[]}')
  })

  it.each([
    ['shares that are none', ['--shares', '0.8,x'], names, /two or three positive numbers/],
    ['too few texts', [], conll, /too few texts for a/],
  ])('refuses %s', async (_, flags, content, message) => {
    const { code, stderr } = await ner('data', 'split', file('few', content), '--out', path('none'), ...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(existsSync(path('none'))).toBe(false)
  })
})
