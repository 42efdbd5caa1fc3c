import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quantize, type QuantizeOptions } from '../../../src/compress/quantize/quantize.js'
import { loadPredictor, type Entity } from '../../../src/inference/predict.js'
import { random } from '../../../src/random.js'
import { tinyTagger } from '../../inference/tiny-tagger.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-neighbours-'))
let model = ''
let labelled = ''
beforeAll(async () => {
  model = await tinyTagger()
  labelled = join(scratch, 'own.conll')
  writeFileSync(labelled, 'abc\tB-X\nbca\tO\n\ncab\tB-Y\nacb\tI-Y\n')
})
afterAll(() => rmSync(scratch, { recursive: true }))

/** Texts of 1 to 20 words. */
function texts(): string[] {
  const next = random('texts')
  const word = () => Array.from({ length: 1 + Math.floor(4 * next()) }, () => 'abc'[Math.floor(3 * next())]).join('')
  return Array.from({ length: 60 }, () => Array.from({ length: 1 + Math.floor(20 * next()) }, word).join(' '))
}

async function quantized(options: Partial<QuantizeOptions>): Promise<string> {
  const out = join(scratch, JSON.stringify(options).replace(/\W+/g, '-'))
  const work = quantize(model, {
    method: 'dynamic',
    embeddings: false,
    calibration: 'min-max',
    qatSteps: 0,
    maxF1Drop: 100,
    perTypeMaxDrop: 100,
    out,
    threads: 1,
    ...options,
  })
  for (;;) {
    const { value, done } = await work.next()
    if (done === true) return value.output
  }
}

async function readings(folder: string, all: readonly string[]) {
  const predictor = await loadPredictor(folder, { threads: 1 })
  try {
    const alone: Entity[] = []
    for (const text of all) alone.push(...(await predictor.predict([text])).flat())
    const together = (await predictor.predict(all)).flat()
    const reversed = (await predictor.predict(all.toReversed())).toReversed().flat()
    return { alone, together, reversed }
  } finally {
    await predictor.close()
  }
}

describe('what is found in a text, with its scores, is the same alone and beside others', () => {
  test.each<[string, (() => Partial<QuantizeOptions>) | undefined]>([
    ['in float', undefined],
    ['in dynamic int8', () => ({})],
    ['in dynamic int8 with weights of 7 bits, and the table', () => ({ cpu: 'avx2', embeddings: true })],
    ['in static int8', () => ({ method: 'static', calib: labelled })],
    ['after fine-tuning', () => ({ qatSteps: 2, calib: labelled })],
  ])('%s', async (_, options) => {
    const folder = options ? await quantized(options()) : model
    const { alone, together, reversed } = await readings(folder, texts())
    expect(alone.length).toBeGreaterThan(100)
    expect(together).toEqual(alone)
    expect(reversed).toEqual(alone)
  })
})
