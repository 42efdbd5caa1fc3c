import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spansFromTags } from '../../src/data/schemes.js'
import { findWords } from '../../src/text/words.js'
import { viterbi } from '../../src/inference/decode.js'
import { loadPredictor, type Entity, type Predictor } from '../../src/inference/predict.js'
import { openModel, type LoadedModel } from '../../src/inference/tag.js'
import { tinyTagger, types } from './tiny-tagger.js'

/** Scores come from float32 sums, whose order depends on what else is in the batch. */
const same = (entities: readonly Entity[]) => entities.map((entity) => ({ ...entity, score: entity.score.toFixed(4) }))

/** Words the tiny model knows, words it does not, and all that may stand between. */
const anyText = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.stringMatching(/^[abc]{1,6}$/) },
      { weight: 6, arbitrary: fc.constantFrom(' ', '  ', '\n', '\r\n\r\n', '\t', '. ', ', ', ' "', '\u00a0') },
      { weight: 1, arbitrary: fc.constantFrom('👍🏽', '🇫🇷', 'e\u0301', 'ﬁ', 'İ', '東京', '\u200d', '\u0000', '\ufeff') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0xd800, max: 0xdfff }).map((half) => String.fromCharCode(half)) },
    ),
    { maxLength: 80 },
  )
  .map((parts) => parts.join(''))

/** Words of one sentence, drawn from a seed. */
const words = (count: number) =>
  Array.from({ length: count }, (_, i) => ['abc', 'bca', 'cabba', 'a', 'bb', 'acc'][(i * i + (i >> 2)) % 6]!)

let predictor: Predictor
beforeAll(async () => void (predictor = await loadPredictor(await tinyTagger(), { threads: 1 })))
afterAll(() => predictor.close())

describe('predict', () => {
  it('finds entities that are what the text says, in order, of known types, whatever the text', async () => {
    let found = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { maxLength: 4 }), async (texts) => {
        const predictions = await predictor.predict(texts)
        expect(predictions).toHaveLength(texts.length)
        for (const [i, text] of texts.entries()) {
          let before = 0
          for (const { word, start, end, score, entity_group } of predictions[i]!) {
            expect(word).toBe(text.slice(start, end))
            expect(word.trim()).toBe(word)
            expect(start).toBeGreaterThanOrEqual(before)
            expect(end).toBeGreaterThan(start)
            expect(score).toBeGreaterThan(0)
            expect(score).toBeLessThanOrEqual(1)
            expect(types).toContain(entity_group)
            before = end
            found++
          }
        }
      }),
      { numRuns: 100 },
    )
    expect(found).toBeGreaterThan(100)
  })

  it('finds the same in a text by itself as among others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 2, maxLength: 6 }), async (texts) => {
        const together = await predictor.predict(texts)
        for (const [i, text] of texts.entries())
          expect(same((await predictor.predict([text]))[0]!)).toEqual(same(together[i]!))
      }),
      { numRuns: 40 },
    )
  })

  it.each(['', ' ', '\n\r\n\t', '\u200b', '\u0000'])('finds nothing in %j', async (text) => {
    expect(await predictor.predict([text, 'abc'])).toHaveLength(2)
    expect((await predictor.predict([text]))[0]).toEqual([])
  })

  it('takes no text', async () => expect(await predictor.predict([])).toEqual([]))

  it('finds the same whatever white space divides the words', async () => {
    const texts = [' ', '   ', '\t', '\u00a0'].map((space) => words(12).join(space))
    const [plain, ...others] = await predictor.predict(texts)
    const shown = (entities: readonly Entity[]) =>
      entities.map(({ word, entity_group }) => `${entity_group} ${word.replace(/\s+/g, ' ')}`)
    expect(plain!.length).toBeGreaterThan(0)
    for (const other of others) expect(shown(other)).toEqual(shown(plain!))
  })
})

describe('long texts', () => {
  it('a sentence that fits the window is tagged the same by a larger one', async () => {
    const text = Array.from({ length: 20 }, (_, i) => `${words(3 + (i % 3)).join(' ')}. `).join('A ')
    const wide = await loadPredictor(await tinyTagger({ window: 40 }), { threads: 1 })
    const narrow = await loadPredictor(await tinyTagger({ window: 30 }), { threads: 1 })
    const [found] = await wide.predict([text])
    expect(found!.length).toBeGreaterThan(5)
    expect(same((await narrow.predict([text]))[0]!)).toEqual(same(found!))
  })

  it.each(['sentence', 'document'] as const)('no word is left out of a long %s', async (context) => {
    const loaded = await openModel(await tinyTagger({ window: 16, context }), { threads: 1 })
    const text = words(400).join(' ')
    const [tagged] = (await loaded.tag([{ id: 'long', text, layers: {} }])).documents
    const labels = loaded.model.tagger.tags.length
    expect(tagged!.emissions).toHaveLength(400 * labels)
    for (let word = 0; word < 400; word++)
      expect(tagged!.emissions.subarray(word * labels, (word + 1) * labels).some((logit) => logit !== 0)).toBe(true)
    const entities = (await predictor.predict([text]))[0]!
    expect(entities.at(-1)!.end).toBeGreaterThan(text.length * 0.9)
  })

  it('a word is read where a window shows it', async () => {
    const folder = await tinyTagger({ window: 16 })
    const loaded = await openModel(folder, { threads: 1 })
    const labels = loaded.model.tagger.tags.length
    const row = ({ emissions }: { emissions: Float32Array }, word: number) =>
      [...emissions.subarray(word * labels, (word + 1) * labels)].map((logit) => Number(logit.toFixed(4)))
    // 14 pieces fit, each word here is one piece: the first window holds words 0 to 13, and words in its first half
    // have their longest context there.
    const letters = Array.from({ length: 60 }, (_, i) => 'abc'[(i * i) % 3]!)
    const document = (parts: readonly string[]) => ({ id: 'letters', text: parts.join(' '), layers: {} })
    const [long, first] = (await loaded.tag([document(letters), document(letters.slice(0, 14))])).documents
    for (let word = 0; word < 7; word++) expect(row(long!, word)).toEqual(row(first!, word))
    expect(row(long!, 59)).toEqual(row((await loaded.tag([document(letters.slice(-14))])).documents[0]!, 13))
  })
})

describe('scores', () => {
  const text = words(9).join(' ')

  it('of a CRF are mean marginals, summed over all sequences of tags', async () => {
    const loaded = await openModel(await tinyTagger(), { threads: 1 })
    const short = words(4).join(' ')
    const emissions = await emissionsOf(loaded, short)
    const chain = loaded.model.chain!
    const { labels } = chain
    const marginal = bruteMarginals(emissions, loaded)
    const tags = viterbi(emissions, chain)
    const spans = spansFromTags(
      [...tags].map((tag) => loaded.model.tagger.tags[tag]!),
      'IOB2',
    )
    const scores = spans.map(({ start, end }) => {
      const own = [...tags].slice(start, end).map((tag, i) => marginal[(start + i) * labels + tag]!)
      return own.reduce((a, b) => a + b) / own.length
    })
    const [entities] = await predictor.predict([short])
    expect(entities!.length).toBeGreaterThan(0)
    expect(entities).toHaveLength(scores.length)
    entities!.forEach(({ score }, i) => expect(score).toBeCloseTo(scores[i]!, 5))
  })

  it('of a softmax head are mean probabilities of the likeliest tags, which decide alone', async () => {
    const folder = await tinyTagger({ head: 'softmax' })
    const loaded = await openModel(folder, { threads: 1 })
    const { tags } = loaded.model.tagger
    const emissions = await emissionsOf(loaded, text)
    const rows = findWords(text).map((_, i) => [...emissions.subarray(i * tags.length, (i + 1) * tags.length)])
    const best = rows.map((row) => row.indexOf(Math.max(...row)))
    const probability = rows.map((row) => Math.exp(Math.max(...row)) / row.reduce((sum, x) => sum + Math.exp(x), 0))
    const expected = spansFromTags(
      best.map((tag) => tags[tag]!),
      'IOB2',
    ).map(({ start, end, label }) => ({
      entity_group: label,
      score: (probability.slice(start, end).reduce((a, b) => a + b) / (end - start)).toFixed(4),
    }))
    const softmax = await loadPredictor(folder, { threads: 1 })
    expect(expected.length).toBeGreaterThan(0)
    expect(same((await softmax.predict([text]))[0]!)).toMatchObject(expected)
  })
})

describe('predictDocuments', () => {
  it('keeps to the words and sentences that a document has', async () => {
    const text = 'abcbcacabba'
    const tokens = [0, 3, 6].map((start, i) => ({ start, end: [3, 6, 11][i]! }))
    const whole = { id: 'own words', text, tokens, layers: {} }
    const cut = { ...whole, sentences: tokens.map((_, i) => ({ start: i, end: i + 1 })) }
    const borders = new Set(tokens.flatMap(({ start, end }) => [start, end]))
    const [joined, single] = await predictor.predictDocuments([whole, cut])
    const alone = await predictor.predict(['abc', 'bca', 'cabba'])
    for (const { start, end } of joined!) expect(borders.has(start) && borders.has(end)).toBe(true)
    expect(single!.map(({ start, end }) => text.slice(start, end))).toEqual(alone.flat().map(({ word }) => word))
  })
})

describe('a folder that is not whole', () => {
  const without =
    (...names: string[]) =>
    (folder: string) => {
      for (const name of names) rmSync(join(folder, name), { recursive: true })
    }
  const changed = (name: string, change: (content: Buffer) => Buffer | string) => (folder: string) =>
    writeFileSync(join(folder, name), change(readFileSync(join(folder, name))))

  it.each([
    ['no graph and no weights', without('onnx', 'model.safetensors'), 'model/missing-file'],
    ['half a graph', changed('onnx/model.onnx', (all) => all.subarray(0, all.length / 2)), 'model/mixed'],
    ['an empty graph', changed('onnx/model.onnx', () => ''), 'model/mixed'],
    ['no ner.json', without('ner.json'), 'model/missing-file'],
    ['a damaged ner.json', changed('ner.json', () => '{"head": "crf"'), 'model/bad-config'],
    ['an unknown head', changed('ner.json', (all) => String(all).replace('"crf"', '"span"')), 'model/bad-config'],
    ['no tokenizer', without('tokenizer.json'), 'model/missing-file'],
    ['no CRF scores', changed('ner.json', (all) => String(all).replace('"crf": {', '"frc": {')), 'model/bad-config'],
  ])('is refused: %s', async (_, damage, code) => {
    const folder = await tinyTagger()
    damage(folder)
    await expect(loadPredictor(folder)).rejects.toMatchObject({ name: 'NerError', code })
  })

  it('is refused: none', async () => {
    await expect(loadPredictor('no/such/folder')).rejects.toMatchObject({ code: 'model/missing-file' })
  })
})

async function emissionsOf(loaded: LoadedModel, text: string): Promise<Float32Array> {
  const [tagged] = (await loaded.tag([{ id: 'text', text, layers: {} }])).documents
  return tagged!.emissions
}

/** p(tag of word) by summing over every sequence of tags, [words × labels]. */
function bruteMarginals(emissions: Float32Array, { model }: LoadedModel): Float64Array {
  const { labels, start, transitions, end } = model.chain!
  const length = emissions.length / labels
  const marginal = new Float64Array(emissions.length)
  let total = 0
  for (let code = 0; code < labels ** length; code++) {
    const path = Array.from({ length }, (_, word) => Math.floor(code / labels ** word) % labels)
    let score = start[path[0]!]! + end[path.at(-1)!]!
    for (const [word, tag] of path.entries()) {
      score += emissions[word * labels + tag]!
      if (word > 0) score += transitions[path[word - 1]! * labels + tag]!
    }
    const mass = Math.exp(score)
    total += mass
    for (const [word, tag] of path.entries()) marginal[word * labels + tag]! += mass
  }
  return marginal.map((mass) => mass / total)
}
