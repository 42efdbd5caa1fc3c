import { beforeEach, describe, expect, it, vi } from 'vitest'
import { quantize } from '../../src/compress/quantize/quantize.js'
import type { Quantized } from '../../src/compress/quantize/result.js'
import { dropsBetween } from '../../src/compress/quantize/gates.js'
import { scoresFromCounts } from '../../src/data/scoring.js'
import { ner } from './invoke.js'

vi.mock('../../src/compress/quantize/quantize.js', async (original) => ({
  ...(await original<object>()),
  quantize: vi.fn(),
}))

const before = scoresFromCounts(new Map([['PER', { tp: 95, fp: 5, fn: 5 }]]))
const after = scoresFromCounts(new Map([['PER', { tp: 94, fp: 5, fn: 6 }]]))
const result: Quantized = {
  output: 'runs/ner-int8',
  method: 'auto',
  cpu: 'avx2',
  quantized: ['a', 'b'],
  float: ['c'],
  balanced: [],
  costs: [{ layer: 'c', drops: { overall: 0.4, perType: { PER: 0.4 } }, divergence: 0.0123 }],
  bytes: { before: 90 * 2 ** 20, after: 57 * 2 ** 20 },
  dev: { before, after, drops: dropsBetween(before, after) },
  failures: [],
}

const gives = (quantized: Quantized) =>
  vi.mocked(quantize).mockImplementation(async function* () {
    yield 'measuring in float'
    return await Promise.resolve(quantized)
  })

beforeEach(() => void gives(result))

describe('ner quantize', () => {
  it('shows the model, its size, its layers, and F1 before and after', async () => {
    const { code, stdout, stderr } = await ner('quantize', 'runs/ner', '--dev', 'dev.conll')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
    expect(stderr).toBe('measuring in float\n')
  })

  it('passes on what it is asked for', async () => {
    await ner('quantize', 'm', '--method', 'static', '--calib', 'c', '--calibration', 'entropy', '--cpu', 'vnni')
    expect(quantize).toHaveBeenLastCalledWith(
      'm',
      expect.objectContaining({ method: 'static', calib: 'c', calibration: 'entropy', cpu: 'vnni', qatSteps: 0 }),
    )
    await ner('quantize', 'm', '--embeddings', '--dev', 'd', '--max-f1-drop', '0.5')
    expect(quantize).toHaveBeenLastCalledWith(
      'm',
      expect.objectContaining({
        method: 'dynamic',
        cpu: undefined,
        embeddings: true,
        maxF1Drop: 0.5,
        perTypeMaxDrop: 1,
      }),
    )
  })

  it('prints JSON', async () => {
    const { stdout } = await ner('quantize', 'm', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      output: 'runs/ner-int8',
      int8_layers: ['a', 'b'],
      float_layers: ['c'],
      metrics: { before: { overall_f1: before.micro.f1 }, after: { overall_f1: after.micro.f1 }, f1_drop_by_type: {} },
      costs: [{ layer: 'c', f1_drop: 0.4, f1_drop_by_type: { PER: 0.4 }, divergence: 0.0123 }],
      failures: [],
    })
  })

  it('ends with 1 where a gate failed, its results shown', async () => {
    gives({ ...result, failures: ['PER lost 1.30 points of F1; 1 may be lost.'] })
    const { code, stdout, stderr } = await ner('quantize', 'm', '--dev', 'd')
    expect(code).toBe(1)
    expect(stdout).toContain('runs/ner-int8')
    expect(stderr).toContain('PER lost 1.30 points of F1; 1 may be lost.')
  })

  it.each([
    [['--method', 'fp4'], '--method'],
    [['--cpu', 'z80'], '--cpu'],
    [['--qat-steps', 'some'], '--qat-steps'],
    [['--qat-steps', '-1'], '--qat-steps'],
    [['--max-f1-drop', '0.5'], 'max-f1-drop -> dev'],
    [['--per-type-max-drop', '0.5'], 'per-type-max-drop -> dev'],
  ])('refuses %j', async (flags, named) => {
    const { code, stderr } = await ner('quantize', 'm', ...flags)
    expect(code).toBe(2)
    expect(stderr).toContain(named)
  })
})
