import { beforeEach, describe, expect, it, vi } from 'vitest'
import { bootstrap, countSpans, scoreSpans } from '../../src/data/scoring.js'
import { evaluate, type FileEvaluation } from '../../src/evaluation/evaluate.js'
import { ner, withoutReader } from './invoke.js'

vi.mock('../../src/evaluation/evaluate.js', () => ({ evaluate: vi.fn() }))

const span = (label: string) => ({ start: 0, end: 1, label })
const gold = [[span('PER')], [span('LOC')], [span('LOC')]]

function scored(...found: { start: number; end: number; label: string }[][]) {
  const units = gold.map((spans, i) => countSpans(spans, found[i]!))
  const scores = scoreSpans(gold, found)
  return { scores, intervals: bootstrap(units, { seed: 1 }), conlleval: scores }
}

/** F1 by the CRF 4/5, by argmax 1/2. */
const evaluation: FileEvaluation = {
  crf: scored([span('PER')], [span('LOC')], []),
  argmax: scored([span('PER')], [], []),
  characters: { gold: 40, found: 30 },
  confusion: { labels: [], cells: [] } as never,
  wrong: [],
  unreachable: [],
  dataHash: 'abc',
}

const { crf: _crf, ...withoutCrf } = evaluation

beforeEach(() => void vi.mocked(evaluate).mockResolvedValue(evaluation))

describe('ner eval', () => {
  it('shows both decodings side by side, with intervals', async () => {
    const { code, stdout } = await ner('eval', 'm', 'd')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })

  it('shows one where there is no CRF', async () => {
    vi.mocked(evaluate).mockResolvedValue({ ...withoutCrf })
    const { stdout } = await ner('eval', 'm', 'd')
    expect(stdout).toMatchSnapshot()
  })

  it('prints JSON under the names that metric files use', async () => {
    const { stdout } = await ner('eval', 'm', 'd', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      mode: 'strict',
      decoding: 'crf',
      overall_precision: 1,
      overall_f1: 0.8,
      character_recall: 0.75,
      unreachable: 0,
      LOC: { precision: 1, recall: 0.5, number: 2 },
      decodings: { crf: { overall_f1: 0.8 }, argmax: { overall_f1: 0.5 } },
    })
  })

  it.each([
    ['0.8', 0],
    ['0.81', 1],
    ['0', 0],
  ])('with --min-f1 %s ends with %i', async (gate, code) => {
    const outcome = await ner('eval', 'm', 'd', '--min-f1', gate)
    expect(outcome.code).toBe(code)
    expect(outcome.stderr).toMatch(code === 1 ? /F1 is 80\.00, below the gate of 81\.00/ : /^$/)
    expect(outcome.stdout).toMatch(/all/)
  })

  it('keeps to its gate where its reader has gone', async () => {
    const { code, stderr } = await withoutReader('eval', 'm', 'd', '--min-f1', '0.81')
    expect([code, stderr]).toEqual([1, 'F1 is 80.00, below the gate of 81.00.\n'])
    expect((await withoutReader('eval', 'm', 'd')).code).toBe(0)
  })
})
