import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeStudent, spread } from '../../../src/compress/distill/student.js'
import { firstDifference, loadTeachers, type Teacher } from '../../../src/compress/distill/teachers.js'
import { defaults, type Config } from '../../../src/config/schema.js'
import { architectureOf, freshConfig } from '../../../src/models/architectures.js'
import { loadEncoder } from '../../../src/models/folder.js'
import { initialise } from '../../../src/models/parameters.js'
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../../src/models/safetensors.js'
import { taggerParameters } from '../../../src/models/tagger.js'
import { tinyFolder } from '../../models/tiny.js'
import { tinyTagger } from '../../inference/tiny-tagger.js'

let teacher: Teacher
beforeAll(async () => {
  ;[teacher] = await loadTeachers([await tinyTagger()])
})

const student = (distill: Partial<Config['distill']>) =>
  makeStudent(teacher, { ...defaults, distill: { ...defaults.distill, ...distill } }, distill.path ?? undefined)

/** An ALBERT with the head of the other teacher. */
function sharedLayers(): Teacher {
  const sizes = { hiddenSize: 32, layers: 2, heads: 4, intermediateSize: 48, maxPositions: 40 }
  const config = freshConfig('albert', { ...sizes, vocabSize: 48, pad: 0, cls: undefined, sep: undefined }, 'here')
  const tagger = { ...teacher.model.tagger, encoder: architectureOf(config, 'here').create(config) }
  return { ...teacher, model: { ...teacher.model, config, tagger }, weights: initialise(taggerParameters(tagger), 7) }
}

/** The folder with other weights. */
function changed(folder: string, change: (name: string, x: number) => number): string {
  const file = join(folder, 'model.safetensors')
  const tensors = [...readSafetensors(file)].map(
    ([name, { shape, data }]) => [name, { shape, data: data.map((x) => change(name, x)) }] as const,
  )
  writeSafetensors(file, new Map(tensors))
  return folder
}

const firstRows = ({ shape, data }: StoredTensor, rows: number): StoredTensor => ({
  shape: [rows, shape[1]!],
  data: data.slice(0, rows * shape[1]!),
})

const query = (layer: number) => `bert.encoder.layer.${layer}.attention.self.query.weight`
const words = 'bert.embeddings.word_embeddings.weight'

describe('a student as wide as its teacher', () => {
  test('has half its layers, the last of each of its stretches, and the rest of it whole', async () => {
    const { tagger, weights, config } = await student({})
    expect(config['num_hidden_layers']).toBe(1)
    expect(tagger.encoder.sizes.layers).toBe(1)
    expect(weights.get(query(0))).toEqual(teacher.weights.get(query(1)))
    for (const name of [words, 'classifier.weight', 'crf.transitions'])
      expect(weights.get(name), name).toEqual(teacher.weights.get(name))
    expect(weights.has(query(1))).toBe(false)
  })

  test('has its first layers where asked', async () => {
    const { weights } = await student({ layers: 'first' })
    expect(weights.get(query(0))).toEqual(teacher.weights.get(query(0)))
  })

  test('has fresh layers under its embeddings where asked', async () => {
    const { weights } = await student({ layers: 'fresh' })
    expect(weights.get(query(0))).not.toEqual(teacher.weights.get(query(0)))
    expect(weights.get(words)).toEqual(teacher.weights.get(words))
  })

  test.each(['spread', 'fresh'] as const)(
    'of shared layers has its teacher’s unless they are to be fresh: %s',
    async (layers) => {
      const albert = sharedLayers()
      const name = 'albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight'
      const { weights } = await makeStudent(albert, { ...defaults, distill: { ...defaults.distill, layers } })
      expect(isDeepStrictEqual(weights.get(name), albert.weights.get(name))).toBe(layers === 'spread')
    },
  )

  test.each([
    [6, 12, [0, 2, 4, 6, 8, 10, 12]],
    [3, 12, [0, 4, 8, 12]],
    [4, 6, [0, 2, 3, 5, 6]],
    [12, 12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  ])('%d layers are spread over %d', (own, of, layers) => {
    expect(Array.from({ length: own + 1 }, (_, layer) => spread(layer, own, of))).toEqual(layers)
  })
})

describe('a narrower student', () => {
  test("keeps of the embeddings' distances what its width can: a perfect share where they need no more", async () => {
    const { sizes } = teacher.model.tagger.encoder
    const own = teacher.weights.get(words)!
    // Rows that lie in 16 of the 32 dimensions.
    const flat = own.map((x, i) => (i % sizes.hiddenSize < 16 ? x : 0))
    const flatTeacher = { ...teacher, weights: new Map([...teacher.weights, [words, flat]]) }
    const config = { ...defaults, distill: { ...defaults.distill, hidden_size: 16 } }
    const { weights, tagger } = await makeStudent(flatTeacher, config)
    expect(tagger.encoder.sizes.hiddenSize).toBe(16)
    const dot = (table: Float32Array, width: number, a: number, b: number) =>
      Array.from({ length: width }, (_, i) => table[a * width + i]! * table[b * width + i]!).reduce((x, y) => x + y)
    for (const [a, b] of [
      [1, 2],
      [5, 40],
      [7, 7],
    ] as const)
      expect(dot(weights.get(words)!, 16, a, b)).toBeCloseTo(dot(flat, 32, a, b), 4)
    expect(weights.get('crf.transitions')).toEqual(teacher.weights.get('crf.transitions'))
  })

  test('has the heads and the inner width that are asked for', async () => {
    const { config } = await student({ hidden_size: 16, num_attention_heads: 2, intermediate_size: 24 })
    expect(config).toMatchObject({ num_attention_heads: 2, intermediate_size: 24 })
    const same = await student({ num_attention_heads: 4 })
    expect(same.config['num_attention_heads']).toBe(4)
  })

  test('has fresh embeddings where asked', async () => {
    const { weights } = await student({ hidden_size: 16, embeddings: 'fresh' })
    expect(weights.get(words)!.every((x) => Math.abs(x) < 0.2)).toBe(true)
  })
})

describe('a student from a folder', () => {
  test("has the folder's encoder, and the teacher's head where that fits", async () => {
    const folder = await tinyFolder()
    const { weights, initialised, hash } = await student({ path: folder })
    expect(weights.get(query(1))).toEqual((await loadEncoder(folder)).weights.get(query(1)))
    expect(weights.get('classifier.weight')).toEqual(teacher.weights.get('classifier.weight'))
    expect(folder).toContain(initialised)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('that is a trained model has its own head, and of the teacher what that lacks', async () => {
    const other = changed(await tinyTagger(), (name, x) => (/^(classifier|crf)/.test(name) ? 2 * x : x))
    const [{ weights: own }] = await loadTeachers([other])
    const { weights } = await student({ path: other })
    for (const name of ['classifier.weight', 'classifier.bias', 'crf.transitions'])
      expect(weights.get(name), name).toEqual(own.get(name))
    expect(weights.get('crf.start')).not.toEqual(teacher.weights.get('crf.start'))
    const without = await student({ path: await tinyTagger({ head: 'softmax' }) })
    expect(without.weights.get('crf.start')).toEqual(teacher.weights.get('crf.start'))
  })

  test('that is a trained model of other labels is refused, with the first that differs', async () => {
    const other = await tinyTagger()
    const file = join(other, 'config.json')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('B-Y', 'B-Z').replaceAll('I-Y', 'I-Z'))
    await expect(student({ path: other })).rejects.toThrow(/labels\.\d is "B-Y" there and "B-Z" here/)
    const schemes = await tinyTagger()
    const ner = join(schemes, 'ner.json')
    writeFileSync(ner, readFileSync(ner, 'utf8').replace('"IOB2"', '"IOB1"'))
    await expect(student({ path: schemes })).rejects.toThrow(/scheme is "IOB2" there and "IOB1" here/)
  })

  test.each<[keyof Config['distill'], number, RegExp]>([
    ['num_hidden_layers', 1, /num_hidden_layers of 1, and .* has 2/],
    ['hidden_size', 16, /hidden_size of 16, and .* has 32/],
    ['num_attention_heads', 2, /num_attention_heads of 2, and .* has 4/],
    ['intermediate_size', 16, /intermediate_size of 16/],
  ])('is refused where other sizes are asked for: %s', async (key, size, message) => {
    const path = await tinyFolder()
    await expect(student({ path, [key]: size })).rejects.toThrow(message)
    const { sizes } = (await loadEncoder(path)).encoder
    await expect(student({ path, num_hidden_layers: sizes.layers })).resolves.toBeDefined()
  })

  test('is refused where it takes no windows as long as the teacher’s', async () => {
    const path = await tinyFolder({
      config: (config) => ({ ...config, max_position_embeddings: 16 }),
      weights: (all) =>
        new Map(
          [...all].map(([name, it]) => [name, name.endsWith('position_embeddings.weight') ? firstRows(it, 16) : it]),
        ),
    })
    await expect(student({ path })).rejects.toThrow(/32 pieces, are longer[^]*has 16 positions/)
  })

  test('is refused where its tokenizer cuts otherwise', async () => {
    const folder = await tinyFolder()
    const file = join(folder, 'tokenizer.json')
    const { files } = teacher.model.tokenizer
    writeFileSync(file, String(files['tokenizer.json']).replace('"lowercase":false', '"lowercase":true'))
    await expect(student({ path: folder })).rejects.toThrow(/normalizer\.lowercase is false there and true here/)
  })
})

describe('what cannot be made of the teacher', () => {
  test.each([
    ['more layers', { num_hidden_layers: 3 }, /3 layers, and .* has 2/],
    ['more width', { hidden_size: 64 }, /64 wide, and .* is 32/],
    ['a width that its heads do not divide', { hidden_size: 18 }, /18 cannot be divided by 4/],
    ['other heads in its own layers', { num_attention_heads: 2 }, /num_attention_heads is 4 there/],
    ['layers of its width and another inside', { intermediate_size: 16 }, /intermediate_size is \d+ there/],
    ['both', { num_attention_heads: 2, intermediate_size: 16 }, /num_attention_heads is 4 there/],
  ])('%s', async (_, distill, message) => {
    await expect(student(distill)).rejects.toThrow(message)
  })
})

describe('teachers', () => {
  test('without weights are refused: a quantized folder, and a graph of a folder that has them', async () => {
    const quantized = await tinyTagger()
    rmSync(join(quantized, 'model.safetensors'))
    await expect(loadTeachers([quantized])).rejects.toThrow(/model\/missing-file[^]*quantized from/)
    const graph = join(teacher.model.folder, 'onnx', 'model.onnx')
    await expect(loadTeachers([graph])).rejects.toThrow(/model\/missing-file[^]*the folder of a model/)
  })

  test('with other labels are refused, with the first that differs', async () => {
    const other = mkdtempSync(join(tmpdir(), 'ner-other-'))
    const { tagger, ner } = teacher.model
    expect(firstDifference(tagger.tags, tagger.tags)).toBeUndefined()
    expect(firstDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })).toBe('a.1.b is 2 there and 3 here')
    expect(firstDifference({ a: 1 }, { a: 1, c: 2 })).toBe('c is nothing there and 2 here')
    expect(ner.scheme).toBe('IOB2')
    await expect(loadTeachers([teacher.model.folder, other])).rejects.toThrow(/config\.json/)
    const windows = await tinyTagger({ window: 16 })
    await expect(loadTeachers([teacher.model.folder, windows])).rejects.toThrow(/windows\.window is 32 there and 16/)
  })
})
