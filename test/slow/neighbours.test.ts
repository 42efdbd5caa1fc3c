import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quantize, type QuantizeOptions } from '../../src/compress/quantize/quantize.js'
import { readDocuments } from '../../src/data/read.js'
import { segment } from '../../src/data/segment.js'
import { loadPredictor, type Entity, type Predictor } from '../../src/inference/predict.js'
import { random } from '../../src/random.js'
import { fromRoot, trained } from './trained.js'

const corpora = ['conll2003/eng.testb', 'wnut17/test.conll'].map((name) => fromRoot(`../shared/data/${name}`))
const encoder = fromRoot('../shared/models/minilm-l6-uncased')
const missing = [...corpora, encoder].filter((path) => !existsSync(path))
if (missing.length > 0) process.stderr.write(`neighbours: skipped without ${missing.join(', ')}\n`)

/** So many sentences of both corpora, half of each. */
async function sentences(count: number): Promise<string[]> {
  const own = await Promise.all(
    corpora.map(async (path) => {
      const { documents } = await readDocuments(path)
      return documents
        .map(segment)
        .flatMap(({ text, tokens, sentences: ranges }) =>
          ranges.map(({ start, end }) => text.slice(tokens[start]!.start, tokens[end - 1]!.end)),
        )
        .slice(0, count / corpora.length)
    }),
  )
  return own.flat()
}

const shuffled = (size: number, seed: number) => {
  const next = random('order', seed)
  const keys = Array.from({ length: size }, () => next())
  return [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!)
}

/** Each text's entities, read in this order in batches of 2 to 64. */
async function inBatches(predictor: Predictor, texts: readonly string[], order: readonly number[]) {
  const found = new Map<number, Entity[]>()
  const next = random('sizes', order[0]!)
  for (let at = 0; at < order.length;) {
    const members = order.slice(at, at + 2 + Math.floor(63 * next()))
    const entities = await predictor.predict(members.map((i) => texts[i]!))
    members.forEach((i, k) => found.set(i, entities[k]!))
    at += members.length
  }
  return texts.map((_, i) => found.get(i)!)
}

describe.skipIf(missing.length > 0)('2,000 texts, alone and in batches in three orders', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ner-neighbours-'))
  let model = ''
  beforeAll(async () => {
    const set = ['model.head=crf', 'training.epochs=1', 'training.learning_rate=1e-4']
    model = await trained(scratch, { name: 'float', model: encoder, train: 'train', set })
  })
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  async function quantized(options: Partial<QuantizeOptions>): Promise<string> {
    const work = quantize(model, {
      method: 'dynamic',
      embeddings: false,
      calibration: 'min-max',
      qatSteps: 0,
      maxF1Drop: 100,
      perTypeMaxDrop: 100,
      out: join(scratch, `int8-${JSON.stringify(options).replace(/\W+/g, '-')}`),
      threads: 2,
      ...options,
    })
    for (;;) {
      const { value, done } = await work.next()
      if (done === true) return value.output
    }
  }

  const dev = fromRoot('data/sample/dev.conll')
  test.each<[string, Partial<QuantizeOptions> | undefined]>([
    ['fp32', undefined],
    ['dynamic', {}],
    ['dynamic, 7 bits and the table in int8', { cpu: 'avx2', embeddings: true }],
    ['static', { method: 'static', calib: dev }],
    ['auto', { method: 'auto', dev, maxF1Drop: 5 }],
  ])('%s', async (name, options) => {
    const texts = await sentences(2000)
    const predictor = await loadPredictor(options ? await quantized(options) : model, { threads: 2 })
    try {
      const alone: Entity[][] = []
      for (const text of texts) alone.push(...(await predictor.predict([text])))
      let apart = 0
      for (const seed of [1, 2, 3]) {
        const together = await inBatches(predictor, texts, shuffled(texts.length, seed))
        const places = (all: readonly Entity[][]) => all.map((own) => own.map(({ score: _, ...entity }) => entity))
        expect(places(together)).toEqual(places(alone))
        const before = alone.flat()
        together.flat().forEach(({ score }, i) => (apart = Math.max(apart, Math.abs(score - before[i]!.score))))
      }
      process.stderr.write(`${name}: ${alone.flat().length} entities, scores apart by at most ${apart}\n`)
      expect(alone.flat().length).toBeGreaterThan(500)
      expect(apart).toBeLessThan(1e-6)
    } finally {
      await predictor.close()
    }
  })
})
