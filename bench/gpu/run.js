// node bench/gpu/run.js [--device cuda,webgpu] [--precision fp32,fp16] [--peak TFLOP/s] …: see README.md beside it.
import { execFileSync, spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { legalTransitions, schemeTags } from '../../dist/data/schemes.js'
import { bert } from '../../dist/models/encoders/bert.js'
import { initialise } from '../../dist/models/parameters.js'
import { createLoopTrainer } from '../../dist/training/device/loop-trainer.js'
import { createDeviceTrainer } from '../../dist/training/device/trainer.js'
import { taggingObjective } from '../../dist/training/objective.js'
import { trainingParts } from '../../dist/training/plan.js'
import { random } from '../../dist/random.js'
import { median, printTable, startPeer } from '../turns.js'

/**
 * TFLOP/s without sparsity, by NVIDIA's data sheets: products of TF32, which fp32 is by default on both sides where there
 * is any, and of fp16 or bf16.
 */
const peaks = [
  [/H100.*HBM3|H200/, { fp32: 494, half: 989 }],
  [/A100/, { fp32: 156, half: 312 }],
  [/A10\b/, { fp32: 62.5, half: 125 }],
  [/L4\b/, { fp32: 60, half: 121 }],
  [/T4\b/, { fp32: 8.1, half: 65 }],
]

const number = (value) => ({ type: 'string', default: String(value) })
const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cuda,webgpu' },
    precision: { type: 'string', default: 'fp32,fp16' },
    layers: number(12),
    hidden: number(768),
    batch: number(32),
    sequence: number(128),
    vocabulary: number(30522),
    steps: number(64),
    rounds: number(5),
    peak: { type: 'string' },
  },
})
const shape = Object.fromEntries(
  ['layers', 'hidden', 'batch', 'sequence', 'vocabulary', 'steps', 'rounds'].map((name) => [
    name,
    Number(values[name]),
  ]),
)
const heads = Math.max(1, shape.hidden / 64)

/** Of a step's matrix products, forward and twice that backward: linear layers, then scores and values of attention. */
function flopsOfStep({ layers, hidden, batch, sequence }) {
  const tokens = batch * sequence
  return 3 * layers * (24 * tokens * hidden ** 2 + 4 * tokens * sequence * hidden)
}

/** The card's name and what it is busy with meanwhile; nothing where there is no nvidia-smi. */
function watchCard() {
  try {
    const name = execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8' })
    return { name: name.split('\n')[0].trim(), sample: sampleCard }
  } catch {
    return { name: undefined, sample: () => () => undefined }
  }
}

function sampleCard() {
  const query = ['--query-gpu=utilization.gpu,memory.used', '--format=csv,noheader,nounits', '-lms', '200', '-i', '0']
  const child = spawn('nvidia-smi', query, { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (chunk) => (text += chunk))
  return () => {
    child.kill()
    const rows = text
      .split('\n')
      .map((line) => line.split(',').map(Number))
      .filter((row) => row.length === 2)
    if (rows.length === 0) return undefined
    const busy = rows.reduce((sum, [utilization]) => sum + utilization, 0) / rows.length
    return { busy, memory: Math.max(...rows.map(([, used]) => used)) }
  }
}

async function ours(device, precision) {
  const tags = schemeTags(['LOC', 'MISC', 'ORG', 'PER'], 'IOB2')
  const tagger = {
    encoder: bert.create({
      model_type: 'bert',
      hidden_size: shape.hidden,
      num_hidden_layers: shape.layers,
      num_attention_heads: heads,
      intermediate_size: 4 * shape.hidden,
      vocab_size: shape.vocabulary,
      max_position_embeddings: 512,
    }),
    head: 'softmax',
    tags,
    legal: legalTransitions(tags, 'IOB2'),
    dropout: 0.1,
  }
  const objective = taggingObjective(tagger, { smoothing: 0 })
  const options = { seed: 1, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1, device, precision }
  const weights = initialise(objective.parameters, 1)
  // The CPU stands in for CUDA: the same graph and the same trainer.
  const trainer = await (device === 'webgpu'
    ? createDeviceTrainer(tagger, objective, weights, options)
    : createLoopTrainer(tagger, objective, weights, { ...options, stepsPerRun: shape.steps }))
  const batches = Array.from({ length: 4 }, (_, i) => fullBatch(i, tags.length))
  let count = 0
  const run = async () => {
    const began = performance.now()
    for (let i = 0; i < shape.steps; i++) {
      const step = ++count
      await trainer.step(batches[step % batches.length], step, { encoder: 1e-5, head: 1e-5, crf: 1e-5 })
    }
    // A weight cannot be read before all steps are made.
    await trainer.weights(['classifier.bias'])
    return (performance.now() - began) / shape.steps
  }
  await trainer.step(batches[0], ++count, { encoder: 1e-5, head: 1e-5, crf: 1e-5 })
  await run()
  return { run, end: () => trainer.release() }
}

function fullBatch(number, labels) {
  const next = random('bench gpu', number)
  const words = shape.sequence - 2
  const piece = () => 1 + Math.floor(next() * (shape.vocabulary - 1))
  const examples = Array.from({ length: shape.batch }, () => ({
    windows: [Int32Array.from({ length: shape.sequence }, piece)],
    sentences: [
      {
        document: 0,
        firstWord: 0,
        window: new Int32Array(words),
        piece: Int32Array.from({ length: words }, (_, i) => i + 1),
        tags: Int32Array.from({ length: words }, () => Math.floor(next() * labels)),
      },
    ],
  }))
  return trainingParts(examples, { labels, padId: 0 }, shape.batch * shape.sequence)
}

async function pytorch(device, precision) {
  const peer = await startPeer('./pytorch.py', [
    ...['--device', device, '--precision', precision, '--layers', String(shape.layers), '--heads', String(heads)],
    ...['--hidden', String(shape.hidden), '--batch', String(shape.batch), '--sequence', String(shape.sequence)],
    ...['--vocabulary', String(shape.vocabulary)],
  ])
  if (!peer) return undefined
  await peer.ask('8')
  return { run: async () => (await peer.ask(String(shape.steps))).ms, end: () => peer.end() }
}

async function measured(title, precision, card, start) {
  let side
  try {
    side = await start()
    if (!side) return undefined
    const sampled = card.sample()
    const times = []
    for (let round = 0; round < shape.rounds; round++) times.push(await side.run())
    const seen = sampled()
    const ms = median(times)
    const rate = flopsOfStep(shape) / ms / 1e9
    const known = peaks.find(([pattern]) => pattern.test(card.name ?? ''))?.[1]
    const peak = values.peak ? Number(values.peak) : known?.[precision === 'fp32' ? 'fp32' : 'half']
    return [
      `${title} ${precision}`,
      (1000 / ms).toFixed(2),
      ms.toFixed(1),
      rate.toPrecision(3),
      peak ? `${((100 * rate) / peak).toFixed(1)} %` : '–',
      seen ? `${seen.busy.toFixed(0)} %` : '–',
      seen ? String(seen.memory) : '–',
    ]
  } catch (error) {
    console.error(`${title} ${precision}: ${error.message}`)
    return [`${title} ${precision}`, 'failed', ...Array(5).fill('–')]
  } finally {
    await side?.end()
  }
}

const card = watchCard()
const devices = values.device.split(',')
const precisions = values.precision.split(',')
console.log(
  `${card.name ?? 'no NVIDIA card'}; BERT ${shape.layers} × ${shape.hidden}, ${shape.batch} × ${shape.sequence} pieces`,
)
const rows = [['', 'steps/s', 'ms', 'TFLOP/s', 'of peak', 'GPU busy', 'MiB']]
for (const device of devices)
  for (const precision of precisions)
    rows.push(await measured(`ner ${device}`, precision, card, () => ours(device, precision)))
const theirs = devices.some((device) => device !== 'cpu') ? 'cuda' : 'cpu'
for (const precision of [...precisions, 'bf16'])
  rows.push(await measured(`PyTorch ${theirs}`, precision, card, () => pytorch(theirs, precision)))
printTable(rows.filter(Boolean))
// Dawn's threads would keep the process from ending.
process.exit(rows.some((row) => row?.[1] === 'failed') ? 1 : 0)
