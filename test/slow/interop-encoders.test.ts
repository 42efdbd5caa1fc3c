import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { legalTransitions } from '../../src/data/schemes.js'
import { trainTokenizer } from '../../src/features/train-tokenizer.js'
import { decodeArgmax } from '../../src/inference/decode.js'
import { architectureOf, architectures, freshConfig } from '../../src/models/architectures.js'
import { saveModel } from '../../src/artifacts/model.js'
import { initialise } from '../../src/models/parameters.js'
import { taggerParameters } from '../../src/models/tagger.js'
import { openModel } from '../../src/inference/tag.js'
import { pythonWith } from './python.js'

const script = fileURLToPath(new URL('../interop/word_labels.py', import.meta.url))
const python = pythonWith('torch', 'transformers')

const tags = ['O', 'B-X', 'I-X', 'B-Y', 'I-Y']
const sentences = [['abc', 'acb', 'cab'], ['bca', 'ab', 'c', 'abcab', 'acb', 'bb'], ['cc']]

test.skipIf(!python).each(Object.keys(architectures))(
  'a %s that was made here gives the same labels in Python',
  async (type) => {
    const folder = mkdtempSync(join(tmpdir(), 'ner-interop-'))
    try {
      await saveFresh(type, folder)
      writeFileSync(join(folder, 'sentences.json'), JSON.stringify(sentences))
      const printed = execFileSync(python!, [script, folder, join(folder, 'sentences.json')], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const ours = await labels(folder)
      expect(ours).toEqual(JSON.parse(printed))
      expect(new Set(ours.flat()).size).toBeGreaterThan(1)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

/** A model as training from nothing starts it, with weights large enough to tell words apart. */
async function saveFresh(type: string, folder: string) {
  const encoderTypes = (vocabSize: number, pad: number, cls?: number, sep?: number) =>
    freshConfig(
      type,
      { hiddenSize: 16, layers: 2, heads: 2, intermediateSize: 24, maxPositions: 32, vocabSize, pad, cls, sep },
      'the test',
    )
  const { takesTokenTypes: tokenTypes } = architectureOf({ model_type: type }, '').create(encoderTypes(24, 0))
  const words = sentences.flat()
  const tokenizer = await trainTokenizer(words, { vocabSize: 24, maxLength: 32, tokenTypes })
  const { vocabSize, pad, cls, sep } = tokenizer
  const config = encoderTypes(vocabSize, pad, cls, sep)
  const encoder = architectureOf(config, 'the test').create(config)
  const tagger = { encoder, head: 'softmax', tags, legal: legalTransitions(tags, 'IOB2'), dropout: 0 } as const
  const weights = initialise(taggerParameters(tagger), 4)
  for (const { name, shape } of taggerParameters(tagger))
    if (shape.length > 1) weights.get(name)!.forEach((value, i, data) => (data[i] = value * 8))
  const ner = { scheme: 'IOB2', window: 32, context: 'sentence', contextPieces: 0, lineage: {} } as const
  saveModel(folder, { config, tagger, tokenizer, weights, ner })
}

async function labels(folder: string): Promise<string[][]> {
  const documents = sentences.map((words, i) => {
    const text = words.join(' ')
    let start = 0
    const tokens = words.map((word) => ({ start, end: (start += word.length + 1) - 1 }))
    return { id: String(i), text, tokens, layers: {} }
  })
  const model = await openModel(folder, { device: 'cpu' })
  const tagged = (await model.tag(documents)).documents
  await model.close()
  return tagged.map(({ emissions }) => Array.from(decodeArgmax(emissions, tags.length).tags, (tag) => tags[tag]!))
}
