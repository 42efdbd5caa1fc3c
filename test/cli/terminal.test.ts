import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { printable, printableLine } from '../../src/terminal.js'
import { ner } from './invoke.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-terminal-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Sets a terminal's title, and clears it; the second begins with one character of eight bits. */
const escapes = '\u001b]0;title\u0007\u009b2J\u202e'
const label = `PER${escapes}`

function labelled(name: string, labels: readonly string[]): string {
  const rows = labels.map((one, i) => ({
    id: `id${escapes}${i}`,
    text: 'Ann Lee met Bo.',
    spans: [
      { start: 0, end: 3, label: one },
      { start: 2, end: 6, label: one },
    ],
  }))
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return join(folder, name)
}

describe('what would steer a terminal', () => {
  it('is shown as JSON writes it, in lines and in texts', () => {
    expect(printable('a\u001b[2J\tb\nc\u007f\u0085')).toBe('a\\u001b[2J\tb\nc\\u007f\\u0085')
    expect(printableLine('a\tb\nc')).toBe('a b\\u000ac')
    expect(printable('Zażółć مرحبا 😀')).toBe('Zażółć مرحبا 😀')
  })

  const [a, b] = [labelled(`a${escapes}.jsonl`, [label, label]), labelled('b.jsonl', [label, 'ORG'])]
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `training: {"epochs\\e]0;x\\a": 3}\n`)
  it.each([
    [['data', 'stats', a, b]],
    [['data', 'stats', a, '--json']],
    [['data', 'validate', a, b]],
    [['data', 'validate', a, '--json']],
    [['agree', a, b]],
    [['data', 'convert', a, '--to', 'conll', '--out', join(folder, 'out.conll')]],
    [['data', 'stats', join(folder, `absent${escapes}`)]],
    [['train', config]],
    [['data', 'stats', a, `--unknown${escapes}`]],
    [[`data${escapes}`]],
  ])('is not in what a command says: %j', async (line) => {
    const { stdout, stderr } = await ner(...line)
    // eslint-disable-next-line no-control-regex
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(`${stdout}${stderr}`).toContain('\\u001b')
    if (line.includes('--json')) expect(JSON.stringify(JSON.parse(stdout))).toContain('2J')
  })

  it('stays in data', async () => {
    const { stdout } = await ner('data', 'convert', b, '--to', 'jsonl')
    expect((JSON.parse(stdout.split('\n')[0]!) as { spans: { label: string }[] }).spans[0]!.label).toBe(label)
    expect(stdout).toContain('\u202e')
  })
})
