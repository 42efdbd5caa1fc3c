import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { applyFixes } from '../../../src/data/checks/fix.js'
import { validate } from '../../../src/data/checks/validate.js'
import { findWords } from '../../../src/text/words.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-validate-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const options = { words: findWords, minLabelCount: 1 }
const span = (start: number, end: number, label = 'PER') => ({ start, end, label })
const row = (text: string, ...spans: unknown[]) => `${JSON.stringify({ text, spans })}\n`

const check = async (content: string) => (await validate([file('f', content)], options))[0]!

describe('validate', () => {
  it.each([
    ['a row that is no JSON', 'row', '{"text": \n', false],
    ['an end outside the text', 'offset', row('Ann', span(0, 9)), false],
    [
      'half a surrogate pair',
      'offset',
      '{"text":"🙂 a","spans":[{"start":1,"end":4,"label":"X"}],"offset_unit":"utf16"}\n',
      false,
    ],
    ['a span of no length', 'empty', row('Ann', span(1, 1)), true],
    ['a span of white space', 'empty', row('Ann met', span(3, 4)), true],
    ['white space at an end', 'whitespace', row('Ann met', span(0, 4)), true],
    ['a cut word', 'misaligned', row('Anna met', span(0, 3)), false],
    ['an overlap', 'overlapping', row('Ann Lee', span(0, 3), span(0, 7)), false],
    ['a span given twice', 'overlapping', row('Ann', span(0, 3), span(0, 3)), true],
    ['a text given twice', 'duplicate', row('Ann', span(0, 3)).repeat(2), true],
    ['a text labelled twice, differently', 'conflict', row('Ann', span(0, 3)) + row('Ann'), false],
    ['a word labelled differently', 'inconsistent', row('Ann', span(0, 3)) + row('O Ann', span(2, 5, 'LOC')), false],
    ['an orphan I-', 'scheme', 'Ann B-PER\nLee I-PER\n\nBo B-PER\n\nthe O\nLee I-PER\n', true],
    ['a row without a tag', 'row', 'Ann B-PER\n\nLee\n', false],
  ])('finds %s', async (_, kind, content, safe) => {
    const { findings } = await check(content + (content.startsWith('{') ? row('Another text.') : ''))
    expect(findings.map((finding) => [finding.kind, finding.fix !== undefined])).toEqual([[kind, safe]])
    expect(findings[0]!.mend).toBeTruthy()
  })

  it('says where, and what to write instead', async () => {
    const { findings } = await check('Ann B-PER\n\nBo B-PER\n\nthe O\nLee I-PER\n')
    expect(findings).toMatchObject([
      { document: 'f:3', where: `${join(folder, 'f')}:6`, start: 4, end: 7, mend: 'Write B-PER.' },
    ])
  })

  it('finds labels that are rare', async () => {
    const { findings } = (await validate([file('f', row('Ann', span(0, 3)))], { ...options, minLabelCount: 2 }))[0]!
    expect(findings).toMatchObject([{ kind: 'rare', start: 0, end: 3 }])
  })

  it('finds texts that are in two files, exactly and nearly', async () => {
    const text = 'The mayor of the town thanked all her guests for the long journey they had made.'
    const [train, test] = [
      file('train', row(text) + row('Ann left.')),
      file('test', row(text.replace('The', 'A')) + row('Ann  left.')),
    ]
    const [, found] = await validate([train, test], options)
    expect(found!.findings.map(({ kind, document }) => [kind, document])).toEqual([
      ['leak', 'test:2'],
      ['near leak', 'test:1'],
    ])
  })

  it('takes a token with a blank inside for what it is', async () => {
    expect((await check('Dubbz\uFEFF\tB-PER\n')).findings).toEqual([])
  })
})

describe('applyFixes', () => {
  it('leaves nothing that was safe to mend, and touches nothing else', async () => {
    const content = [
      row('Ann met', span(0, 4), span(0, 4), span(3, 4)),
      row('Anna met', span(0, 3)),
      row('Twice.').repeat(2),
    ].join('')
    const { documents, applied } = applyFixes(await check(content))
    expect(applied).toHaveLength(5)
    expect(documents.map(({ layers }) => layers['gold'])).toEqual([[span(0, 3)], [span(0, 3)], []])
  })

  it('reads broken tags as the conlleval script does', async () => {
    const { documents } = applyFixes(await check('Ann B-PER\n\nBo B-PER\n\nthe O\nLee I-PER\n'))
    expect(documents[2]!.layers['gold']).toEqual([{ start: 4, end: 7, label: 'PER' }])
  })

  it('finds what training would stop at: a scheme that cannot be told', async () => {
    const { findings } = await check('A I-PER\nB B-PER\nC O\n\nD B-PER\nE I-PER\n\nF O\nG I-LOC\n')
    const found = findings.filter(({ kind }) => kind === 'scheme')
    expect(found[0]).not.toHaveProperty('fix')
    expect(found).toMatchObject([
      { what: expect.stringContaining('IOB2') as string, mend: expect.stringContaining('`scheme`') as string },
    ])
  })

  it('lists the spans that it had to leave out', async () => {
    const { documents, rejects } = applyFixes(await check(row('Ann', span(0, 9), span(0, 3))))
    expect(documents[0]!.layers['gold']).toHaveLength(1)
    expect(rejects).toMatchObject([{ what: expect.stringContaining('0–9') as string }])
  })
})

describe('offsets in messages count what the file counts', () => {
  it.each([
    ['code_point', [3, 6], '3–10'],
    ['utf16', [5, 8], '5–12'],
    ['byte', [9, 12], '9–16'],
  ] as const)('%s', async (offset_unit, [start, end], mend) => {
    const path = join(mkdtempSync(join(tmpdir(), 'ner-units-')), 'a.jsonl')
    const spans = [{ start, end, label: 'PER' }]
    writeFileSync(path, JSON.stringify({ id: 'x', text: '😀😀 Annabel lives', spans, offset_unit }))
    const [file] = await validate([path])
    const finding = file!.findings.find(({ kind }) => kind === 'misaligned')!
    expect([finding.start, finding.end]).toEqual([start, end])
    expect(finding.mend).toContain(mend)
  })
})

it('labels that differ in case, or in what nobody sees, are told of', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'ner-labels-')), 'a.jsonl')
  const labels = ['PER', 'PER', 'PER ', 'per', 'PER\u200B', 'PERSON']
  const rows = labels.map((label, i) => ({ text: `Ann${i} left`, spans: [{ start: 0, end: 4, label }] }))
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'))
  const [file] = await validate([path], { minLabelCount: 0 })
  expect(file!.findings.flatMap(({ kind, what }) => (kind === 'alike' ? [what] : []))).toEqual([
    '"PER " (1) and "PER" are two labels.',
    '"per" (1) and "PER" are two labels.',
    `"PER\u200B" (1) and "PER" are two labels.`,
  ])
})
