// npm run bench -- train [--rounds N] [--threads N] [--end-to-end]
//
// One training step of a 6 × 384 BERT tagger, fp32, dropout 0.1, on full batches of three shapes, beside PyTorch eager
// with fused AdamW. With --end-to-end, a whole fine-tuning on CoNLL-2003 beside ../shared/peers/hf_finetune.py instead.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { legalTransitions, schemeTags } from '../dist/data/schemes.js'
import { bert } from '../dist/models/encoders/bert.js'
import { initialise } from '../dist/models/parameters.js'
import { taggerParameters } from '../dist/models/tagger.js'
import { taggingObjective } from '../dist/training/objective.js'
import { trainingParts } from '../dist/training/plan.js'
import { createTrainer } from '../dist/training/cpu/trainer.js'
import { random } from '../dist/random.js'
import { median, peakMemory, printTable, startPeer, takeTurns } from './turns.js'

const shapes = [
  { batch: 32, sequence: 128 },
  { batch: 16, sequence: 64 },
  { batch: 16, sequence: 24 },
]

export async function bench(flags) {
  const { values } = parseArgs({
    args: flags,
    options: {
      rounds: { type: 'string', default: '7' },
      threads: { type: 'string', default: '2' },
      'end-to-end': { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
    },
  })
  if (values['end-to-end']) return endToEnd(values)
  const rows = [['batch × pieces', 'ours ms', 'PyTorch ms', 'times as fast', 'peak MiB', "PyTorch's"]]
  for (const shape of shapes) rows.push(await stepRow(shape, Number(values.rounds), Number(values.threads)))
  printTable(rows)
}

/** Peak memory is the process's so far: the largest shape comes first, and its row is the one to read. */
async function stepRow({ batch, sequence }, rounds, threads) {
  const ours = await stepper(batch, sequence, threads)
  const peer = await startPeer('step.py', [
    '--interactive',
    ...['--batch', String(batch), '--seq', String(sequence), '--threads', String(threads)],
  ])
  let peerMemory = 0
  const sides = { ours: ours.step }
  if (peer) {
    sides.peer = async () => {
      const answer = await peer.ask('1')
      peerMemory = answer.peak_rss_mb
      return answer.median_ms
    }
  }
  const times = await takeTurns(sides, rounds)
  await peer?.end()
  await ours.release()
  const own = median(times.ours)
  const other = times.peer && median(times.peer)
  return [
    `${batch} × ${sequence}`,
    own.toFixed(0),
    other?.toFixed(0) ?? '–',
    other ? (other / own).toFixed(2) : '–',
    peakMemory().toFixed(0),
    peer ? peerMemory.toFixed(0) : '–',
  ]
}

async function stepper(batch, sequence, threads) {
  const tags = schemeTags(['LOC', 'MISC', 'ORG', 'PER'], 'IOB2')
  const tagger = {
    encoder: bert.create({
      model_type: 'bert',
      hidden_size: 384,
      num_hidden_layers: 6,
      num_attention_heads: 12,
      intermediate_size: 1536,
      vocab_size: 30522,
      max_position_embeddings: 512,
    }),
    head: 'softmax',
    tags,
    legal: legalTransitions(tags, 'IOB2'),
    dropout: 0.1,
  }
  const trainer = await createTrainer(
    tagger,
    taggingObjective(tagger, { smoothing: 0 }),
    initialise(taggerParameters(tagger), 1),
    {
      seed: 1,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0.01,
      maxGradNorm: 1,
      threads,
    },
  )
  const next = random('bench')
  const words = sequence - 2
  const examples = Array.from({ length: batch }, () => ({
    windows: [Int32Array.from({ length: sequence }, () => 1000 + Math.floor(next() * 29000))],
    sentences: [
      {
        document: 0,
        firstWord: 0,
        window: new Int32Array(words),
        piece: Int32Array.from({ length: words }, (_, i) => i + 1),
        tags: Int32Array.from({ length: words }, () => Math.floor(next() * tags.length)),
      },
    ],
  }))
  const parts = trainingParts(examples, { labels: tags.length, padId: 0 })
  let number = 0
  const step = async () => {
    const began = performance.now()
    await trainer.step(parts, ++number, { encoder: 1e-5, head: 1e-5, crf: 1e-5 })
    return performance.now() - began
  }
  for (let warmUp = 0; warmUp < 3; warmUp++) await step()
  return { step, release: () => trainer.release() }
}

/** Both sides as a stranger runs them, start to finish: read, train 3 epochs, score the test set. */
async function endToEnd({ seed }) {
  const shared = fileURLToPath(new URL('../../shared/', import.meta.url))
  const data = (name) => join(shared, 'data/conll2003', name)
  const model = join(shared, 'models/minilm-l6-uncased')
  if (!existsSync(model)) throw new Error(`${model} is not there`)
  const scratch = mkdtempSync(join(tmpdir(), 'ner-bench-'))
  try {
    const ner = fileURLToPath(new URL('../bin/ner.js', import.meta.url))
    const config = fileURLToPath(new URL('../configs/default.yaml', import.meta.url))
    const settings = ['model.head=softmax', `seed=${seed}`].flatMap((setting) => ['--set', setting])
    const files = ['--model', model, '--train', data('eng.train'), '--test', data('eng.testb')]
    const out = join(scratch, 'run')
    const ours = await timed(process.execPath, [ner, 'train', config, ...files, '--out', out, ...settings])
    const { test_argmax_conlleval_f1: f1 } = JSON.parse(readFileSync(join(out, 'all_results.json'), 'utf8'))
    console.log(`ours     ${ours.toFixed(0)} s, test F1 ${(100 * f1).toFixed(2)} (conlleval mode)`)
    const python = process.env.NER_BENCH_PYTHON
    if (!python) return console.log('NER_BENCH_PYTHON names no Python with torch and transformers.')
    const launcher = fileURLToPath(new URL('peers/finetune.py', import.meta.url))
    const script = join(shared, 'peers/hf_finetune.py')
    const peer = await timed(python, [
      launcher,
      script,
      model,
      data('eng.train'),
      data('eng.testb'),
      '--bucket',
      '--seed',
      seed,
    ])
    console.log(`PyTorch  ${peer.toFixed(0)} s; ours takes ${(ours / peer).toFixed(2)} of it`)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** Seconds of a whole process. */
async function timed(command, args) {
  const began = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  return (performance.now() - began) / 1000
}
