import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { bench, type Bench, type BenchRow } from '../../src/evaluation/bench.js'
import { ner } from './invoke.js'

vi.mock('../../src/evaluation/bench.js', () => ({ bench: vi.fn() }))

const about = (value: number) => ({ value, low: value * 0.95, high: value * 1.05 })

function timed(name: string, p50: number, ratio?: number): BenchRow['models'][number] {
  const verdict = ratio === undefined || Math.abs(ratio - 1) < 0.05 ? 'alike' : ratio > 1 ? 'slower' : 'faster'
  return {
    name,
    requests: 1000,
    p50: about(p50),
    p95: about(2 * p50),
    p99: about(3 * p50),
    wordsPerSecond: about(15000 / p50),
    stages: { tokenizing: p50 / 10, engine: (8 * p50) / 10, decoding: p50 / 10 },
    ...(ratio !== undefined && { comparison: { ratio: about(ratio), verdict } }),
  }
}

const measured: Bench = {
  models: [
    { name: 'ner', file: 'runs/ner/onnx/model.onnx', bytes: 90e6 },
    { name: 'ner-int8', file: 'runs/ner-int8/onnx/model_quantized.onnx', bytes: 30e6 },
    { name: 'ner-fp16', file: 'x', bytes: 45e6 },
  ],
  data: { file: 'test.conll', sha256: 'ab' },
  rows: [
    { batch: 1, models: [timed('ner', 5), timed('ner-int8', 2, 0.4), timed('ner-fp16', 6, 1.2)] },
    { batch: 8, length: 32, models: [timed('ner', 40), timed('ner-int8', 40.4, 1.01), timed('ner-fp16', 60, 1.5)] },
  ],
}

beforeEach(() => {
  vi.mocked(bench).mockImplementation(async function* () {
    yield await Promise.resolve('timing 1 at once')
    return measured
  })
})

describe('ner bench', () => {
  it('shows models side by side, and says in a sentence which is slower', async () => {
    const { code, stdout } = await ner('bench', 'runs/ner', 'runs/ner-int8', 'runs/ner-fp16')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })

  it('takes lists by commas', async () => {
    await ner(...'bench a b --batch 1,16 --length 8,64 --rounds 3 --data d --threads 2'.split(' '))
    expect(vi.mocked(bench).mock.lastCall).toEqual([
      ['a', 'b'],
      { data: 'd', batches: [1, 16], lengths: [8, 64], rounds: 3, threads: 2 },
    ])
  })

  it('prints the measurements as JSON', async () => {
    const json = JSON.parse((await ner('bench', 'm', '--json')).stdout) as typeof measured
    const { p50, p95, p99, wordsPerSecond, stages } = measured.rows[0]!.models[0]!
    expect(json).toMatchObject({ models: measured.models, data: measured.data })
    expect(json.rows).toHaveLength(measured.rows.length)
    expect(json.rows[0]!.models[0]).toMatchObject({
      latency_ms: { p50, p95, p99 },
      words_per_second: wordsPerSecond,
      stages_ms: stages,
    })
  })

  it('writes a report', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ner-bench-'))
    await ner('bench', 'm', '--report', join(folder, 'report.html'))
    const html = readFileSync(join(folder, 'report.html'), 'utf8')
    expect(html).toContain('ner-fp16 is slower than ner on this machine with one text at a time')
    expect(html).toContain('8 texts at once, of 32 words')
    expect(html).toContain('28.6 MiB')
    rmSync(folder, { recursive: true })
  })

  it.each([
    ['--batch', '0'],
    ['--batch', '1,,8'],
    ['--length', 'long'],
    ['--rounds', '1.5'],
  ])('refuses %s %s', async (flag, value) => {
    const { code, stderr } = await ner('bench', 'm', flag, value)
    expect(code).toBe(2)
    expect(stderr).toMatch(`${flag} takes whole numbers from 1`)
  })
})
