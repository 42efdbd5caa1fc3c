import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { train } from '../../src/training/train.js'
import { followed } from '../training/follow.js'
import { fromRoot } from './trained.js'

// What somebody gets who sets nothing but the data and the encoder.
const encoder = fromRoot('../shared/models/minilm-l6-uncased')
const conll = fromRoot('../shared/data/conll2003')
const few = fromRoot('../shared/cases/11-small-data')
const scratch = mkdtempSync(join(tmpdir(), 'ner-defaults-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** The first so many sentences of a file in columns. */
function first(sentences: number, from: string): string {
  const path = join(scratch, `${sentences}.conll`)
  writeFileSync(path, `${readFileSync(from, 'utf8').split('\n\n').slice(0, sentences).join('\n\n')}\n`)
  return path
}

async function trained(output: string, data: object, set: string[] = []) {
  const config = loadConfig({ set, overrides: { ...data, 'model.path': encoder, output: join(scratch, output) } })
  return (await followed(train(config))).result
}

describe.skipIf(!existsSync(encoder))('defaults', () => {
  test.skipIf(!existsSync(few))('learn 95 sentences to an F1 of 0.9', async () => {
    const files = { 'data.train': 'train', 'data.dev': 'dev', 'data.test': 'test' }
    const data = Object.fromEntries(Object.entries(files).map(([key, name]) => [key, join(few, `${name}.conll`)]))
    const { test, warnings } = await trained('small', data)
    expect(test!.crf!.scores.micro.f1).toBeGreaterThanOrEqual(0.9)
    expect(warnings.filter((warning) => !warning.includes('CRF'))).toEqual([])
  })

  test.skipIf(!existsSync(conll))(
    'give emissions that plain argmax reads within 3 points of the CRF after two epochs on 1,500 sentences',
    async () => {
      const data = {
        'data.train': first(1500, join(conll, 'eng.train')),
        'data.dev': first(1200, join(conll, 'eng.testa')),
      }
      const { dev } = await trained('argmax', data, ['training.epochs=2'])
      const [crf, argmax] = [dev!.crf!.scores.micro.f1, dev!.argmax.scores.micro.f1]
      expect(crf).toBeGreaterThan(0.8)
      expect(crf - argmax).toBeLessThan(0.03)
    },
  )
})
