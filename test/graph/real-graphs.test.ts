import { describe, expect, test } from 'vitest'
import type { LossRow } from '../../src/compress/distill/losses.js'
import { distillationObjective } from '../../src/compress/distill/objective.js'
import type { Teacher } from '../../src/compress/distill/teachers.js'
import { defaults } from '../../src/config/schema.js'
import { legalTransitions } from '../../src/data/schemes.js'
import { addBestPath } from '../../src/export/onnx.js'
import type { Graph } from '../../src/graph/graph.js'
import { countNodes, print } from '../../src/graph/print.js'
import { balance } from '../../src/graph/rewrite/balance.js'
import { quantizeDynamic } from '../../src/graph/rewrite/dynamic.js'
import { halve } from '../../src/graph/rewrite/half.js'
import { quantizeStatic } from '../../src/graph/rewrite/static.js'
import { quantizeTables } from '../../src/graph/rewrite/tables.js'
import { verify } from '../../src/graph/verify.js'
import { bert } from '../../src/models/encoders/bert.js'
import { elements, type ParameterData } from '../../src/models/parameters.js'
import { servingGraph } from '../../src/models/serving.js'
import { taggerParameters, type HeadKind, type Tagger, type TaggingLossOptions } from '../../src/models/tagger.js'
import { buildGradients } from '../../src/training/device/gradients.js'
import { buildUpdate } from '../../src/training/device/update.js'
import { taggingObjective } from '../../src/training/objective.js'
import { buildStep } from '../../src/training/step.js'

const tags = ['O', 'B-PER', 'I-PER']

/** A BERT of one layer, with dropout. */
function tagger(head: HeadKind, layers = 1): Tagger {
  const encoder = bert.create({
    model_type: 'bert',
    vocab_size: 6,
    hidden_size: 4,
    num_hidden_layers: layers,
    num_attention_heads: 2,
    intermediate_size: 8,
    max_position_embeddings: 5,
    type_vocab_size: 2,
  })
  return { encoder, head, tags, legal: legalTransitions(tags, 'IOB2'), dropout: 0.1 }
}

/** Weights that are all different, and the same everywhere. */
function weightsOf(of: Tagger): ParameterData {
  return new Map(
    taggerParameters(of).map(({ name, shape }, at) => [
      name,
      Float32Array.from({ length: elements(shape) }, (_, i) => (((i * 37 + at * 11) % 64) - 31) / 32),
    ]),
  )
}

const sizes = { batch: 1, sequence: 4, sentences: 2, words: 2 }
const adamW = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 }

const step = (head: HeadKind, options?: TaggingLossOptions) => buildStep(tagger(head), options).graph

function distillation(): Graph {
  const teacher = { name: 'teacher', model: { tagger: tagger('crf', 2) }, weights: weightsOf(tagger('crf', 2)) }
  const losses = (['gold', 'soft', 'posterior', 'hidden', 'relations'] as const).map((loss): LossRow => ({
    loss,
    weight: 0.5,
    layer_teacher: null,
    layer_student: null,
  }))
  return distillationObjective(tagger('crf'), [teacher as unknown as Teacher], {
    distill: { ...defaults.distill, losses },
    training: defaults.training,
    softTargets: false,
  }).step({ batch: 'batch', sequence: 'sequence', sentences: 'sentences', words: 'words' }).graph
}

const served = () => servingGraph(tagger('softmax'), weightsOf(tagger('softmax')))
const layer = 'bert.encoder.layer.0'
const layers = ['attention.self.query', 'attention.self.key', 'intermediate.dense'].map((name) => `${layer}.${name}`)

function device(head: HeadKind, precision: 'fp32' | 'fp16'): Graph {
  const of = tagger(head)
  return buildGradients(of, taggingObjective(of, { smoothing: 0 }), sizes, 4, { precision }).graph
}

const graphs: Readonly<Record<string, () => Graph>> = {
  'step-softmax': () => step('softmax'),
  'step-crf': () => step('crf', { emissionLoss: 0.5 }),
  'step-crf-soft': () => step('crf', { softTargets: true }),
  'step-crf-partial': () => step('crf', { unknownWords: true }),
  'step-distillation': distillation,
  served,
  'served-viterbi': () => {
    const of = tagger('crf')
    const chain = { labels: 3, transitions: new Float64Array(9), start: new Float64Array(3), end: new Float64Array(3) }
    const g = servingGraph(of, weightsOf(of))
    addBestPath(g, chain)
    return g
  },
  'served-fp16': () => halve(served()).graph,
  'served-int8-tables': () => quantizeTables(served(), (name) => name.endsWith('word_embeddings.weight')).graph,
  'served-int8-dynamic': () =>
    quantizeDynamic(served(), {
      limit: 127,
      includes: (name) => layers.includes(name),
      ranges: new Map(layers.slice(0, 2).map((name) => [name, { low: -1, high: 2 }])),
    }).graph,
  'served-int8-balanced': () => {
    const factors = new Map(layers.map((name) => [name, Float32Array.of(1, 2, 4, 8)]))
    return quantizeDynamic(balance(served(), factors).graph, {
      limit: 127,
      includes: (name) => layers.includes(name),
    }).graph
  },
  'served-int8-static': () =>
    quantizeStatic(served(), {
      limit: 127,
      activations: 'uint8',
      thresholds: new Map(layers.map((name, i) => [name, i + 1])),
    }).graph,
  'device-gradients-crf': () => device('crf', 'fp32'),
  'device-gradients-softmax-fp16': () => device('softmax', 'fp16'),
  'device-gradients-crf-fp16': () => device('crf', 'fp16'),
  'device-update': () => {
    const { encoder } = tagger('crf')
    return buildUpdate(taggerParameters(tagger('crf')), encoder.pieceTable, 4, adamW, { gated: true, scaled: true })
  },
}

// A change of a file that is meant is written with `npx vitest run test/graph/real-graphs.test.ts --update`: read the
// difference.
describe('graphs that are trained, served and shipped, at a tiny size', () => {
  test.each(Object.keys(graphs))('%s', async (name) => {
    const g = graphs[name]!()
    verify(g)
    await expect(`${countNodes(g)}\n${print(g)}`).toMatchFileSnapshot(`../golden/graph/${name}.txt`)
  })
})
