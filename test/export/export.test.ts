import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { exportModel, printModel, verifyExport, type ExportOptions, type Exported } from '../../src/export/export.js'
import { readModelFile } from '../../src/graph/onnx/file.js'
import { onnx } from '../../src/graph/onnx/proto.js'
import { readSafetensors, writeSafetensors } from '../../src/models/safetensors.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { temporaryIn } from '../../src/io/temporary.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

let crf: string
let softmax: string
let scratch: string
beforeAll(async () => {
  crf = await tinyTagger()
  softmax = await tinyTagger({ head: 'softmax' })
})
beforeEach(() => void (scratch = mkdtempSync(join(tmpdir(), 'ner-export-'))))
afterEach(() => rmSync(scratch, { recursive: true }))

const plain: ExportOptions = { target: 'onnx', fp16: false, viterbi: false, threads: 1 }

async function run(model: string, options: Partial<ExportOptions> = {}): Promise<Exported> {
  const work = exportModel(model, { ...plain, out: join(scratch, 'out'), ...options })
  for (;;) {
    const { value, done } = await work.next()
    if (done === true) return value
  }
}

/** A copy of a model folder that a test may break. */
function copyOf(model: string): string {
  const folder = join(scratch, 'model')
  cpSync(model, folder, { recursive: true })
  return folder
}

const filesIn = (folder: string) =>
  (
    readdirSync(folder, { recursive: true, withFileTypes: true }) as {
      name: string
      parentPath: string
      isFile(): boolean
    }[]
  )
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

const text = 'abc bca cabba a bb acc abc abc.'

describe('an exported folder', () => {
  test('has every file under the name that loaders look for, and says what each is', async () => {
    const { manifest, misses, folder } = await run(crf, { target: 'all', fp16: true, viterbi: true })
    expect(misses).toEqual([])
    expect(filesIn(folder)).toEqual([
      'config.json',
      'manifest.json',
      'ner.json',
      'onnx/model.onnx',
      'onnx/model_fp16.onnx',
      'onnx/model_viterbi.onnx',
      'special_tokens_map.json',
      'tensorrt/profiles.json',
      'tensorrt/trtexec.sh',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toEqual(manifest)
    expect(manifest.files.map(({ path }) => path).sort()).toEqual(
      filesIn(folder).filter((path) => path !== 'manifest.json'),
    )
    for (const { path, bytes, sha256 } of manifest.files) {
      const content = readFileSync(join(folder, path))
      expect([content.length, createHash('sha256').update(content).digest('hex')]).toEqual([bytes, sha256])
    }
    expect(manifest.graphs.map(({ path, precision }) => [path, precision])).toEqual([
      ['onnx/model.onnx', 'float32'],
      ['onnx/model_fp16.onnx', 'float16'],
      ['onnx/model_viterbi.onnx', 'float32'],
    ])
    for (const { verified } of manifest.graphs) {
      expect(verified.entities).toBeGreaterThan(100)
      expect(verified.maxLogitDifference).toBeLessThanOrEqual(verified.tolerance.logits)
    }
    expect(manifest.graphs[1]!.verified.maxLogitDifference).toBeGreaterThan(0)
  })

  test('is shown as text, without a word written', async () => {
    const text = await printModel(copyOf(crf), { ...plain, fp16: true, viterbi: true })
    expect(text.match(/^# .*\.onnx, \d+ nodes: \w+ \d+/gm)).toHaveLength(3)
    expect(text).toContain("output 'tags' = ")
    expect(filesIn(scratch)).toEqual(filesIn(crf).map((path) => join('model', path)))
  })

  test('predicts what the model predicts, by itself', async () => {
    const { folder } = await run(crf)
    const [source, exported] = [await loadPredictor(crf), await loadPredictor(folder)]
    expect(await exported.predict([text])).toEqual(await source.predict([text]))
    expect((await exported.predict([text]))[0]!.length).toBeGreaterThan(0)
    await source.close()
    await exported.close()
  })

  test('is scored before and after on labelled text', async () => {
    const data = join(scratch, 'test.conll')
    writeFileSync(data, 'abc B-X\nbca I-X\ncab O\n\nacb B-Y\nabc O\n')
    const { manifest } = await run(crf, { data, fp16: true })
    expect(manifest.sample).toMatchObject({ file: 'test.conll', sentences: 2 })
    expect(manifest.metrics!.before).toHaveProperty('overall_f1')
    expect(Object.keys(manifest.metrics!.after)).toEqual(['onnx/model.onnx', 'onnx/model_fp16.onnx'])
    expect(manifest.metrics!.after['onnx/model.onnx']).toEqual(manifest.metrics!.before)
  })

  test('can be the model’s own, and can be written again', async () => {
    const model = copyOf(crf)
    await run(model, { out: undefined, fp16: true })
    const first = readFileSync(join(model, 'manifest.json'), 'utf8')
    await run(model, { out: undefined, fp16: true })
    expect(readFileSync(join(model, 'manifest.json'), 'utf8')).toBe(first)
    expect(existsSync(join(model, 'onnx', 'model_fp16.onnx'))).toBe(true)
    await run(model, { out: join(scratch, 'again') })
    await run(model, { out: join(scratch, 'again') })
  })

  test('has nothing of an export of before that is not its own', async () => {
    const { folder } = await run(crf, { target: 'tensorrt', fp16: true, viterbi: true })
    writeFileSync(join(folder, 'notes.txt'), '')
    const { manifest } = await run(crf)
    const files = [...manifest.files.map(({ path }) => path), 'manifest.json', 'notes.txt']
    expect(filesIn(folder)).toEqual(files.sort())
  })

  test('keeps its model’s files where an export of before says that they are its', async () => {
    const model = copyOf(crf)
    const files = filesIn(model)
    await run(model, { out: undefined, fp16: true })
    const path = join(model, 'manifest.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Exported['manifest']
    const more = ['config.json', 'ner.json', 'tokenizer.json'].map((name) => ({ path: name, bytes: 0, sha256: '' }))
    writeFileSync(path, JSON.stringify({ ...manifest, files: [...manifest.files, ...more] }))
    await run(model, { out: undefined })
    expect(filesIn(model)).toEqual([...files, 'manifest.json'].sort())
  })

  test('is compared with its manifest on request', async () => {
    const { folder } = await run(crf)
    expect(verifyExport(folder)).toEqual([])
    const path = join(folder, 'onnx', 'model.onnx')
    const bytes = readFileSync(path)
    bytes[bytes.length - 9]! ^= 1
    writeFileSync(path, bytes)
    writeFileSync(join(folder, 'ner.json'), '{}')
    rmSync(join(folder, 'tokenizer.json'))
    expect(verifyExport(folder)).toEqual([
      'onnx/model.onnx has other content than when it was written.',
      expect.stringMatching(/^ner\.json has 2 bytes, and \d+ when it was written\.$/),
      'tokenizer.json is missing.',
    ])
    expect(() => verifyExport(scratch)).toThrow(expect.objectContaining({ code: 'model/missing-file' }))
  })

  test('in the model’s own folder leaves it bound to all of its files, by their hashes', async () => {
    const own = await tinyTagger()
    expect(verifyExport(own)).toEqual([])
    await run(own, { out: own, fp16: true })
    rmSync(join(own, 'manifest.json'))
    expect(verifyExport(own)).toEqual([])
    const weights = join(own, 'model.safetensors')
    const bytes = readFileSync(weights)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(weights, bytes)
    expect(verifyExport(own)).toEqual(['model.safetensors has other content than when it was written.'])
  })

  test('takes the place of one of before at once, as does one behind a link', async () => {
    const { folder } = await run(crf)
    const before = statSync(folder).ino
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    symlinkSync(folder, join(scratch, 'link'))
    await run(softmax, { out: join(scratch, 'link') })
    expect(lstatSync(join(scratch, 'link')).isSymbolicLink()).toBe(true)
    expect(statSync(folder).ino).not.toBe(before)
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine')
    expect(verifyExport(folder)).toEqual([])
    expect(readdirSync(scratch).sort()).toEqual(['link', 'out'])
  })

  test('removes what an export that was killed has left beside it, and nothing of one that runs', async () => {
    const own = temporaryIn(scratch, 'out.export')
    const [stale, live] = [2 ** 22 + 1, process.ppid].map((pid) => own.replace(String(process.pid), String(pid)))
    for (const path of [own, stale!, live!]) mkdirSync(path)
    await run(crf)
    expect([own, stale!, live!].map((path) => existsSync(path))).toEqual([true, false, true])
  })

  test('keeps to what halves can do', async () => {
    const { folder } = await run(softmax, { fp16: true })
    const { initializers, inputs, outputs } = readModelFile(join(folder, 'onnx', 'model_fp16.onnx'))
    const matrices = [...initializers.values()].filter(({ tensor }) => tensor.dims.length === 2)
    expect(new Set(matrices.map(({ tensor }) => tensor.dtype))).toEqual(new Set(['float16']))
    expect([...inputs, ...outputs.map(({ value }) => value)].map(({ dtype }) => dtype)).toEqual([
      'int64',
      'int64',
      'int64',
      'float32',
    ])
  })
})

describe('TensorRT', () => {
  test('gets profiles for every input, and the command that builds its engine', async () => {
    const { folder } = await run(crf, { target: 'tensorrt', viterbi: true })
    const { engines } = JSON.parse(readFileSync(join(folder, 'tensorrt', 'profiles.json'), 'utf8')) as {
      engines: { onnx: string; inputs: Record<string, Record<string, number[]>>; command: string }[]
    }
    expect(engines.map(({ onnx }) => onnx)).toEqual(['onnx/model.onnx', 'onnx/model_viterbi.onnx'])
    for (const { inputs } of engines) {
      for (const { min, opt, max } of Object.values(inputs)) {
        expect(min!.every((size, axis) => size <= opt![axis]! && opt![axis]! <= max![axis]!)).toBe(true)
      }
    }
    expect(engines[0]!.command).toBe(
      'trtexec --onnx=onnx/model.onnx --stronglyTyped' +
        ' --minShapes=input_ids:1x2,attention_mask:1x2,token_type_ids:1x2' +
        ' --optShapes=input_ids:8x32,attention_mask:8x32,token_type_ids:8x32' +
        ' --maxShapes=input_ids:64x32,attention_mask:64x32,token_type_ids:64x32' +
        ' --saveEngine=tensorrt/model.plan',
    )
    expect(Object.keys(engines[1]!.inputs)).toContain('word_index')
    const script = readFileSync(join(folder, 'tensorrt', 'trtexec.sh'), 'utf8')
    for (const { command } of engines) expect(script).toContain(`${command}\n`)
  })
})

describe('a miss', () => {
  test('is said, and leaves nothing', async () => {
    const model = copyOf(crf)
    const file = join(model, 'model.safetensors')
    const weights = new Map(readSafetensors(file))
    const head = weights.get('classifier.bias')!
    weights.set('classifier.bias', { ...head, data: head.data.map((value, i) => value + (i === 1 ? 1e-3 : 0)) })
    writeSafetensors(file, weights)
    const { misses } = await run(model)
    expect(misses).toEqual([
      expect.stringMatching(
        /^onnx\/model\.onnx is not the model .*: a logit differs by 0\.0010\d, and at most 0\.0001 is/,
      ),
    ])
    expect(existsSync(join(scratch, 'out'))).toBe(false)
  })

  test('leaves an export of before as it was', async () => {
    const model = copyOf(crf)
    const { folder } = await run(model)
    const before = filesIn(folder).map((path) => [path, readFileSync(join(folder, path), 'base64')])
    const file = join(model, 'model.safetensors')
    const weights = new Map(readSafetensors(file))
    const head = weights.get('classifier.weight')!
    weights.set('classifier.weight', { ...head, data: head.data.map((value) => -value) })
    writeSafetensors(file, weights)
    expect((await run(model, { fp16: true })).misses.length).toBe(2)
    expect(filesIn(folder).map((path) => [path, readFileSync(join(folder, path), 'base64')])).toEqual(before)
  })
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s leaves nothing, and ends the process as ever', async (signal) => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  const listeners = process.listenerCount(signal)
  const work = exportModel(crf, { ...plain, out: join(scratch, 'out') })
  await work.next()
  await work.next()
  expect(filesIn(scratch)).toEqual([expect.stringMatching(/\.tmp\/onnx\/model\.onnx$/)])
  process.emit(signal, signal)
  expect(readdirSync(scratch)).toEqual([])
  expect(kill).toHaveBeenCalledWith(process.pid, signal)
  expect(process.listenerCount(signal)).toBe(listeners)
  kill.mockRestore()
  await work.return(undefined as never)
})

test('a graph that decodes by itself is for other programs', async () => {
  const { folder } = await run(crf, { viterbi: true })
  await expect(loadPredictor(join(folder, 'onnx', 'model_viterbi.onnx'))).rejects.toMatchObject({
    code: 'usage/bad-option',
    message: expect.stringContaining('decodes by itself') as string,
  })
})

describe('bad input', () => {
  test.each<[string, Partial<ExportOptions>, () => string, string, string]>([
    ['an opset too old for an operator', { opset: 19 }, () => crf, 'graph/old-opset', 'too old for Gelu'],
    ['an opset between two', { opset: 17.5 }, () => crf, 'graph/old-opset', 'There is no opset 17.5'],
    ['an opset that is not there', { opset: 40 }, () => crf, 'graph/old-opset', 'newer than what is written here'],
    ['Viterbi without a CRF', { viterbi: true }, () => softmax, 'usage/bad-option', '`viterbi` decodes a CRF'],
    [
      'Viterbi for transformers.js',
      { viterbi: true, target: 'transformers.js' },
      () => crf,
      'usage/bad-option',
      'transformers.js has no use',
    ],
    ['a folder that is not there', {}, () => join(scratch, 'none'), 'model/missing-file', 'lacks config.json'],
    ['data that is not there', { data: 'nowhere.conll' }, () => crf, 'file/unreadable', 'no such file'],
    ['a float folder for --int8', { int8: '' }, () => crf, 'usage/bad-option', '`int8` takes a folder of ner quantize'],
  ])('%s', async (_, options, model, code, message) => {
    const filled = options.int8 === undefined ? options : { ...options, int8: softmax }
    await expect(run(model(), filled)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    })
    expect(readdirSync(scratch)).toEqual([])
  })

  test('text without a word', async () => {
    const data = join(scratch, 'empty.jsonl')
    writeFileSync(data, '{"text": "", "spans": []}\n')
    await expect(run(crf, { data })).rejects.toMatchObject({ code: 'data/empty' })
  })

  test.each<[string, (out: string) => void]>([
    [
      'the folder of a trained model that was exported in place',
      (out) => {
        cpSync(softmax, out, { recursive: true })
        writeFileSync(join(out, 'manifest.json'), '{"graphs": [], "files": []}')
      },
    ],
    [
      'the folder of a quantized model that was exported in place',
      (out) => {
        mkdirSync(out)
        writeFileSync(join(out, 'run.json'), '{}')
        writeFileSync(join(out, 'manifest.json'), '{"graphs": [], "files": []}')
      },
    ],
    [
      'a folder whose manifest.json is of something else',
      (out) => {
        mkdirSync(out)
        writeFileSync(join(out, 'config.json'), '{}')
        writeFileSync(join(out, 'manifest.json'), '{"name": "a web page"}')
      },
    ],
  ])('%s', async (_, make) => {
    make(join(scratch, 'out'))
    await expect(run(crf)).rejects.toMatchObject({ code: 'output/occupied' })
  })

  test('a folder with another model in it', async () => {
    cpSync(softmax, join(scratch, 'out'), { recursive: true })
    await expect(run(crf)).rejects.toMatchObject({ code: 'output/occupied' })
  })

  test.skipIf(process.getuid?.() === 0)('a folder that cannot be written', async () => {
    chmodSync(scratch, 0o500)
    await expect(run(crf)).rejects.toMatchObject({ code: 'file/unwritable' })
    chmodSync(scratch, 0o700)
  })

  test('a file in the way of the folder', async () => {
    writeFileSync(join(scratch, 'out'), '')
    await expect(run(crf)).rejects.toMatchObject({ code: 'file/unwritable' })
  })
})

describe('an int8 folder', () => {
  /** A folder as ner quantize leaves it; its graph may be changed on the way. */
  function quantized(change: (file: string) => void = () => undefined): string {
    const folder = join(scratch, 'int8')
    cpSync(crf, folder, { recursive: true })
    rmSync(join(folder, 'model.safetensors'))
    const file = join(folder, 'onnx', 'model_quantized.onnx')
    cpSync(join(crf, 'onnx', 'model.onnx'), file)
    rmSync(join(folder, 'onnx', 'model.onnx'))
    const ner = JSON.parse(readFileSync(join(folder, 'ner.json'), 'utf8')) as Record<string, unknown>
    const sha256 = createHash('sha256')
      .update(readFileSync(join(crf, 'model.safetensors')))
      .digest('hex')
    const lineage = { quantization: { method: 'static', source: { sha256 } } }
    writeFileSync(join(folder, 'ner.json'), JSON.stringify({ ...ner, graph: 'onnx/model_quantized.onnx', lineage }))
    change(file)
    return folder
  }

  test('goes beside the float files, and for TensorRT under a name that no other loader finds', async () => {
    const { folder, manifest } = await run(crf, { int8: quantized(), target: 'all' })
    expect(filesIn(folder).filter((path) => path.endsWith('.onnx'))).toEqual([
      'onnx/model.onnx',
      'onnx/model_quantized.onnx',
      'tensorrt/model_qdq.onnx',
    ])
    expect(manifest.tensorrt!.engines.map(({ onnx }) => onnx)).toEqual(['onnx/model.onnx', 'tensorrt/model_qdq.onnx'])
  })

  test('of another model is refused: tokenizer and CRF are shipped once', async () => {
    await expect(run(softmax, { int8: quantized() })).rejects.toMatchObject({
      code: 'usage/bad-option',
      message: expect.stringContaining('made of another model') as string,
    })
  })

  test('can be exported alone', async () => {
    const { folder, manifest } = await run(quantized())
    expect(filesIn(folder)).toContain('onnx/model_quantized.onnx')
    expect(manifest.source.file).toBe('onnx/model_quantized.onnx')
    const predictor = await loadPredictor(folder)
    expect((await predictor.predict([text]))[0]!.length).toBeGreaterThan(0)
    await predictor.close()
  })

  test('can be exported for TensorRT alone, and is loaded as it is', async () => {
    const { folder } = await run(quantized(), { target: 'tensorrt' })
    const predictor = await loadPredictor(folder)
    expect((await predictor.predict([text]))[0]!.length).toBeGreaterThan(0)
    await predictor.close()
  })

  test.each(['beside its model', 'alone'])('that failed its gates is not exported %s', async (how) => {
    const folder = quantized()
    const failures = ['All types together lost 9.00 points of F1; 0.3 may be lost.']
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ gates: { failures } }))
    const exporting = how === 'alone' ? run(folder) : run(crf, { int8: folder })
    await expect(exporting).rejects.toMatchObject({
      code: 'usage/bad-option',
      message: expect.stringContaining('lost 9.00 points') as string,
    })
    expect(existsSync(join(scratch, 'out'))).toBe(false)
  })

  test('has no float weights for halves', async () => {
    await expect(run(quantized(), { fp16: true })).rejects.toMatchObject({ code: 'usage/bad-option' })
  })

  test('is refused where its protobuf is cut off', async () => {
    const folder = quantized((file) => writeFileSync(file, readFileSync(file).subarray(0, 1000)))
    await expect(run(crf, { int8: folder })).rejects.toMatchObject({ code: 'graph/corrupt' })
  })

  test.each([
    ['absolute', '/etc/hostname'],
    ['above its folder', '../ner.json'],
    ['a link', 'link'],
  ])('is refused where its external data is %s', async (_, location) => {
    const folder = quantized((file) => {
      symlinkSync('/etc/hostname', join(file, '..', 'link'))
      const model = onnx.ModelProto.decode(readFileSync(file))
      const tensor = model.graph!.initializer![0]!
      tensor.rawData = new Uint8Array()
      tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL
      tensor.externalData = [{ key: 'location', value: location }] satisfies onnx.IStringStringEntryProto[]
      writeFileSync(file, onnx.ModelProto.encode(model).finish())
    })
    await expect(run(crf, { int8: folder })).rejects.toMatchObject({ code: 'graph/external-data' })
  })
})
