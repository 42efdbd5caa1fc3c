import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ner } from './invoke.js'

let scratch: string
const run = (name: string, f1: number) => {
  mkdirSync(join(scratch, name))
  writeFileSync(join(scratch, name, 'all_results.json'), JSON.stringify({ test_overall_f1: f1 }))
  return join(scratch, name)
}

beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), 'ner-weak-curve-'))))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('ner weak curve', () => {
  it('helps', async () => {
    const { code, stdout } = await ner('weak', 'curve', '--help')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })

  it('shows both curves by labelled sentences, and writes the report', async () => {
    const report = join(scratch, 'curve.html')
    const runs = ['--gold', `100=${run('a', 0.6)}`, '--gold', `1000=${run('b', 0.8)}`, '--weak', `0=${run('c', 0.7)}`]
    const { code, stdout } = await ner('weak', 'curve', ...runs, '--report', report)
    expect(code).toBe(0)
    expect(stdout).toMatchInlineSnapshot(`
      "F1 on test, by labelled sentences  alone  with weak labels  as many alone
      0                                                    70.00            316
      100                                60.00
      1,000                              80.00
      "
    `)
    expect(readFileSync(report, 'utf8')).toContain('<svg')
    const json = await ner('weak', 'curve', ...runs, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      split: 'test',
      weak: [{ sentences: 0, worth: { sentences: 316 } }],
    })
  })

  it.each(['none', '0=runs/a', 'x=runs/a', '5='])('refuses --gold %s', async (value) => {
    const { code, stderr } = await ner('weak', 'curve', '--gold', value, '--weak', '0=runs/b')
    expect(code).toBe(2)
    expect(stderr).toContain('For example: --gold 500=runs/gold-500')
  })

  it('says which folder is no run', async () => {
    const { code, stderr } = await ner('weak', 'curve', '--gold', '1=none', '--weak', '0=none')
    expect(code).toBe(2)
    expect(stderr).toContain(join('none', 'all_results.json'))
  })
})
