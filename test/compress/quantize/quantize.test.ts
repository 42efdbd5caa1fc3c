import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { quantize, type QuantizeOptions } from '../../../src/compress/quantize/quantize.js'
import type { Quantized } from '../../../src/compress/quantize/result.js'
import { formatConll } from '../../../src/data/formats/conll-write.js'
import type { Document } from '../../../src/data/document.js'
import { segment } from '../../../src/data/segment.js'
import { decodeModel } from '../../../src/graph/onnx/decode.js'
import { loadModel } from '../../../src/artifacts/model.js'
import { evaluate } from '../../../src/evaluation/evaluate.js'
import { loadPredictor } from '../../../src/inference/predict.js'
import { tinyTagger } from '../../inference/tiny-tagger.js'
import { letters, tinyRun } from '../../training/tiny-run.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-quantize-'))
const texts = ['abc bca. A cab acb, bca abc cabba!', 'bca acb', 'a bb acc abc '.repeat(20)]
let model = ''
let data = ''

beforeAll(async () => {
  model = await tinyTagger()
  data = join(scratch, 'own.conll')
  writeFileSync(data, await ownPredictions(model))
})

/** What a model finds itself, as CoNLL: int8 is then scored against float. */
async function ownPredictions(folder: string): Promise<string> {
  const predictor = await loadPredictor(folder, { threads: 1 })
  const documents = texts.map((text, i): Document => segment({ id: String(i), text, layers: {} }))
  const spans = await predictor.predictDocuments(documents)
  await predictor.close()
  return [...formatConll(documents.map((document, i) => ({ ...document, layers: { gold: spans[i]! } })))].join('')
}

let folders = 0

async function run(options: Partial<QuantizeOptions> = {}, from = model): Promise<Quantized & { lines: string[] }> {
  const work = quantize(from, {
    method: 'dynamic',
    cpu: 'avx2',
    embeddings: false,
    calibration: 'min-max',
    qatSteps: 0,
    maxF1Drop: 100,
    perTypeMaxDrop: 100,
    out: join(scratch, `int8-${folders++}`),
    threads: 1,
    ...options,
  })
  const lines: string[] = []
  for (;;) {
    const { value, done } = await work.next()
    if (done === true) return { ...value, lines }
    lines.push(value)
  }
}

const json = (folder: string, name: string) =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, Record<string, unknown>>

const opsOf = (folder: string) =>
  decodeModel(readFileSync(join(folder, 'onnx/model_quantized.onnx'))).nodes.map(({ op }) => op)

describe('a quantized folder', () => {
  test('has what serving needs and no more, and runs like any other', async () => {
    const { output, quantized, float, bytes, dev } = await run({ dev: data })
    expect(readdirSync(output, { recursive: true }).sort()).toEqual([
      'README.md',
      'config.json',
      'ner.json',
      'onnx',
      'onnx/model_quantized.onnx',
      'run.json',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect([quantized.length, float.length]).toEqual([12, 0])
    expect(quantized).toContain('bert.encoder.layer.1.attention.self.query')
    expect(bytes.after).toBeLessThan(bytes.before)
    expect(dev!.before.micro.f1).toBe(1)
    // What is reported is what is served.
    const { crf } = await evaluate(output, data, { threads: 1 })
    expect(crf!.scores.micro).toEqual(dev!.after.micro)
    expect((await loadModel(output)).chain).toEqual((await loadModel(model)).chain)
  })

  test('says where it comes from', async () => {
    const { output } = await run({ dev: data, embeddings: true })
    expect(json(output, 'ner.json')['lineage']).toMatchObject({
      quantization: {
        method: 'dynamic',
        cpu: 'avx2',
        largest_weight: 64,
        embeddings: 'int8',
        float_layers: [],
        data: { dev: { file: 'own.conll', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string } },
      },
    })
    expect(json(output, 'run.json')).toMatchObject({ finished: true, gates: { failures: [] } })
  })

  test('has a card of its own: the scores are not those of float', async () => {
    const from = await tinyTagger()
    writeFileSync(join(from, 'README.md'), '| all | 99.99 |')
    const { output, dev } = await run({ method: 'static', calib: data, dev: data }, from)
    const card = readFileSync(join(output, 'README.md'), 'utf8')
    expect(card).toContain(`Quantized from ${basename(from)} to int8`)
    expect(card).toContain('## Scores on own.conll')
    expect(card).toMatch(new RegExp(`^\\| all .*\\| ${(100 * dev!.after.micro.f1).toFixed(2)} \\|$`, 'm'))
    expect(card).not.toMatch(/99\.99|weights|transformers import/)
    const { output: unmeasured } = await run({}, from)
    expect(readFileSync(join(unmeasured, 'README.md'), 'utf8')).not.toMatch(/Scores|99\.99/)
  })

  test('is the same to the byte every time', async () => {
    const [one, two] = [await run(), await run()]
    const read = ({ output }: Quantized) => readFileSync(join(output, 'onnx/model_quantized.onnx'))
    expect(read(one).equals(read(two))).toBe(true)
  })

  test('takes less with its table in int8', async () => {
    expect((await run({ embeddings: true })).bytes.after).toBeLessThan((await run()).bytes.after)
  })

  test('goes beside its model where nothing else is said', async () => {
    const { output } = await run({ out: undefined }, await tinyTagger({ head: 'softmax' }))
    expect(output).toMatch(/-int8$/)
    expect(existsSync(join(output, 'run.json'))).toBe(true)
  })

  test('goes beside its model where that is named from within', async () => {
    const from = await tinyTagger({ head: 'softmax' })
    const before = process.cwd()
    process.chdir(from)
    try {
      const { output } = await run({ out: undefined }, '.')
      expect(resolve(output)).toBe(`${process.cwd()}-int8`)
      expect(json(output, 'run.json')).toMatchObject({ source: { name: basename(from) } })
    } finally {
      process.chdir(before)
    }
  })
})

describe('methods', () => {
  test.each(['min-max', 'percentile', 'entropy'] as const)(
    'static with %s has standard operators only',
    async (calibration) => {
      const { output, dev } = await run({ method: 'static', calib: data, dev: data, calibration })
      const ops = opsOf(output)
      expect(ops.filter((op) => op === 'QuantizeLinear')).toHaveLength(8)
      expect(ops.filter((op) => op === 'DequantizeLinear')).toHaveLength(12 + 12)
      expect(ops).not.toContain('DynamicQuantizeLinear')
      expect(ops).not.toContain('MatMulInteger')
      expect(dev!.after.micro.f1).toBeGreaterThan(0.5)
    },
  )

  test('auto keeps all in int8 where the budget allows it, having measured every layer', async () => {
    const { costs, float, quantized } = await run({ method: 'auto', dev: data })
    expect([quantized.length, float.length]).toEqual([12, 0])
    expect(costs!.map(({ layer }) => layer).sort()).toEqual([...quantized].sort())
    const sizes = costs!.map(({ divergence }) => divergence)
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
    expect(sizes.every((size) => size > 0)).toBe(true)
  })

  test('auto keeps the costliest layers in float where it does not, down to all of them', async () => {
    // Nothing keeps a budget of less than nothing.
    const { costs, float, quantized, failures } = await run({ method: 'auto', dev: data, maxF1Drop: -1 })
    expect(float).toEqual(costs!.map(({ layer }) => layer))
    expect(quantized).toEqual([])
    expect(failures).toHaveLength(1)
  })

  test('fine-tuning changes weights and is repeatable', async () => {
    const plain = await run()
    const [one, two] = [await run({ qatSteps: 3, calib: data }), await run({ qatSteps: 3, calib: data })]
    const read = ({ output }: Quantized) => readFileSync(join(output, 'onnx/model_quantized.onnx'))
    expect(read(one).equals(read(plain))).toBe(false)
    expect(read(one).equals(read(two))).toBe(true)
    expect(one.lines.filter((line) => /step \d\/3/.test(line))).toHaveLength(3)
    // Float and int8 are exported with one CRF, and int8 was measured with it.
    expect(json(one.output, 'ner.json')['crf']).toEqual(json(plain.output, 'ner.json')['crf'])
  })
})

test('a value with another number of rows than pieces, DeBERTa’s table of distances, has finite scales', async () => {
  const train = letters(join(scratch, 'letters.jsonl'), 40, [0, 4])
  const set = ['model.encoder.model_type=deberta-v2']
  await tinyRun(scratch, { output: 'deberta', train, set })
  const { output, quantized } = await run({ method: 'static', calib: train }, join(scratch, 'deberta'))
  expect(quantized.length).toBeGreaterThan(0)
  const { initializers } = decodeModel(readFileSync(join(output, 'onnx/model_quantized.onnx')))
  const floats = [...initializers.values()].filter(({ tensor }) => tensor.dtype === 'float32')
  for (const { tensor } of floats) expect((tensor.data as Float32Array).every(Number.isFinite)).toBe(true)
})

describe('gates', () => {
  test('that fail leave the folder there, and say which', async () => {
    const { output, failures } = await run({ dev: data, maxF1Drop: -1, perTypeMaxDrop: -1 })
    expect(failures).toHaveLength(3)
    expect(failures[0]).toMatch(
      /^The F1 that all types together lost, in points, is -?\d+\.\d\d, above the gate of -1\.00\.$/,
    )
    expect(json(output, 'run.json')).toMatchObject({ gates: { failures } })
  })
})

describe('refused', () => {
  const bad = (name: string, content: string) => {
    const path = join(scratch, name)
    writeFileSync(path, content)
    return path
  }

  test('what is quantized already', async () => {
    const { output } = await run()
    await expect(run({}, output)).rejects.toMatchObject({ code: 'quantize/already' })
  })

  test.each([
    ['that is missing', () => join(scratch, 'none.conll'), 'file/unreadable'],
    ['that is empty', () => bad('empty.conll', ''), 'data/empty'],
    ['without labels', () => bad('bare.conll', 'abc\tO\n'), 'data/empty'],
    ['of other labels', () => bad('other.conll', 'abc\tB-PLACE\n'), 'data/unseen-label'],
  ])('a calibration file %s', async (_, file, code) => {
    const out = join(scratch, 'never')
    await expect(run({ method: 'static', calib: file(), out })).rejects.toMatchObject({ name: 'NerError', code })
    expect(existsSync(out)).toBe(false)
  })

  test.each([
    [{ method: 'static' }, '`calib`'],
    [{ method: 'auto' }, '`dev`'],
    [{ qatSteps: 5 }, '`calib`'],
    [{ calib: data }, '`method` static, or `qat-steps`'],
    [{ cpu: 'gpu', method: 'dynamic' }, '`method` static'],
  ] as const)('%j without what it needs', async (options, flag) => {
    const error = run(options)
    await expect(error).rejects.toMatchObject({ code: 'usage/bad-option' })
    await expect(error).rejects.toThrow(flag)
  })

  test('a folder that holds another run', async () => {
    const { output } = await run()
    await expect(run({ out: output })).rejects.toMatchObject({ code: 'output/occupied' })
  })

  test('a folder that cannot be written', async () => {
    const file = bad('file', 'in the way')
    await expect(run({ out: join(file, 'int8') })).rejects.toMatchObject({ code: 'file/unwritable' })
    const locked = join(scratch, 'locked')
    mkdirSync(locked)
    chmodSync(locked, 0o500)
    // The superuser may write anywhere.
    if (process.getuid?.() !== 0)
      await expect(run({ out: join(locked, 'int8') })).rejects.toMatchObject({ code: 'file/unwritable' })
  })

  test('a model without weights, or with damaged ones', async () => {
    const damaged = await tinyTagger()
    const weights = join(damaged, 'model.safetensors')
    writeFileSync(weights, readFileSync(weights).subarray(0, 1000))
    await expect(run({}, damaged)).rejects.toMatchObject({ code: 'model/mixed' })
    rmSync(weights)
    await expect(run({}, damaged)).rejects.toMatchObject({ code: 'model/missing-file' })
  })
})
