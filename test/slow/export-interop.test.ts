import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quantize } from '../../src/compress/quantize/quantize.js'
import { exportModel } from '../../src/export/export.js'
import { pythonWith } from './python.js'
import { fromRoot, ours, trained } from './trained.js'

const python = pythonWith('onnxruntime', 'transformers')
/** A folder that @huggingface/transformers is installed in. */
const transformersJs = process.env.NER_TEST_TRANSFORMERS_JS
if (!transformersJs) console.warn('skipped: NER_TEST_TRANSFORMERS_JS names no folder with @huggingface/transformers')

const sentences = 150
const halfAnHour = 30 * 60_000
let scratch: string
let folder: string
let file: string

async function last<T>(work: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { value, done } = await work.next()
    if (done === true) return value
  }
}

const labelsBy = (command: string, script: string, ...args: string[]) =>
  JSON.parse(
    execFileSync(command, [fromRoot(`test/interop/${script}`), ...args, file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as unknown

describe.skipIf(!python && !transformersJs)('an exported folder', () => {
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'ner-export-'))
    const set = ['training.epochs=4', 'training.learning_rate=1e-3', 'model.head=crf']
    const model = await trained(scratch, { name: 'model', train: 'train', set })
    const int8 = join(scratch, 'int8')
    await last(
      quantize(model, {
        method: 'dynamic',
        embeddings: false,
        calibration: 'min-max',
        qatSteps: 0,
        maxF1Drop: 100,
        perTypeMaxDrop: 100,
        out: int8,
        threads: 0,
      }),
    )
    folder = join(scratch, 'ship')
    const { misses } = await last(exportModel(model, { target: 'onnx', fp16: true, viterbi: true, int8, out: folder }))
    expect(misses).toEqual([])
    file = join(scratch, 'sentences.json')
    writeFileSync(file, JSON.stringify((await ours(folder, sentences)).documents))
  }, halfAnHour)
  afterAll(() => rmSync(scratch, { recursive: true }))

  test.skipIf(!python).each(['model', 'model_fp16', 'model_quantized'])('%s in Python', async (name) => {
    const graph = `onnx/${name}.onnx`
    const { tagged, tags } = await ours(join(folder, graph), sentences)
    expect(tags.size).toBeGreaterThan(2)
    expect(labelsBy(python!, 'onnxruntime_labels.py', folder, graph)).toEqual(tagged)
  })

  test.skipIf(!python)('model_viterbi in Python, whose tags are those of our CRF', async () => {
    const { tagged } = await ours(folder, sentences, 'crf')
    const plain = await ours(folder, sentences)
    expect(tagged).not.toEqual(plain.tagged)
    expect(labelsBy(python!, 'onnxruntime_labels.py', folder, 'onnx/model_viterbi.onnx')).toEqual(tagged)
  })

  test.skipIf(!transformersJs).each([
    ['fp32', 'model'],
    ['fp16', 'model_fp16'],
    ['q8', 'model_quantized'],
  ])('%s in transformers.js', async (dtype, name) => {
    const { tagged } = await ours(join(folder, 'onnx', `${name}.onnx`), sentences)
    const theirs = labelsBy(process.execPath, 'transformers_js_labels.js', transformersJs!, folder, dtype)
    expect(theirs).toEqual(tagged)
  })
})
