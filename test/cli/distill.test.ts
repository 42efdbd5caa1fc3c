import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { distill } from '../../src/compress/distill/distill.js'
import { NerError } from '../../src/errors.js'
import { bootstrap, countSpans, scoreSpans } from '../../src/data/scoring.js'
import { checkComparable, compareModels, type ModelProfile } from '../../src/evaluation/compare.js'
import { ner } from './invoke.js'

vi.mock('../../src/compress/distill/distill.js', () => ({ distill: vi.fn() }))
vi.mock('../../src/evaluation/compare.js', async (original) => ({
  ...(await original<object>()),
  checkComparable: vi.fn(),
  compareModels: vi.fn(),
}))

const span = (label: string) => ({ start: 0, end: 1, label })
const gold = [[span('PER')], [span('LOC')], [span('LOC')]]

/** A model that finds the first so many of three spans. */
function profile(folder: string, found: number): ModelProfile {
  const predicted = gold.map((spans, i) => (i < found ? spans : []))
  const scores = scoreSpans(gold, predicted)
  return {
    name: folder,
    folder,
    parameters: found * 1e6,
    bytes: found * 2 ** 22,
    latency: { p50: found * 2.5, p95: found * 4 },
    wordsPerSecond: 3000 / found,
    scores,
    intervals: bootstrap(
      gold.map((spans, i) => countSpans(spans, predicted[i]!)),
      { seed: 1 },
    ),
    wrong: gold.flatMap((spans, i) =>
      i < found ? [] : [{ text: `sentence ${i}`, where: 'd', gold: spans, predicted: [] }],
    ),
  }
}

let out: string
const flags = () => ['--layers', '6', '--train', 'a', '--dev', 'b', '--test', 'c', '--out', out]

beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'ner-cli-distill-'))
  vi.mocked(distill).mockImplementation(async function* () {
    await Promise.resolve()
    yield { kind: 'teaching', teacher: 't', sentences: 1, of: 2 }
    return { output: out, interrupted: false, warnings: [], results: {} }
  })
  vi.mocked(compareModels).mockResolvedValue([profile('teacher', 3), profile('student', 2), profile('other', 1)])
})

describe('ner distill', () => {
  it('shows teacher and student side by side, and writes the same for reading', async () => {
    const { code, stdout } = await ner('distill', 'teacher', ...flags(), '--compare', 'other')
    expect(code).toBe(0)
    expect(stdout.replaceAll(out, 'OUT')).toMatchSnapshot()
    expect(vi.mocked(compareModels).mock.lastCall![0]).toEqual(['teacher', out, 'other'])
    expect(vi.mocked(compareModels).mock.lastCall![1]).toBe('c')
    const report = readFileSync(join(out, 'comparison.html'), 'utf8')
    expect(report).toContain('sentence 2')
    expect(report).not.toContain('sentence 0')
    expect(JSON.parse(readFileSync(join(out, 'comparison.json'), 'utf8'))).toMatchObject({
      f1_drop: expect.closeTo(20, 9) as number,
    })
  })

  it('hands over teachers and configuration', async () => {
    await ner('distill', 'one', 'two', ...flags(), '--hidden', '192', '--unlabeled', 'u', '--set', 'training.epochs=30')
    const [teachers, config] = vi.mocked(distill).mock.lastCall!
    expect(teachers).toEqual(['one', 'two'])
    expect(config).toMatchObject({
      output: out,
      data: { train: 'a', dev: 'b', test: 'c' },
      training: { epochs: 30 },
      distill: { num_hidden_layers: 6, hidden_size: 192, unlabeled: ['u'] },
    })
  })

  it('looks at what is to be compared before it trains, and reads the data as the run does', async () => {
    const reading = ['--set', 'data.scheme=IOB1', '--set', 'data.format=conll', '--set', 'data.layer=checked']
    await ner('distill', 'teacher', ...flags(), '--compare', 'other', ...reading)
    const read = { scheme: 'IOB1', format: 'conll', layer: 'checked' }
    expect(vi.mocked(checkComparable).mock.lastCall).toEqual([['other'], 'c', expect.objectContaining(read)])
    expect(vi.mocked(compareModels).mock.lastCall![2]).toMatchObject(read)
    vi.mocked(distill).mockClear()
    vi.mocked(checkComparable).mockRejectedValueOnce(new NerError('model/missing-file', 'The folder is not there.'))
    const { code, stderr } = await ner('distill', 'teacher', ...flags(), '--compare', 'nowhere')
    expect([code, stderr]).toEqual([2, expect.stringContaining('The folder is not there.')])
    expect(distill).not.toHaveBeenCalled()
  })

  it('compares on dev without a test set, and refuses to start where there is neither', async () => {
    const common = ['distill', 'teacher', '--train', 'a', '--out', out]
    await ner(...common, '--dev', 'b')
    expect(vi.mocked(compareModels).mock.lastCall![1]).toBe('b')
    const { code, stderr } = await ner(...common)
    expect(code).toBe(2)
    expect(stderr).toMatch(/--dev or --test/)
  })

  it.each([
    ['20', 0],
    ['19.9', 1],
  ])('a drop of 20 points passes or fails the gate of %s', async (gate, expected) => {
    const { code, stderr } = await ner('distill', 'teacher', ...flags(), '--max-f1-drop', gate)
    expect(code).toBe(expected)
    expect(stderr.includes('the student lost, in points, is 20.00, above the gate of 19.90')).toBe(expected === 1)
  })

  describe('with --resume', () => {
    const weights = (name: string) => {
      const folder = join(out, name)
      mkdirSync(folder)
      writeFileSync(join(folder, 'model.safetensors'), name)
      return folder
    }
    const finished = (run: object) => {
      writeFileSync(join(out, 'run.json'), JSON.stringify({ finished: true, ...run }))
      vi.mocked(distill).mockClear()
    }
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const resume = (...teachers: string[]) => ner('distill', ...teachers, ...flags(), '--resume', '--max-f1-drop', '19')

    it('a finished student that was not compared is compared, and held to its gate', async () => {
      finished({ teachers: [{ sha256: hash('teacher') }] })
      const { code, stdout } = await resume(weights('teacher'))
      expect(code).toBe(1)
      expect(distill).not.toHaveBeenCalled()
      expect(stdout).toContain('comparison.html')
      expect(existsSync(join(out, 'comparison.json'))).toBe(true)
      // Now nothing is left to be done: the run says so.
      await resume(join(out, 'teacher'))
      expect(distill).toHaveBeenCalledOnce()
    })

    it.each<[string, object]>([
      ['of another teacher', { teachers: [{ sha256: hash('another') }] }],
      ['of no teacher', {}],
    ])('a finished run %s is not', async (_, run) => {
      finished(run)
      await resume(weights('teacher'))
      expect(distill).toHaveBeenCalledOnce()
    })
  })
})
