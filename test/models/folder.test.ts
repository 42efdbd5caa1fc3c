import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { legalTransitions } from '../../src/data/schemes.js'
import { NerError } from '../../src/errors.js'
import { bert } from '../../src/models/encoders/bert.js'
import { marginals } from '../../src/inference/decode.js'
import { loadEncoder } from '../../src/models/folder.js'
import { loadModel, loadWeights, saveModel } from '../../src/artifacts/model.js'
import { noDropout } from '../../src/models/layers.js'
import { initialise } from '../../src/models/parameters.js'
import { taggerParameters, wordLogits, type HeadKind, type Tagger } from '../../src/models/tagger.js'
import { createSession } from '../../src/runtime/session.js'
import { compile, distance, float32, int64 } from './graphs.js'
import { renamed, tinyFolder, tinyTokenizer, type Json } from './tiny.js'

/** The error that `load` ends with. */
async function failure(load: Promise<unknown>): Promise<NerError> {
  const error = await load.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(NerError)
  return error as NerError
}

describe('loading an encoder', () => {
  test('with the prefix of a token classifier, whose head is left out', async () => {
    const { encoder, weights } = await loadEncoder(await tinyFolder())
    expect([...weights.keys()]).toEqual(encoder.parameters.map(({ name }) => name))
    expect(encoder.sizes).toEqual({
      hiddenSize: 32,
      embeddingSize: 32,
      layers: 2,
      heads: 4,
      vocabSize: 48,
      maxPositions: 40,
    })
  })

  test.each([
    ['without the prefix', renamed((name) => (name.startsWith('bert.') ? name.slice('bert.'.length) : undefined))],
    [
      'with the names of BERT’s first release',
      renamed((name) =>
        name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
      ),
    ],
  ])('%s', async (_, rename) => {
    const plain = await loadEncoder(await tinyFolder())
    const other = await loadEncoder(await tinyFolder({ weights: rename }))
    expect(other.weights).toEqual(plain.weights)
  })

  test('leaves poolers, other heads and position ids out', async () => {
    const tensor = { shape: [2], data: new Float32Array(2) }
    const beside = [
      'bert.pooler.dense.weight',
      'cls.predictions.bias',
      'cls.seq_relationship.weight',
      'qa_outputs.bias',
    ]
    const folder = await tinyFolder({
      weights: (weights) =>
        new Map([...weights, ...[...beside, 'bert.embeddings.position_ids'].map((name) => [name, tensor] as const)]),
    })
    const { weights } = await loadEncoder(folder)
    expect([...weights.keys()].filter((name) => beside.includes(name))).toEqual([])
  })

  const query = 'bert.encoder.layer.1.attention.self.query.weight'

  test('without one of its weights', async () => {
    const folder = await tinyFolder({ weights: renamed((name) => (name === query ? undefined : name)) })
    const error = await failure(loadEncoder(folder))
    expect(error.code).toBe('model/missing-weight')
    expect(error.what).toContain(`'${query}', [32, 32]`)
  })

  test('with a weight of another shape', async () => {
    const folder = await tinyFolder({
      weights: (weights) => new Map(weights).set(query, { shape: [32, 16], data: new Float32Array(512) }),
    })
    const error = await failure(loadEncoder(folder))
    expect(error.code).toBe('model/misshapen-weight')
    expect(error.what).toContain('[32, 16]; config.json asks for [32, 32]')
  })

  test('with a layer that its configuration does not have', async () => {
    const folder = await tinyFolder({ config: (config) => ({ ...config, num_hidden_layers: 1 }) })
    const error = await failure(loadEncoder(folder))
    expect(error.code).toBe('model/extra-weight')
    expect(error.what).toContain('bert.encoder.layer.1.')
  })

  test.each([
    ['brt', "Did you mean 'bert'?"],
    ['mamba', 'Supported: albert, bert, camembert, '],
    ['constructor', 'Supported: albert, bert, camembert, '],
  ])('of the type %s', async (model_type, mend) => {
    const folder = await tinyFolder({ config: (config) => ({ ...config, model_type }) })
    const error = await failure(loadEncoder(folder))
    expect(error.code).toBe('model/unknown-type')
    expect(error.what).toContain(`'${model_type}'`)
    expect(error.detail.mend).toContain(mend)
  })

  const broken: Record<string, Json> = {
    hidden_size: { hidden_size: undefined },
    num_attention_heads: { num_attention_heads: 5 },
    num_hidden_layers: { num_hidden_layers: 0 },
    vocab_size: { vocab_size: '48' },
    hidden_act: { hidden_act: 'relu' },
    position_embedding_type: { position_embedding_type: 'relative_key' },
    hidden_dropout_prob: { hidden_dropout_prob: 1 },
  }
  test.each(Object.entries(broken))('with a bad %s', async (key, change) => {
    const folder = await tinyFolder({ config: (config) => ({ ...config, ...change }) })
    const error = await failure(loadEncoder(folder))
    expect(error.code).toBe('model/bad-config')
    expect(error.what).toContain(key)
  })

  test.each(['{"model_type": "bert",', '[]', 'null', '5'])('whose config.json is %s', async (text) => {
    const folder = await tinyFolder()
    writeFileSync(join(folder, 'config.json'), text)
    expect((await failure(loadEncoder(folder))).code).toBe('model/bad-config')
  })

  test('whose tokenizer has more pieces than its table rows', async () => {
    const folder = await tinyFolder({
      config: (config) => ({ ...config, vocab_size: 6 }),
      weights: (weights) =>
        new Map(weights).set('bert.embeddings.word_embeddings.weight', { shape: [6, 32], data: new Float32Array(192) }),
    })
    const error = await failure(loadEncoder(folder))
    expect(error.code).toBe('model/tokenizer')
    expect(error.what).toMatch(/has \d+ pieces, the model's table 6 rows/)
  })

  test.each(['config.json', 'model.safetensors', 'tokenizer.json'])('without %s', async (name) => {
    const folder = await tinyFolder()
    rmSync(join(folder, name))
    expect((await failure(loadEncoder(folder))).code).toBe('model/missing-file')
  })

  test('from a folder that is not there', async () => {
    const error = await failure(loadEncoder(join(tmpdir(), 'no-such-model')))
    expect(error.code).toBe('model/missing-file')
    expect(error.detail.mend).toContain('check the path')
  })
})

const tags = ['O', 'B-X', 'I-X', 'B-Y', 'I-Y']
const ner = { scheme: 'IOB2', window: 32, context: 'sentence', contextPieces: 0, lineage: { seed: 3 } } as const

/** A trained model, or what passes for one, in a folder of its own. */
async function savedModel(head: HeadKind) {
  const { config } = await loadEncoder(await tinyFolder())
  const encoder = bert.create(config)
  const tagger: Tagger = { encoder, head, tags, legal: legalTransitions(tags, ner.scheme), dropout: 0.1 }
  const weights = initialise(taggerParameters(tagger), 5)
  for (const name of ['classifier.bias', 'crf.transitions', 'crf.start', 'crf.end']) {
    weights.get(name)?.forEach((_, i, data) => (data[i] = Math.fround(Math.sin(i + name.length))))
  }
  const folder = mkdtempSync(join(tmpdir(), 'ner-saved-'))
  saveModel(folder, { config, tagger, tokenizer: await tinyTokenizer(), weights, ner })
  return { folder, tagger, weights }
}

describe.each(['crf', 'softmax'] as const)('a saved model with a %s', (head) => {
  test('has the files of a Hugging Face folder, and nothing half-written', async () => {
    const { folder } = await savedModel(head)
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'ner.json',
      'onnx',
      'onnx/model.onnx',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
  })

  test('says in config.json what transformers reads', async () => {
    const { folder } = await savedModel(head)
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Json
    expect(config).toMatchObject({
      model_type: 'bert',
      architectures: ['BertForTokenClassification'],
      id2label: { 0: 'O', 1: 'B-X', 2: 'I-X', 3: 'B-Y', 4: 'I-Y' },
      label2id: { O: 0, 'B-X': 1, 'I-X': 2, 'B-Y': 3, 'I-Y': 4 },
      hidden_size: 32,
    })
  })

  test('loads as it was', async () => {
    const { folder, weights } = await savedModel(head)
    const model = await loadModel(folder)
    expect(model.tagger).toMatchObject({ head, tags, dropout: 0, legal: legalTransitions(tags, 'IOB2') })
    expect(model.ner).toEqual({ ...ner, head })
    expect(new Map(loadWeights(model))).toEqual(weights)
    expect(model.chain === undefined).toBe(head === 'softmax')
  })

  test('twice is the same to the byte', async () => {
    const [one, two] = [await savedModel(head), await savedModel(head)]
    for (const name of ['model.safetensors', 'ner.json', 'config.json', join('onnx', 'model.onnx')]) {
      expect(readFileSync(join(one.folder, name)).equals(readFileSync(join(two.folder, name))), name).toBe(true)
    }
  })

  test('serves the logits that were trained', async () => {
    const { folder, tagger, weights } = await savedModel(head)
    const inputIds = [2, 5, 6, 7, 3, 0, 2, 9, 8, 11, 12, 3]
    const mask = [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    const wordIndex = [1, 3, 7, 10]
    const served = await createSession((await loadModel(folder)).onnx, { threads: 1 })
    expect([...served.inputs].sort()).toEqual(['attention_mask', 'input_ids', 'token_type_ids'])
    const { logits } = await served.run({
      input_ids: int64([2, 6], inputIds),
      attention_mask: int64([2, 6], mask),
      token_type_ids: int64([2, 6], new Array<number>(12).fill(0)),
    })
    expect(logits!.dims).toEqual([2, 6, tags.length])
    await served.release()

    const trained = await compile((g) => {
      const inputs = {
        inputIds: g.input('ids', 'int64', ['batch', 'sequence']),
        attentionMask: g.input('attention', 'int64', ['batch', 'sequence']),
        wordIndex: g.input('index', 'int64', ['sentences', 'words']),
      }
      const values = new Map(
        taggerParameters(tagger).map(({ name, shape }) => [name, g.input(name, 'float32', shape)] as const),
      )
      return { words: wordLogits(g, tagger, inputs, (name) => values.get(name)!, noDropout) }
    })
    const { words } = await trained({
      ids: int64([2, 6], inputIds),
      attention: int64([2, 6], mask),
      index: int64([2, 2], wordIndex),
      ...Object.fromEntries(
        taggerParameters(tagger).map(({ name, shape }) => [name, float32(shape, weights.get(name)!)]),
      ),
    })
    const pieces = logits!.data as Float32Array
    const expected = wordIndex.flatMap((piece) => [...pieces.subarray(piece * tags.length, (piece + 1) * tags.length)])
    expect(distance(words!, expected)).toBeLessThan(1e-5)
  })
})

describe('a saved CRF', () => {
  test('is in ner.json by name, and decodes no illegal tag', async () => {
    const { folder, weights } = await savedModel('crf')
    const { crf } = JSON.parse(readFileSync(join(folder, 'ner.json'), 'utf8')) as {
      crf: { transitions: Record<string, Record<string, number>>; start: Record<string, number> }
    }
    expect(crf.transitions['B-X']!['I-Y']).toBe(weights.get('crf.transitions')![1 * 5 + 4])
    expect(crf.start['B-Y']).toBe(weights.get('crf.start')![3])
    const { chain } = await loadModel(folder)
    const probabilities = marginals(Float32Array.of(0, 0, 90, 0, 90), chain!)
    expect([probabilities[2], probabilities[4]]).toEqual([0, 0])
  })
})

describe('a saved model that was tampered with', () => {
  async function tampered(name: string, change: (content: Json) => unknown) {
    const { folder } = await savedModel('crf')
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Json)))
    return failure(loadModel(folder))
  }

  test.each([
    ['no id2label', { id2label: undefined }],
    ['a hole in id2label', { id2label: { 0: 'O', 2: 'B-X' } }],
    ['a label that is no text', { id2label: { 0: 'O', 1: 7 } }],
  ])('with %s', async (_, change) => {
    const error = await tampered('config.json', (config) => ({ ...config, ...change }))
    expect(error.code).toBe('model/bad-config')
    expect(error.what).toContain('id2label')
  })

  test('with labels that are no tags', async () => {
    const error = await tampered('config.json', (config) => ({ ...config, id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } }))
    expect(error.code).toBe('data/unknown-scheme')
  })

  test.each([
    ['head', { head: 'crff' }],
    ['scheme', { scheme: 'BIO' }],
    ['window', { window: -1 }],
  ])('with a bad %s in ner.json', async (key, change) => {
    const error = await tampered('ner.json', (content) => ({ ...content, ...change }))
    expect(error.code).toBe('model/bad-config')
    expect(error.what).toContain(key)
  })

  test.each(['ner.json', 'config.json', 'tokenizer.json'])('without %s', async (name) => {
    const { folder } = await savedModel('crf')
    rmSync(join(folder, name))
    expect((await failure(loadModel(folder))).code).toBe('model/missing-file')
  })

  test('without its weights runs, and has none to give', async () => {
    const { folder } = await savedModel('crf')
    const before = await loadModel(folder)
    rmSync(join(folder, 'model.safetensors'))
    const model = await loadModel(folder)
    expect(model.chain).toEqual(before.chain)
    expect(() => loadWeights(model)).toThrow(/model\/missing-file/)
  })

  test('whose tags are more than its CRF has', async () => {
    const id2label = Object.fromEntries([...tags, 'B-Z', 'I-Z'].map((tag, id) => [id, tag]))
    const error = await tampered('config.json', (config) => ({ ...config, id2label }))
    expect(error.code).toBe('model/bad-config')
    expect(error.what).toContain('B-Z')
  })

  test.each(['../model.onnx', '/tmp/model.onnx', 'onnx/../../model.onnx', 'model.safetensors'])(
    'whose graph is %s',
    async (graph) => {
      const error = await tampered('ner.json', (content) => ({ ...content, graph }))
      expect(error.code).toBe('model/bad-config')
      expect(error.what).toContain('graph')
    },
  )

  test('whose graph is another file of the folder', async () => {
    const error = await tampered('ner.json', (content) => ({ ...content, graph: 'onnx/model_quantized.onnx' }))
    expect(error.code).toBe('model/missing-file')
    expect(error.what).toContain('onnx/model_quantized.onnx')
  })
})
