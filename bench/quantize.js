// npm run bench -- quantize --model DIR [--data F] [--calib F] [--sentences N] [--rounds N] [--threads N]
//
// The graphs of one model side by side: float32, our int8 (dynamic, with its table, static) and what ONNX Runtime's Python
// makes of the same float32 file with quantize_dynamic. All run in this process, in turn. F1 is on the whole data file.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { cpus, detectCpu } from '../dist/compress/quantize/cpu.js'
import { quantize } from '../dist/compress/quantize/quantize.js'
import { readDocuments } from '../dist/data/read.js'
import { evaluate } from '../dist/evaluation/evaluate.js'
import { loadPredictor } from '../dist/inference/predict.js'
import { median, printTable, quantile, startPeer, takeTurns } from './turns.js'

const conll = new URL('../../shared/data/conll2003/', import.meta.url).pathname

export async function bench(flags) {
  const { values } = parseArgs({
    args: flags,
    options: {
      model: { type: 'string' },
      data: { type: 'string', default: join(conll, 'eng.testb') },
      calib: { type: 'string', default: join(conll, 'eng.train') },
      sentences: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string', default: '2' },
    },
  })
  if (!values.model) throw new Error('--model names the folder of a trained model')
  const threads = Number(values.threads)
  const scratch = mkdtempSync(join(tmpdir(), 'ner-bench-'))
  try {
    const files = await graphs(values.model, values.calib, scratch, threads)
    const texts = await sentencesOf(values.data, Number(values.sentences))
    const speed = await race(files, texts, Number(values.rounds), threads)
    await report(files, speed, values.data, threads)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** All graphs by name, in one model folder. */
async function graphs(model, calib, scratch, threads) {
  const folder = join(scratch, 'all')
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  for (const name of ['config.json', 'ner.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])
    copyFileSync(join(model, name), join(folder, name))
  const float = join(folder, 'onnx/float.onnx')
  copyFileSync(join(model, 'onnx/model.onnx'), float)
  const ours = async (name, options) => {
    const out = join(scratch, name)
    const common = { method: 'dynamic', embeddings: false, calib, calibration: 'min-max', qatSteps: 0, threads, out }
    const work = quantize(model, { ...common, maxF1Drop: 100, perTypeMaxDrop: 100, ...options })
    while (!(await work.next()).done);
    const file = join(folder, `onnx/${name}.onnx`)
    copyFileSync(join(out, 'onnx/model_quantized.onnx'), file)
    return file
  }
  const files = {
    float32: float,
    dynamic: await ours('dynamic', {}),
    'dynamic, table': await ours('table', { embeddings: true }),
    static: await ours('static', { method: 'static' }),
  }
  const python = join(folder, 'onnx/python.onnx')
  const flags = cpus[detectCpu()].limit < 127 ? ['--reduce-range'] : []
  const peer = await startPeer('quantize.py', [float, python, ...flags])
  await peer?.end()
  return peer ? { ...files, quantize_dynamic: python } : files
}

async function sentencesOf(path, most) {
  const { documents } = await readDocuments(path)
  const all = documents.flatMap(({ text, tokens, sentences }) =>
    sentences.map(({ start, end }) => ({
      text: text.slice(tokens[start].start, tokens[end - 1].end),
      words: end - start,
    })),
  )
  return all.filter((_, i) => i % Math.ceil(all.length / most) === 0)
}

/** Each graph in turn: one sentence at a time, then all at once. */
async function race(files, sentences, rounds, threads) {
  const texts = sentences.map(({ text }) => text)
  const words = sentences.reduce((sum, own) => sum + own.words, 0)
  const predictors = {}
  for (const [name, file] of Object.entries(files)) {
    predictors[name] = await loadPredictor(file, { threads })
    await predictors[name].predict(texts.slice(0, 50))
  }
  const sides = Object.fromEntries(
    Object.entries(predictors).map(([name, predictor]) => [
      name,
      async () => {
        const latencies = []
        for (const text of texts.slice(0, 100)) {
          const start = performance.now()
          await predictor.predict([text])
          latencies.push(performance.now() - start)
        }
        const start = performance.now()
        await predictor.predict(texts)
        return { latencies, wordsPerSecond: (1000 * words) / (performance.now() - start) }
      },
    ]),
  )
  const turns = await takeTurns(sides, rounds)
  for (const predictor of Object.values(predictors)) await predictor.close()
  return turns
}

async function report(files, speed, data, threads) {
  const rows = []
  for (const [name, file] of Object.entries(files)) {
    const { crf, argmax } = await evaluate(file, data, { threads })
    const { micro } = (crf ?? argmax).scores
    const latency = (share) => median(speed[name].map(({ latencies }) => quantile(latencies, share)))
    rows.push({
      name,
      f1: 100 * micro.f1,
      mib: statSync(file).size / 2 ** 20,
      p50: latency(0.5),
      p95: latency(0.95),
      rate: median(speed[name].map(({ wordsPerSecond }) => wordsPerSecond)),
    })
  }
  const [float] = rows
  console.log(`Bytes for ${detectCpu()}. In brackets: the share of float32's, for words/s the factor.`)
  printTable([
    ['', 'F1', 'MiB', 'p50 ms', 'p95 ms', 'words/s'],
    ...rows.map(({ name, f1, ...own }) => [
      name,
      f1.toFixed(2),
      ...['mib', 'p50', 'p95', 'rate'].map((key) => `${own[key].toFixed(1)} (${(own[key] / float[key]).toFixed(2)})`),
    ]),
  ])
}
