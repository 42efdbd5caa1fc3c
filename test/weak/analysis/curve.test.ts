import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { learningCurves } from '../../../src/weak/analysis/curve.js'
import { curveReport } from '../../../src/weak/analysis/curve-report.js'

let scratch: string

beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), 'ner-curve-'))))
afterAll(() => rmSync(scratch, { recursive: true }))

let runs = 0
function run(sentences: number, scores: object) {
  const folder = join(scratch, String(runs++))
  mkdirSync(folder)
  writeFileSync(join(folder, 'all_results.json'), JSON.stringify(scores))
  return { sentences, folder }
}
const tested = (sentences: number, f1: number) => run(sentences, { test_overall_f1: f1, eval_overall_f1: 0.99 })

describe('learning curves', () => {
  it('are sorted by sentences, whatever the order of the runs', () => {
    const { split, gold } = learningCurves([tested(1000, 0.8), tested(100, 0.6)], [tested(0, 0.7)])
    expect(split).toBe('test')
    expect(gold.map(({ sentences, f1 }) => [sentences, f1])).toEqual([
      [100, 0.6],
      [1000, 0.8],
    ])
  })

  it('say how many labelled sentences alone reach the same F1', () => {
    const gold = [tested(100, 0.6), tested(1000, 0.8), tested(10_000, 0.9)]
    const worth = (f1: number) => learningCurves(gold, [tested(0, f1)]).weak[0]!.worth
    // Half way on a logarithmic scale.
    expect(worth(0.7)).toEqual({ sentences: 316 })
    expect(worth(0.85)).toEqual({ sentences: 3162 })
    expect(worth(0.9)).toEqual({ sentences: 10_000 })
    expect(worth(0.91)).toEqual({ above: 10_000 })
    expect(worth(0.6)).toEqual({ below: 100 })
    expect(worth(0.5)).toEqual({ below: 100 })
  })

  it('compare on dev where a run was not tested, and refuse to mix', () => {
    const untested = run(50, { eval_overall_f1: 0.5 })
    expect(learningCurves([tested(100, 0.6)], [untested])).toMatchObject({
      split: 'dev',
      gold: [{ f1: 0.99 }],
      weak: [{ f1: 0.5 }],
    })
    expect(() => learningCurves([run(1, { test_overall_f1: 0.5 })], [untested])).toThrow('not scored on')
  })

  it('name the folder that is no run', () => {
    expect(() => learningCurves([{ sentences: 1, folder: join(scratch, 'none') }], [])).toThrow(/none.*all_results/)
  })
})

describe('the report', () => {
  it('draws both curves and lists every run', () => {
    const html = curveReport(learningCurves([tested(100, 0.6), tested(1000, 0.8)], [tested(0, 0.7), tested(100, 0.85)]))
    expect(html.match(/<path class="curve /g)).toHaveLength(2)
    expect(html.match(/<circle/g)).toHaveLength(4)
    expect(html).toContain('&gt; 1,000')
    expect(html).not.toMatch(/<script|https?:/)
  })
})
