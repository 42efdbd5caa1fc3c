import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ModelFolder } from '../../src/artifacts/model.js'
import { segment } from '../../src/data/segment.js'
import { checkTokenizer, shippedModel } from '../../src/export/tokenizer.js'
import { forTransformersJs, loadElsewhere } from '../../src/export/transformers-js.js'
import { loadTokenizer, makeTokenizer } from '../../src/features/tokenizer.js'

const folderOf = (name: string) => new URL(`../golden/tokenizers/${name}`, import.meta.url).pathname
const definitionOf = (name: string) => readFileSync(join(folderOf(name), 'tokenizer.json'), 'utf8')
const scratch = mkdtempSync(join(tmpdir(), 'ner-js-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** The golden unigram tokenizer with other parts. */
const changed = (parts: object) => JSON.stringify({ ...(JSON.parse(definitionOf('unigram')) as object), ...parts })

describe('a tokenizer for transformers.js', () => {
  test.each(['bpe', 'wordpiece'])('stays as it is where all of its parts are known: %s', (name) => {
    expect(JSON.parse(forTransformersJs(definitionOf(name), 'here'))).toEqual(JSON.parse(definitionOf(name)))
  })

  test('gives the same pieces where a normaliser is written in other parts', async () => {
    const rewritten = forTransformersJs(definitionOf('unigram'), 'here')
    expect(rewritten).not.toContain('"Nmt"')
    const [one, other] = [
      await makeTokenizer({ 'tokenizer.json': definitionOf('unigram') }, 'here'),
      await makeTokenizer({ 'tokenizer.json': rewritten }, 'here'),
    ]
    const words = Array.from({ length: 0x3100 }, (_, i) => `a${String.fromCodePoint(i)}b`).concat(
      'a\ufeffb',
      'a\ufffdb',
    )
    expect(await other.encodeWords(words)).toEqual(await one.encodeWords(words))
  })

  test('splits at a character in other parts', () => {
    const split = { type: 'CharDelimiterSplit', delimiter: '|' }
    const { pre_tokenizer: own } = JSON.parse(forTransformersJs(changed({ pre_tokenizer: split }), 'here')) as Record<
      string,
      unknown
    >
    expect(own).toEqual({ type: 'Split', pattern: { String: '|' }, behavior: 'Removed', invert: false })
  })

  test.each([
    ['normalizer', { type: 'Sequence', normalizers: [{ type: 'ByteLevel' }] }, 'ByteLevel'],
    ['pre_tokenizer', { type: 'UnicodeScripts' }, 'UnicodeScripts'],
  ])('is refused with a %s that has no equal there', (kind, part, type) => {
    expect(() => forTransformersJs(changed({ [kind]: part }), 'here')).toThrow(
      expect.objectContaining({ code: 'export/not-transformers-js', message: expect.stringContaining(type) as string }),
    )
  })

  test('is written to other folders than the model’s own, for those who ask for it', async () => {
    const model = { folder: 'runs/ner', tokenizer: await loadTokenizer(folderOf('unigram')) } as ModelFolder
    expect(shippedModel(model, 'onnx', true)).toBe(model)
    expect(shippedModel(model, 'all', false).tokenizer.files['tokenizer.json']).not.toContain('"Nmt"')
    expect(() => shippedModel(model, 'transformers.js', true)).toThrow(
      expect.objectContaining({ code: 'usage/bad-option' }),
    )
  })

  test('is a miss where it gives other pieces than the model’s', async () => {
    const folder = join(scratch, 'other')
    cpSync(folderOf('unigram'), folder, { recursive: true })
    const model = { folder, tokenizer: await loadTokenizer(folder) } as ModelFolder
    const documents = [segment({ id: '1', text: 'a b', layers: {} })]
    expect((await checkTokenizer(model, folder, documents, 'transformers.js')).misses).toEqual([])
    writeFileSync(join(folder, 'tokenizer.json'), changed({ normalizer: null }))
    const { misses } = await checkTokenizer(model, folder, documents, 'transformers.js')
    expect(misses[0]).toMatch(/^tokenizer\.json gives other pieces than the model's, of “.+” first\.$/s)
    expect((await checkTokenizer(model, folder, documents, 'onnx')).misses).toEqual([])
  })

  test('is not loaded where transformers.js is not installed', async () => {
    const tokenizer = await loadTokenizer(folderOf('unigram'))
    expect(await loadElsewhere(folderOf('unigram'), tokenizer, ['a'], scratch)).toBeUndefined()
  })
})

const installed = process.env['NER_TEST_TRANSFORMERS_JS']
if (!installed)
  process.stderr.write('skipped: NER_TEST_TRANSFORMERS_JS names no folder with @huggingface/transformers\n')

describe.skipIf(!installed)('in transformers.js', () => {
  test.each(['bpe', 'wordpiece', 'unigram'])('%s gives our pieces', async (name) => {
    const folder = join(scratch, name)
    cpSync(folderOf(name), folder, { recursive: true })
    const tokenizer = await loadTokenizer(folder)
    for (const [file, content] of Object.entries(tokenizer.files)) writeFileSync(join(folder, file), content)
    writeFileSync(join(folder, 'tokenizer.json'), forTransformersJs(tokenizer.files['tokenizer.json']!, 'here'))
    const words = ['the', 'Angela', 'Merkel', '1990s', 'naïve', 'x', 'unbelievable', '…', '①']
    const found = await loadElsewhere(folder, tokenizer, words, installed)
    expect(found).toMatchObject({ words: words.length, differing: [] })
  })

  test('Nmt cannot be loaded, and is said to', async () => {
    const folder = join(scratch, 'nmt')
    cpSync(folderOf('unigram'), folder, { recursive: true })
    const tokenizer = await loadTokenizer(folder)
    await expect(loadElsewhere(folder, tokenizer, ['a'], installed)).rejects.toMatchObject({
      code: 'export/not-transformers-js',
      message: expect.stringContaining('Nmt') as string,
    })
  })
})
