// npm run bench -- distill [--rounds N] [--threads N]
//
// A distillation step, 12 layers × 384 to 6, fp32, CRFs on both, beside its parts timed in the same turns: a plain training
// step of the student, and a forward pass of the teacher. Cached is the same step with the teacher's logits from before.
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { distillationObjective } from '../dist/compress/distill/objective.js'
import { defaults } from '../dist/config/schema.js'
import { legalTransitions, schemeTags } from '../dist/data/schemes.js'
import { encodeModel } from '../dist/graph/onnx/encode.js'
import { bert } from '../dist/models/encoders/bert.js'
import { initialise } from '../dist/models/parameters.js'
import { loadEngine } from '../dist/inference/engine.js'
import { servingGraph } from '../dist/models/serving.js'
import { taggerParameters } from '../dist/models/tagger.js'
import { random } from '../dist/random.js'
import { taggingObjective } from '../dist/training/objective.js'
import { trainingParts } from '../dist/training/plan.js'
import { createTrainer } from '../dist/training/cpu/trainer.js'
import { median, printTable, takeTurns } from './turns.js'

const shapes = [
  { batch: 32, sequence: 128 },
  { batch: 16, sequence: 64 },
  { batch: 16, sequence: 24 },
]

const lossRow = (loss) => ({ loss, weight: 1, layer_teacher: null, layer_student: null })
const posterior = [lossRow('posterior'), lossRow('gold')]

export async function bench(flags) {
  const { values } = parseArgs({
    args: flags,
    options: { rounds: { type: 'string', default: '7' }, threads: { type: 'string', default: '2' } },
  })
  const threads = Number(values.threads)
  const [teacher, student] = [modelOf(12), modelOf(6)]
  const steps = {
    plain: await stepper(student, taggingObjective(student.tagger, { smoothing: 0, emissionLoss: 0.1 }), threads),
    distilled: await stepper(student, objective(student, teacher, posterior), threads),
    cached: await stepper(student, objective(student, teacher, posterior, [zeroLogits(student)]), threads),
    layers: await stepper(
      student,
      objective(student, teacher, [...posterior, lossRow('hidden'), lossRow('relations')]),
      threads,
    ),
  }
  const served = await loadEngine(
    encodeModel(servingGraph(teacher.tagger, teacher.weights)),
    student.tagger.tags.length,
    {
      threads,
    },
  )
  const rows = [
    [
      'batch × pieces',
      'student ms',
      'teacher ms',
      'distilled ms',
      '× the two',
      'cached ms',
      '+ layers ms',
      '× the two',
    ],
  ]
  for (const { batch, sequence } of shapes) {
    const parts = trainingParts(examplesOf(batch, sequence, student.tagger.tags), { labels: 0, padId: 0 })
    const forward = () =>
      timed(async () => {
        for (const part of parts) await served.run(part)
      })
    const sides = {
      ...Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, () => timed(() => step.run(parts))])),
      forward,
    }
    await takeTurns(sides, 2)
    const times = await takeTurns(sides, Number(values.rounds))
    // Of the same turn each, so that a machine that slows down slows both sides of a ratio.
    const ratio = (name) => median(times[name].map((time, i) => time / (times.plain[i] + times.forward[i])))
    const shown = (name) => median(times[name]).toFixed(0)
    rows.push([
      `${batch} × ${sequence}`,
      shown('plain'),
      shown('forward'),
      shown('distilled'),
      ratio('distilled').toFixed(2),
      shown('cached'),
      shown('layers'),
      ratio('layers').toFixed(2),
    ])
  }
  printTable(rows)
  for (const { trainer } of Object.values(steps)) await trainer.release()
  await served.close()
}

function modelOf(layers) {
  const tags = schemeTags(['LOC', 'MISC', 'ORG', 'PER'], 'IOB2')
  const config = {
    model_type: 'bert',
    hidden_size: 384,
    num_hidden_layers: layers,
    num_attention_heads: 12,
    intermediate_size: 1536,
    vocab_size: 28996,
    max_position_embeddings: 512,
  }
  const tagger = {
    encoder: bert.create(config),
    head: 'crf',
    tags,
    legal: legalTransitions(tags, 'IOB2'),
    dropout: 0.1,
  }
  return { tagger, weights: initialise(taggerParameters(tagger), 1) }
}

const objective = (student, { tagger, weights }, losses, cached) =>
  distillationObjective(student.tagger, [{ name: 'teacher', model: { tagger }, weights, hash: '' }], {
    distill: { ...defaults.distill, losses },
    training: defaults.training,
    softTargets: false,
    cached,
  })

async function stepper({ tagger, weights }, objective, threads) {
  const trainer = await createTrainer(tagger, objective, weights, {
    seed: 1,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay: 0.01,
    maxGradNorm: 1,
    threads,
  })
  let number = 0
  const rates = { encoder: 1e-5, head: 1e-5, crf: 1e-5 }
  return { trainer, run: (parts) => trainer.step(parts, ++number, rates) }
}

/** As a cache gives them: the cost is in the copy. */
const zeroLogits = ({ tagger }) => ({
  of: ({ sizes: { sentences, words } }) => ({
    dtype: 'float32',
    dims: [sentences, words, tagger.tags.length],
    data: new Float32Array(sentences * words * tagger.tags.length),
  }),
})

function examplesOf(batch, sequence, tags) {
  const next = random('bench')
  const words = sequence - 2
  return Array.from({ length: batch }, () => ({
    windows: [Int32Array.from({ length: sequence }, () => 1000 + Math.floor(next() * 27000))],
    sentences: [
      {
        document: 0,
        firstWord: 0,
        window: new Int32Array(words),
        piece: Int32Array.from({ length: words }, (_, i) => i + 1),
        // Tags of B- and O only, which every scheme lets follow each other.
        tags: Int32Array.from({ length: words }, () => (next() < 0.8 ? 0 : tags.indexOf('B-PER'))),
      },
    ],
  }))
}

async function timed(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}
