import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { architectureOf, type HubConfig } from '../../src/models/encoder.js'
import { bucketOf } from '../../src/models/encoders/disentangled.js'
import { readSafetensors } from '../../src/models/safetensors.js'
import { taggerParameters, type Tagger } from '../../src/models/tagger.js'
import { tagTrainer, toBatch, type GoldenBatch } from '../training/golden-model.js'
import { anything } from './enumeration.js'
import { distance } from './graphs.js'

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
  const tagger: Tagger = { encoder, head: 'softmax', tags, legal: anything(tags.length), dropout: encoder.headDropout }
  const stored = readSafetensors(new URL(`${name}/model.safetensors`, folder).pathname)
  return { golden, config, architecture, tagger, stored }
}

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

  test('logits within 1e-5, at every piece', async () => {
    const trainer = await tagTrainer(tagger, weights, options)
    const logits = await trainer.logits(everyPiece(golden.batch))
    const real = golden.batch.attentionMask.flat()
    const actual = real.flatMap((one, piece) => (one ? [...logits.subarray(piece * 5, piece * 5 + 5)] : []))
    expect(distance(actual, golden.logits.flat())).toBeLessThan(1e-5)
    await trainer.release()
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
