import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { legalTransitions } from '../../src/data/schemes.js'
import { trainTokenizer } from '../../src/features/train-tokenizer.js'
import { architectureOf, withLayers } from '../../src/models/architectures.js'
import type { HubConfig } from '../../src/models/encoder.js'
import { bucketOf } from '../../src/models/encoders/disentangled.js'
import { loadEncoder } from '../../src/models/folder.js'
import { loadModel, loadWeights, saveModel } from '../../src/artifacts/model.js'
import { readSafetensors } from '../../src/models/safetensors.js'
import { taggerParameters, type Tagger } from '../../src/models/tagger.js'
import { createSession } from '../../src/runtime/session.js'
import { tagTrainer, toBatch, type GoldenBatch } from '../training/golden-model.js'
import { distance, int64 } from './graphs.js'

/** Made by test/golden/models/encoders.py with PyTorch and transformers. */
interface Golden {
  readonly batch: GoldenBatch
  /** Of every piece that is not padding. */
  readonly logits: number[][]
  readonly loss: number
  readonly globalNorm: number
  /** Whole, or every seventh element of a large one. */
  readonly gradients: Readonly<Record<string, number[]>>
}

const folder = new URL('../golden/models/encoders/', import.meta.url)
const names = [
  'albert',
  'camembert',
  'deberta-v2',
  'deberta-v3',
  'distilbert',
  'electra',
  'modernbert',
  'roberta',
  'xlm-roberta',
]
const stride = 7
const options = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1, seed: 1 }

function load(name: string) {
  const golden = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden
  const config = JSON.parse(readFileSync(new URL(`${name}/config.json`, folder), 'utf8')) as HubConfig
  const architecture = architectureOf(config, name)
  const tags = Object.values(config['id2label'] as Record<string, string>)
  const encoder = architecture.create(config)
  const tagger: Tagger = {
    encoder,
    head: 'softmax',
    tags,
    legal: legalTransitions(tags, 'IOB2'),
    dropout: encoder.headDropout,
  }
  const stored = readSafetensors(new URL(`${name}/model.safetensors`, folder).pathname)
  return { golden, config, architecture, tagger, stored }
}

test.each<[string, object, string[]]>([
  ['every third', { global_attn_every_n_layers: 3 }, ['sliding_attention', 'full_attention', 'sliding_attention']],
  [
    'every third, which is the default',
    { layer_types: null },
    ['sliding_attention', 'full_attention', 'sliding_attention'],
  ],
  ['every second', { global_attn_every_n_layers: 2 }, ['sliding_attention', 'sliding_attention', 'sliding_attention']],
])('ModernBERT’s layers keep what they attend to where some are kept: %s is global', (_, rule, kinds) => {
  const { layer_types: _kinds, global_attn_every_n_layers: _every, ...config } = load('modernbert').config
  const kept = withLayers({ ...config, num_hidden_layers: 6, ...rule }, [1, 3, 5], 'modernbert')
  expect(kept).toMatchObject({ num_hidden_layers: 3, layer_types: kinds })
})

describe.each(names)('%s, as transformers computes it', (name) => {
  const { golden, config, architecture, tagger, stored } = load(name)
  const weights = new Map([...stored].map(([key, { data }]) => [key, data] as const))

  test('has the weights that its file has', () => {
    expect(config['architectures']).toEqual([architecture.tokenClassifier])
    const parameters = taggerParameters(tagger)
    expect(Object.fromEntries(parameters.map(({ name, shape }) => [name, [...shape]]))).toEqual(
      Object.fromEntries([...stored].map(([key, { shape }]) => [key, [...shape]])),
    )
  })

  test('has one layer, of the kind that its last has, where only that is kept', () => {
    const { layers } = tagger.encoder.sizes
    const one = withLayers(config, [layers - 1], name)
    const encoder = architecture.create(one)
    expect(encoder.sizes.layers).toBe(1)
    const all = new Set(tagger.encoder.parameters.map(({ name }) => name))
    expect(encoder.parameters.filter(({ name }) => !all.has(name))).toEqual([])
    const kinds = config['layer_types'] as string[] | undefined
    if (kinds) expect(one['layer_types']).toEqual([kinds[layers - 1]])
  })

  test('logits within 1e-5, at every piece', async () => {
    const trainer = await tagTrainer(tagger, weights, options)
    const logits = await trainer.logits(everyPiece(golden.batch))
    expect(distance(ofPieces(logits, golden.batch.attentionMask), golden.logits.flat())).toBeLessThan(1e-5)
    await trainer.release()
  })

  test('saved, it loads as it was and serves the same logits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ner-encoder-'))
    const tokenizer = await trainTokenizer(['abc', 'acb', 'cab', 'bca'], { vocabSize: 24, maxLength: 20 })
    const ner = { scheme: 'IOB2', window: 16, context: 'sentence', contextPieces: 0, lineage: {} } as const
    saveModel(folder, { config, tagger, tokenizer, weights, ner })
    const written = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as HubConfig
    expect(written).toMatchObject({
      model_type: config['model_type'],
      architectures: [architecture.tokenClassifier],
      id2label: config['id2label'],
    })
    const pretrained = await loadEncoder(folder)
    expect(Object.fromEntries(pretrained.weights)).toEqual(
      Object.fromEntries([...weights].filter(([key]) => !key.startsWith('classifier'))),
    )

    const model = await loadModel(folder)
    expect(new Map(loadWeights(model))).toEqual(weights)
    const session = await createSession(model.onnx, { threads: 1 })
    const { encoder } = tagger
    expect([...session.inputs].sort()).toEqual([
      'attention_mask',
      'input_ids',
      ...(encoder.takesTokenTypes ? ['token_type_ids'] : []),
    ])
    const { inputIds, attentionMask } = golden.batch
    const rows = (values: number[][]) => int64([values.length, values[0]!.length], values.flat())
    const types = inputIds.map((ids) => ids.map(() => 0))
    const served = await session.run({
      input_ids: rows(inputIds),
      attention_mask: rows(attentionMask),
      ...(encoder.takesTokenTypes && { token_type_ids: rows(types) }),
    })
    const logits = served['logits']!.data as Float32Array
    expect(distance(ofPieces(logits, attentionMask), golden.logits.flat())).toBeLessThan(1e-5)

    const longest = encoder.sizes.maxPositions
    const window = Array.from({ length: longest }, (_, i) => 4 + (i % 20))
    const ones = window.map(() => 1)
    const long = await session.run({
      input_ids: rows([window]),
      attention_mask: rows([ones]),
      ...(encoder.takesTokenTypes && { token_type_ids: rows([window.map(() => 0)]) }),
    })
    expect(long['logits']!.dims).toEqual([1, longest, 5])
    expect((long['logits']!.data as Float32Array).every(Number.isFinite)).toBe(true)
    await session.release()
    rmSync(folder, { recursive: true })
  })

  test('loss, every gradient within 1e-4, and their norm', async () => {
    const trainer = await tagTrainer(tagger, weights, options)
    const { loss, gradientNorm } = await trainer.step([toBatch(golden.batch)], 1, { encoder: 0, head: 0, crf: 0 })
    expect(Math.abs(loss - golden.loss)).toBeLessThan(1e-5)
    // The piece table's gradient is known by its rows only, and is part of the norm.
    expect(Math.abs(gradientNorm / golden.globalNorm - 1)).toBeLessThan(1e-4)
    const dense = trainer.optimizer.gradients('gradients')
    for (const { name } of taggerParameters(tagger)) {
      if (name === tagger.encoder.pieceTable) continue
      const actual = dense[name]!.data as Float32Array
      const sampled = actual.length <= 32 ? actual : actual.filter((_, i) => i % stride === 0)
      expect(distance(sampled, golden.gradients[name]!), name).toBeLessThan(1e-4)
    }
    await trainer.release()
  })
})

test('distances fall into the buckets of DeBERTa', () => {
  const golden = JSON.parse(readFileSync(new URL('buckets.json', folder), 'utf8')) as Record<string, number[]>
  for (const [key, buckets] of Object.entries(golden)) {
    const [size, span] = key.split(' ').map(Number) as [number, number]
    expect(
      buckets.map((_, distance) => bucketOf(distance, size, span)),
      key,
    ).toEqual(buckets)
    expect(buckets.map((_, distance) => -bucketOf(-distance, size, span) + 0)).toEqual(buckets)
  }
})

/** The logits of what is not padding. */
function ofPieces(logits: Float32Array, attentionMask: number[][]): number[] {
  return attentionMask.flat().flatMap((one, piece) => (one ? [...logits.subarray(piece * 5, piece * 5 + 5)] : []))
}

/** A batch in which every piece, padding too, is a word. */
function everyPiece(batch: GoldenBatch) {
  const sequence = batch.inputIds[0]!.length
  const rows = batch.inputIds.map((ids, row) => ids.map((_, i) => row * sequence + i))
  return toBatch({
    ...batch,
    wordIndex: rows,
    lengths: rows.map(() => sequence),
    tags: rows.map((row) => row.map(() => 0)),
  })
}
