import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTokenizer, makeTokenizer } from '../../src/features/tokenizer.js'

interface Golden {
  words: string[]
  tokenizers: Record<string, Expected>
  models: Record<string, Expected>
}
interface Expected {
  pieces: number[][]
  framed: number[]
  pad: number
  unk: number
}

const golden = JSON.parse(await readFile(new URL('../golden/pieces.json', import.meta.url), 'utf8')) as Golden
const tiny = (name: string) => new URL(`../golden/tokenizers/${name}`, import.meta.url).pathname
const shared = (name: string) => new URL(`../../../shared/models/${name}`, import.meta.url).pathname

const cases = [
  ...Object.entries(golden.tokenizers).map(([name, expected]) => ({ name, folder: tiny(name), expected })),
  ...Object.entries(golden.models).map(([name, expected]) => ({ name, folder: shared(name), expected })),
]

describe('the class that transformers is told', () => {
  const files = async (name: string, config: string) => {
    const definition = await readFile(join(tiny(name), 'tokenizer.json'), 'utf8')
    const made = await makeTokenizer({ 'tokenizer.json': definition, 'tokenizer_config.json': config }, 'here')
    return made.files['tokenizer_config.json']
  }
  const limit = '"model_max_length": 1000000000000000019884624838656'

  it.each([
    [
      `{"tokenizer_class": "XLMRobertaTokenizer", ${limit}}`,
      `{"tokenizer_class": "PreTrainedTokenizerFast", ${limit}}`,
    ],
    [`{${limit}}`, `{"tokenizer_class": "PreTrainedTokenizerFast",${limit}}`],
    ['{}', '{"tokenizer_class": "PreTrainedTokenizerFast"}'],
    ['{"tokenizer_class": null}', '{"tokenizer_class": "PreTrainedTokenizerFast"}'],
  ])('is one that keeps the normaliser of sentencepiece, in place of %s', async (config, expected) => {
    expect(await files('unigram', config)).toBe(expected)
  })

  it('stays of others', async () => {
    const config = `{"tokenizer_class": "BertTokenizer", ${limit}}`
    expect(await files('wordpiece', config)).toBe(config)
  })
})

describe.each(cases)('$name', ({ name, folder, expected }) => {
  const absent = !existsSync(folder)
  if (absent) console.warn(`SKIPPED: ../shared/models/${name} is not here, its piece ids are not compared`)

  it.skipIf(absent)('gives every word the ids that transformers gives it', async () => {
    const tokenizer = await loadTokenizer(folder)
    const pieces = await tokenizer.encodeWords(golden.words)
    const ids = Object.fromEntries(golden.words.map((word, i) => [word, [...pieces[i]!]]))
    // transformers gives some words no piece at all; here they get the unknown one.
    const wanted = golden.words.map((word, i) => [
      word,
      expected.pieces[i]!.length ? expected.pieces[i] : [expected.unk],
    ])
    expect(ids).toEqual(Object.fromEntries(wanted))
    expect(Math.max(...expected.pieces.flat())).toBeLessThan(tokenizer.vocabSize)
  })

  it.skipIf(absent)('names the special pieces', async () => {
    const tokenizer = await loadTokenizer(folder)
    const [a] = await tokenizer.encodeWords(['a'])
    expect([...tokenizer.prefix, ...a!, ...tokenizer.suffix]).toEqual(expected.framed)
    expect(tokenizer).toMatchObject({
      cls: expected.framed[0],
      sep: expected.framed.at(-1),
      pad: expected.pad,
      unk: expected.unk,
    })
  })

  it.skipIf(absent)('is saved without truncation and padding, and gives the same ids when loaded again', async () => {
    const tokenizer = await loadTokenizer(folder)
    const saved = JSON.parse(tokenizer.files['tokenizer.json']!) as object
    expect(saved).toMatchObject({ truncation: null, padding: null })
    expect(Object.keys(tokenizer.files)).toEqual(['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])
    const again = await makeTokenizer(tokenizer.files, 'saved')
    expect(await again.encodeWords(golden.words)).toEqual(await tokenizer.encodeWords(golden.words))
    expect(again).toMatchObject({ pad: tokenizer.pad, unk: tokenizer.unk, maxLength: tokenizer.maxLength })
    expect(again.files).toEqual(tokenizer.files)
  })
})

it('gives a word the same ids in whatever order and company it comes', async () => {
  const tokenizer = await loadTokenizer(tiny('wordpiece'))
  const forward = await tokenizer.encodeWords(golden.words)
  const fresh = await loadTokenizer(tiny('wordpiece'))
  const backward = await fresh.encodeWords(golden.words.toReversed())
  expect(backward.toReversed()).toEqual(forward)
  expect(await tokenizer.encodeWords(golden.words)).toEqual(forward)
})

describe('a folder that cannot be used', () => {
  let folder: string
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'tokenizer-'))))
  afterAll(() => rm(folder, { recursive: true }))
  const load = async (json?: string) => {
    if (json !== undefined) await writeFile(join(folder, 'tokenizer.json'), json)
    return loadTokenizer(folder)
  }

  it('says which file is missing', async () => {
    await expect(load()).rejects.toMatchObject({ code: 'model/missing-file', detail: { where: folder } })
  })
  it('says that a file is cut short', async () => {
    const whole = await readFile(join(tiny('unigram'), 'tokenizer.json'), 'utf8')
    await expect(load(whole.slice(0, 1000))).rejects.toMatchObject({ code: 'model/tokenizer' })
  })
  it('says that a file is not a tokenizer', async () => {
    await expect(load('{"version":"1.0","model":{"type":"Mystery"}}')).rejects.toMatchObject({
      code: 'model/tokenizer',
    })
    await expect(load('[]')).rejects.toMatchObject({ code: 'model/tokenizer' })
    await expect(load('{}')).rejects.toMatchObject({ code: 'model/tokenizer' })
  })
  it('says that no padding piece is named', async () => {
    const json = JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab: { '[UNK]': 0 }, unk_token: '[UNK]' },
    })
    await expect(load(json)).rejects.toMatchObject({
      code: 'model/tokenizer',
      message: expect.stringContaining('pad_token') as string,
    })
  })
})
