import { readFileSync } from 'node:fs'
import type { Batch } from '../../src/features/batch.js'
import { crfNames } from '../../src/models/crf.js'
import { bert } from '../../src/models/encoders/bert.js'
import type { ParameterData } from '../../src/models/parameters.js'
import { readSafetensors, type StoredTensor } from '../../src/models/safetensors.js'
import type { HeadKind, Tagger } from '../../src/models/tagger.js'
import { taggingObjective } from '../../src/training/objective.js'
import { createTrainer, type TrainerOptions } from '../../src/training/cpu/trainer.js'
import { anything } from '../models/enumeration.js'

// Made by test/golden/models/make.py with PyTorch and transformers.
const folder = new URL('../golden/models/', import.meta.url)

export function readGolden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
}

export function readTensors(name: string): Map<string, StoredTensor> {
  return readSafetensors(new URL(name, folder).pathname)
}

export interface GoldenBatch {
  readonly inputIds: number[][]
  readonly attentionMask: number[][]
  readonly wordIndex: number[][]
  readonly lengths: number[]
  readonly tags: number[][]
}

export function toBatch({ inputIds, attentionMask, wordIndex, lengths, tags }: GoldenBatch): Batch {
  const int64 = (rows: number[][]) => BigInt64Array.from(rows.flat(), BigInt)
  return {
    sizes: {
      batch: inputIds.length,
      sequence: inputIds[0]!.length,
      sentences: lengths.length,
      words: wordIndex[0]!.length,
    },
    inputIds: int64(inputIds),
    attentionMask: int64(attentionMask),
    wordIndex: int64(wordIndex),
    lengths: BigInt64Array.from(lengths, BigInt),
    rows: lengths.map((length, row) => ({
      document: row,
      firstWord: 0,
      window: new Int32Array(length).fill(row),
      piece: new Int32Array(length),
      tags: Int32Array.from(tags[row]!.slice(0, length)),
    })),
    pieceCount: attentionMask.flat().filter(Boolean).length,
    wordCount: lengths.reduce((a, b) => a + b, 0),
  }
}

/** The golden tiny BERT; `dropout` is the rate at every place that has one. */
export function tinyTagger(head: HeadKind, dropout = 0): Tagger {
  const config = readGolden('tiny-bert/config.json') as Record<string, unknown> & { id2label: Record<string, string> }
  const rates = { hidden_dropout_prob: dropout, attention_probs_dropout_prob: dropout }
  const tags = Object.values(config.id2label)
  return { encoder: bert.create({ ...config, ...rates }), head, tags, legal: anything(tags.length), dropout }
}

/** A trainer towards plain tags. */
export function tagTrainer(tagger: Tagger, initial: ParameterData, options: TrainerOptions) {
  return createTrainer(tagger, taggingObjective(tagger, { smoothing: 0 }), initial, options)
}

export function tinyWeights(extra: Readonly<Record<string, number[]>> = {}): Map<string, Float32Array> {
  return new Map([
    ...[...readTensors('tiny-bert/model.safetensors')].map(([name, { data }]) => [name, data] as const),
    ...Object.entries(extra).map(([name, values]) => [name, Float32Array.from(values)] as const),
  ])
}

/** The tiny model's weights, and of a CRF scores that are all different. */
export function tinyStart({ head, tags }: Tagger): Map<string, Float32Array> {
  if (head === 'softmax') return tinyWeights()
  const scores = (size: number) => Array.from({ length: size }, (_, i) => Math.sin(i) / 4)
  return tinyWeights({
    [crfNames.transitions]: scores(tags.length ** 2),
    [crfNames.start]: scores(tags.length),
    [crfNames.end]: scores(tags.length),
  })
}
