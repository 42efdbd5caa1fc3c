import { beforeEach, describe, expect, it, vi } from 'vitest'
import { exportModel, printModel, verifyExport, type Exported, type ExportOptions } from '../../src/export/export.js'
import type { Manifest } from '../../src/export/manifest.js'
import { ner } from './invoke.js'

vi.mock('../../src/export/export.js', () => ({ exportModel: vi.fn(), printModel: vi.fn(), verifyExport: vi.fn() }))

const graph = (path: string, precision: 'float32' | 'float16', apart: number): Manifest['graphs'][number] => ({
  path,
  precision,
  inputs: [],
  outputs: [],
  verified: {
    against: 'model.onnx',
    tolerance: { logits: 0.1, entities: 0 },
    maxLogitDifference: apart,
    meanLogitDifference: apart / 10,
    entities: 500,
    differingEntities: 0,
  },
})

const manifest: Manifest = {
  target: 'all',
  opset: 20,
  source: { name: 'ner', file: 'model.safetensors', sha256: 'ab' },
  files: [
    { path: 'onnx/model.onnx', bytes: 90 * 2 ** 20, sha256: 'cd' },
    { path: 'onnx/model_fp16.onnx', bytes: 45 * 2 ** 20, sha256: 'ef' },
  ],
  graphs: [graph('onnx/model.onnx', 'float32', 1e-6), graph('onnx/model_fp16.onnx', 'float16', 0.0123)],
  sample: { file: 'dev.conll', sha256: '01', sentences: 286 },
  versions: {},
}

function exporting(result: Partial<Exported>): void {
  vi.mocked(exportModel).mockImplementation(async function* () {
    yield await Promise.resolve('writing onnx/model.onnx')
    return { folder: 'ship', manifest, misses: [], warnings: [], ...result }
  })
}
beforeEach(() => exporting({}))
const options = () => vi.mocked(exportModel).mock.lastCall as [string, ExportOptions]

describe('ner export', () => {
  it('says what each file is, and how far from the model', async () => {
    const { code, stdout, stderr } = await ner('export', 'runs/ner', '--out', 'ship')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
    expect(stderr).toBe('writing onnx/model.onnx\n')
  })

  it('shows F1 where it was measured, and how engines are built', async () => {
    const scores = {
      before: { overall_f1: 0.9 },
      after: { 'onnx/model.onnx': { overall_f1: 0.9 }, 'onnx/model_fp16.onnx': { overall_f1: 0.899 } },
    }
    exporting({ manifest: { ...manifest, metrics: scores, tensorrt: { checked: 'a table', engines: [] } } })
    expect((await ner('export', 'm')).stdout).toMatchSnapshot()
  })

  it('passes on what it was asked for', async () => {
    await ner(...'export m --target all --fp16 --viterbi --opset 18 --int8 q --data d --out o --threads 2'.split(' '))
    expect(options()).toEqual([
      'm',
      { target: 'all', fp16: true, viterbi: true, opset: 18, int8: 'q', data: 'd', out: 'o', threads: 2 },
    ])
  })

  it('shows the graphs in place of writing them', async () => {
    vi.mocked(printModel).mockResolvedValue("graph 'ner'\n")
    vi.mocked(exportModel).mockClear()
    const { code, stdout } = await ner('export', 'm', '--fp16', '--print')
    expect([code, stdout]).toEqual([0, "graph 'ner'\n"])
    expect(vi.mocked(printModel).mock.lastCall).toMatchObject(['m', { target: 'onnx', fp16: true, viterbi: false }])
    expect(exportModel).not.toHaveBeenCalled()
  })

  it.each([
    [[], 0, /every file is as it was written/],
    [['ner.json is missing.'], 1, /ner\.json is missing/],
  ])('compares a folder with its manifest: %j', async (damaged, code, says) => {
    vi.mocked(verifyExport).mockReturnValue(damaged)
    const result = await ner('export', 'ship', '--verify')
    expect(result.code).toBe(code)
    expect(result.stdout + result.stderr).toMatch(says)
  })

  it('prints the manifest as JSON', async () => {
    expect(JSON.parse((await ner('export', 'm', '--json')).stdout)).toEqual(manifest)
  })

  it('says what other tools get of a model whose CRF they do not know', async () => {
    exporting({ warnings: ['Tools get less.'] })
    const { code, stderr } = await ner('export', 'm')
    expect([code, stderr]).toEqual([0, expect.stringContaining('warning: Tools get less.\n')])
  })

  it('fails where a file is not the model', async () => {
    exporting({ misses: ['onnx/model.onnx is not the model.'] })
    const { code, stdout, stderr } = await ner('export', 'm')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/onnx\/model\.onnx is not the model\.\nNothing was written\./)
  })

  it.each([
    [['--target', 'coreml'], /--target is "coreml", but takes/],
    [['--opset', 'new'], /--opset takes a number/],
  ])('refuses %s', async (flags, message) => {
    const { code, stderr } = await ner('export', 'm', ...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
