import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { readDocuments } from '../../src/data/read.js'
import { decodeArgmax } from '../../src/models/decode.js'
import { openModel } from '../../src/run/tag.js'
import { train } from '../../src/training/train.js'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const python = process.env.NER_TEST_PYTHON

let scratch: string

interface Start {
  readonly name: string
  readonly model?: string
  readonly train: string
  readonly set: readonly string[]
}

const starts: readonly Start[] = [
  { name: 'scratch', train: 'train', set: ['training.epochs=4', 'training.learning_rate=1e-3'] },
  ...['minilm-l6-uncased', 'e5-small-l12-cased'].map((name) => ({
    name,
    model: fromRoot(`../shared/models/${name}`),
    train: 'dev',
    set: ['model.head=softmax', 'training.epochs=1', 'training.batch_sentences=8', 'training.head_learning_rate=1e-2'],
  })),
]

describe.skipIf(!python)('a trained folder in Python, where NER_TEST_PYTHON names one with transformers', () => {
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'ner-interop-'))
  })
  afterAll(() => rmSync(scratch, { recursive: true }))

  for (const start of starts) {
    const absent = start.model !== undefined && !existsSync(start.model)
    test.skipIf(absent)(`from ${start.name}${absent ? `: ${start.model} is absent` : ''}`, async () => {
      const folder = await trained(start)
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

async function trained({ name, model, train: part, set }: Start): Promise<string> {
  const output = join(scratch, name)
  const config = loadConfig({
    set,
    overrides: { 'model.path': model, 'data.train': fromRoot(`data/sample/${part}.conll`), output },
  })
  for await (const event of train(config)) if (event.kind === 'done') expect(event.interrupted).toBe(false)
  return output
}

/** The words of the first sentences of the sample's test part, and our argmax labels for them. */
async function ours(folder: string, sentences: number) {
  const corpus = await readDocuments(fromRoot('data/sample/test.conll'))
  const loaded = await openModel(folder, { device: 'cpu' })
  const labels = loaded.model.tagger.tags
  const documents: string[][] = []
  const tagged: string[][] = []
  for (const { document, emissions } of await loaded.tag(corpus.documents)) {
    for (const { start, end } of document.sentences) {
      documents.push(document.tokens.slice(start, end).map((token) => document.text.slice(token.start, token.end)))
      const rows = emissions.subarray(start * labels.length, end * labels.length)
      tagged.push(Array.from(decodeArgmax(rows, labels.length).tags, (index) => labels[index]!))
    }
  }
  await loaded.release()
  const first = tagged.slice(0, sentences)
  return { documents: documents.slice(0, sentences), tagged: first, tags: new Set(first.flat()) }
}
