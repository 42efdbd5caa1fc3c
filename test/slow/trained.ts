import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { readDocuments } from '../../src/data/read.js'
import { decodeArgmax, decodeChain } from '../../src/inference/decode.js'
import { segment } from '../../src/data/segment.js'
import { openModel, type TaggedDocument } from '../../src/inference/tag.js'
import { train } from '../../src/training/train.js'
import { followed } from '../training/follow.js'

export const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** A short training on a part of the sample. */
export interface Start {
  readonly name: string
  readonly model?: string
  readonly train: string
  readonly set: readonly string[]
}

/** A folder in `scratch` that it leaves. */
export async function trained(scratch: string, { name, model, train: part, set }: Start): Promise<string> {
  const output = join(scratch, name)
  const config = loadConfig({
    set,
    overrides: { 'model.path': model, 'data.train': fromRoot(`data/sample/${part}.conll`), output },
  })
  expect((await followed(train(config))).result.interrupted).toBe(false)
  return output
}

/**
 * The words of the first sentences of the sample's test part, and our labels for them, by argmax or the CRF. Each
 * sentence is a batch of its own, as in the scripts.
 */
export async function ours(path: string, sentences: number, decoding: 'argmax' | 'crf' = 'argmax') {
  const corpus = await readDocuments(fromRoot('data/sample/test.conll'))
  const loaded = await openModel(path, { device: 'cpu' })
  const labels = loaded.model.tagger.tags
  const { chain } = loaded.model
  const documents: string[][] = []
  const tagged: string[][] = []
  for (const { id, text, tokens, sentences: ranges } of corpus.documents.map(segment)) {
    for (const { start, end } of ranges) {
      if (documents.length === sentences) break
      const words = tokens.slice(start, end)
      documents.push(words.map((token) => text.slice(token.start, token.end)))
      const [{ emissions }] = (await loaded.tag([{ id, text, tokens: words, layers: {} }])).documents as [
        TaggedDocument,
      ]
      const { tags } = decoding === 'crf' ? decodeChain(emissions, chain!) : decodeArgmax(emissions, labels.length)
      tagged.push(Array.from(tags, (index) => labels[index]!))
    }
  }
  await loaded.close()
  return { documents, tagged, tags: new Set(tagged.flat()) }
}
