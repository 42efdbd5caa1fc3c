import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadModel } from '../../src/artifacts/model.js'
import { exportModel } from '../../src/export/export.js'
import { quantize } from '../../src/compress/quantize/quantize.js'
import { loadTeachers } from '../../src/compress/distill/teachers.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

let model: string
let scratch: string
const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
beforeAll(async () => void (model = await tinyTagger({ head: 'softmax' })))
beforeEach(() => void (scratch = mkdtempSync(join(tmpdir(), 'ner-other-'))))
afterEach(() => {
  rmSync(scratch, { recursive: true })
  warn.mockClear()
})
afterAll(() => {
  warn.mockRestore()
})

/** The folder as transformers saves it, with other labels where they are given. */
function saved(labels?: readonly string[]): string {
  const folder = join(scratch, 'saved')
  cpSync(model, folder, { recursive: true })
  for (const name of ['ner.json', 'onnx']) rmSync(join(folder, name), { recursive: true })
  if (labels) {
    const path = join(folder, 'config.json')
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    writeFileSync(path, JSON.stringify({ ...config, id2label: Object.fromEntries(labels.entries()) }))
  }
  return folder
}

const texts = ['abc bca cabba a bb acc abc abc.', 'cab acb, bca']

async function reading(folder: string) {
  const predictor = await loadPredictor(folder, { threads: 1 })
  const found = await predictor.predict(texts)
  await predictor.close()
  return found
}

async function last<T>(work: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { value, done } = await work.next()
    if (done === true) return value
  }
}

describe('a token classifier without ner.json and graph', () => {
  test('finds what it finds, has its graph made, and is read as said', async () => {
    const folder = saved()
    expect(await reading(folder)).toEqual(await reading(model))
    expect(existsSync(join(folder, 'onnx', 'model.onnx'))).toBe(true)
    expect(warn).toHaveBeenCalledOnce()
    expect(String(warn.mock.lastCall![0])).toMatch(/read as IOB2\. Where they are IOB1, write \{"scheme": "IOB1"\}/)
  })

  test('is exported and quantized to folders that are whole, and teaches', async () => {
    const folder = saved()
    const out = join(scratch, 'ship')
    await last(exportModel(folder, { target: 'onnx', fp16: false, viterbi: false, threads: 1, out }))
    const int8 = { method: 'dynamic', calibration: 'min-max', embeddings: false, qatSteps: 0, threads: 1 } as const
    const budget = { maxF1Drop: 100, perTypeMaxDrop: 100 }
    await last(quantize(folder, { ...int8, ...budget, out: join(scratch, 'int8') }))
    expect(await reading(out)).toEqual(await reading(model))
    expect((await loadModel(join(scratch, 'int8'))).ner).toMatchObject({ scheme: 'IOB2', head: 'softmax' })
    expect((await loadTeachers([folder]))[0].model.ner.scheme).toBe('IOB2')
  })

  test.each([
    [['O', 'B-X', 'I-X', 'E-X', 'S-X'], 'IOBES'],
    [['B-X', 'I-X', 'L-X', 'U-X', 'O'], 'BILOU'],
    [['I-X', 'E-X', 'I-Y', 'E-Y', 'O'], 'IOE2'],
  ])('has the scheme of %j', async (labels, scheme) => {
    expect((await loadModel(saved(labels))).ner.scheme).toBe(scheme)
  })

  test('has the scheme that it is told', async () => {
    const folder = saved()
    writeFileSync(join(folder, 'ner.json'), '{"scheme": "IOB1"}')
    expect((await loadModel(folder)).ner.scheme).toBe('IOB1')
    expect(warn).not.toHaveBeenCalled()
  })

  test.each([
    [['LABEL_0', 'LABEL_1', 'LABEL_2', 'LABEL_3', 'LABEL_4']],
    [['B-X', 'I-X', 'B-Y', 'I-Y', 'B-Z']],
    [['O', 'X', 'Y', 'Z', 'W']],
  ])('is refused where labels are %j', async (labels) => {
    await expect(loadModel(saved(labels))).rejects.toMatchObject({
      code: 'model/bad-config',
      message: expect.stringContaining('tags of no scheme') as string,
    })
  })

  test('has a CRF, and is refused without the ner.json that holds it; a graph that is lost is made again', async () => {
    const folder = await tinyTagger()
    rmSync(join(folder, 'onnx'), { recursive: true })
    expect((await reading(folder)).flat().length).toBeGreaterThan(0)
    rmSync(join(folder, 'ner.json'))
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'model/missing-file' })
    rmSync(folder, { recursive: true })
  })

  test('lacks its graph where it has no weights either', async () => {
    const folder = saved()
    rmSync(join(folder, 'model.safetensors'))
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'model/missing-file' })
  })
})
