import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from './python.js'
import { fromRoot, ours, trained, type Start } from './trained.js'

const python = pythonWith('torch', 'transformers')

let scratch: string

const starts: readonly Start[] = [
  { name: 'scratch', train: 'train', set: ['training.epochs=4', 'training.learning_rate=1e-3'] },
  ...['minilm-l6-uncased', 'e5-small-l12-cased'].map((name) => ({
    name,
    model: fromRoot(`../shared/models/${name}`),
    train: 'dev',
    set: ['model.head=softmax', 'training.epochs=1', 'training.batch_sentences=8', 'training.head_learning_rate=1e-2'],
  })),
]

describe.skipIf(!python)('a trained folder in Python', () => {
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'ner-interop-'))
  })
  afterAll(() => rmSync(scratch, { recursive: true }))

  for (const start of starts) {
    const absent = start.model !== undefined && !existsSync(start.model)
    test.skipIf(absent)(`from ${start.name}${absent ? `: ${start.model} is absent` : ''}`, async () => {
      const folder = await trained(scratch, start)
      const { documents, tagged, tags } = await ours(folder, 200)
      const sentences = join(scratch, 'sentences.json')
      writeFileSync(sentences, JSON.stringify(documents))
      const theirs: unknown = JSON.parse(
        execFileSync(python!, [fromRoot('test/interop/word_labels.py'), folder, sentences], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      )

      expect(tagged).toHaveLength(200)
      // Labels that are all alike would agree whatever the weights.
      expect(tags.size).toBeGreaterThan(2)
      expect(tagged).toEqual(theirs)
    })
  }
})
