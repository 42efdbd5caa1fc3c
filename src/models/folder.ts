import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { legalTransitions } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { loadTokenizer, type Tokenizer } from '../features/tokenizer.js'
import { hashFile } from '../io/hash.js'
import { fillFolder, writeFileAtomically } from '../io/write.js'
import { encodeModel } from '../graph/onnx/encode.js'
import type { Chain } from './transitions.js'
import { architectureOf } from './architectures.js'
import type { Encoder, HubConfig } from './encoder.js'
import { chainOf, crfByName, parseNerFile, type NerFile } from './ner-file.js'
import type { ParameterData } from './parameters.js'
import { writeSafetensors } from './safetensors.js'
import { servingGraph } from './serving.js'
import { taggerParameters, type Tagger } from './tagger.js'
import { readWeights } from './weights-file.js'

/** A pretrained encoder, to start training from. */
export interface PretrainedEncoder {
  readonly config: HubConfig
  readonly encoder: Encoder
  readonly tokenizer: Tokenizer
  readonly weights: ParameterData
  /** SHA-256 of the weights file. */
  readonly hash: string
}

/** A trained model, ready to tag. */
export interface ModelFolder {
  readonly folder: string
  readonly config: HubConfig
  readonly tagger: Tagger
  readonly tokenizer: Tokenizer
  readonly ner: Omit<NerFile, 'crf' | 'graph'>
  /** The CRF's scores, where the model has one. */
  readonly chain: Chain | undefined
  /** The graph that is served. */
  readonly onnx: string
}

/**
 * Loads the encoder of a Hugging Face folder. Heads and poolers in the file are left out, with or without the
 * architecture's prefix on the names.
 *
 * @throws NerError `model/missing-file`, `model/bad-config`, `model/unknown-type`, `model/missing-weight`,
 *   `model/misshapen-weight`, `model/extra-weight`, `model/corrupt-weights`, `model/tokenizer`
 */
export async function loadEncoder(folder: string): Promise<PretrainedEncoder> {
  const config = readConfig(folder)
  const architecture = architectureOf(config, join(folder, 'config.json'))
  const encoder = architecture.create(config)
  const file = join(folder, 'model.safetensors')
  const weights = readWeights(file, encoder.parameters, architecture.prefix, encoder.predictionHead?.parameters)
  const tokenizer = await loadTokenizer(folder)
  checkVocabulary(tokenizer, encoder, folder)
  return { config, encoder, tokenizer, weights, hash: hashFile(file) }
}

/**
 * Loads a model that `ner train` wrote: its folder, or one of the graphs in there, `FOLDER/onnx/NAME.onnx`.
 *
 * @throws NerError as {@link loadEncoder}
 */
export async function loadModel(path: string): Promise<ModelFolder> {
  const isGraph = path.endsWith('.onnx')
  const folder = isGraph ? dirname(dirname(resolve(path))) : path
  const config = readConfig(folder)
  const architecture = architectureOf(config, join(folder, 'config.json'))
  const tags = tagsOf(config, folder)
  const { crf, graph, ...ner } = readNerFile(folder)
  const tagger: Tagger = {
    encoder: architecture.create(config),
    head: ner.head,
    tags,
    legal: legalTransitions(tags, ner.scheme),
    dropout: 0,
  }
  const tokenizer = await loadTokenizer(folder)
  checkVocabulary(tokenizer, tagger.encoder, folder)
  const onnx = isGraph ? path : join(folder, graph)
  if (!existsSync(onnx)) throw missing(folder, isGraph ? path : graph)
  return { folder, config, tagger, tokenizer, ner, chain: chainOf(tagger, crf, join(folder, 'ner.json')), onnx }
}

/** What `ner train` says of a model. @throws NerError `model/missing-file`, `model/bad-config` */
export const readNerFile = (folder: string): NerFile =>
  parseNerFile(readJson(folder, 'ner.json'), join(folder, 'ner.json'))

/** All of a trained model's weights. @throws NerError as {@link loadEncoder} */
export function loadWeights({ folder, tagger }: ModelFolder): ParameterData {
  return readWeights(join(folder, 'model.safetensors'), taggerParameters(tagger), '')
}

/** A trained model, to be written down. */
export interface SavedModel {
  readonly config: HubConfig
  readonly tagger: Tagger
  readonly tokenizer: Tokenizer
  readonly weights: ParameterData
  readonly ner: Omit<NerFile, 'crf' | 'graph' | 'head'>
}

/**
 * Writes a model folder that Python's transformers, transformers.js and this toolkit load as it is: configuration,
 * weights, tokenizer, `ner.json` and the ONNX graph. All of them are there, whole, or none.
 *
 * @throws NerError `file/disk-full`, `file/unwritable`
 */
export function saveModel(folder: string, model: SavedModel): void {
  fillFolder(folder, (aside) => writeModel(aside, model))
}

function writeModel(folder: string, { config, tagger, tokenizer, weights, ner }: SavedModel): void {
  const json = (name: string, value: unknown) =>
    writeFileAtomically(join(folder, name), `${JSON.stringify(value, null, 2)}\n`)
  for (const [name, content] of Object.entries(tokenizer.files)) writeFileAtomically(join(folder, name), content)
  json('config.json', trainedConfig(config, tagger))
  json('ner.json', { ...ner, head: tagger.head, ...(tagger.head === 'crf' && { crf: crfByName(tagger, weights) }) })
  writeFileAtomically(join(folder, 'onnx', 'model.onnx'), encodeModel(servingGraph(tagger, weights)))
  writeSafetensors(
    join(folder, 'model.safetensors'),
    new Map(taggerParameters(tagger).map(({ name, shape }) => [name, { shape, data: weights.get(name)! }])),
  )
}

function trainedConfig(config: HubConfig, { tags }: Tagger): HubConfig {
  const { torch_dtype: _torch, dtype: _dtype, _name_or_path: _name, ...kept } = config
  const { tokenClassifier } = architectureOf(config, 'config.json')
  return {
    ...kept,
    architectures: [tokenClassifier],
    torch_dtype: 'float32',
    id2label: Object.fromEntries(tags.map((tag, id) => [String(id), tag])),
    label2id: Object.fromEntries(tags.map((tag, id) => [tag, id])),
  }
}

/** A JSON file of a model folder. @throws NerError `model/missing-file`, `model/bad-config` */
export function readJson(folder: string, name: string): unknown {
  const path = join(folder, name)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw missing(folder, name, cause)
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new NerError('model/bad-config', `${name} is not JSON: ${(cause as Error).message}`, {
      where: path,
      mend: 'The file is damaged: copy or download it again.',
      cause,
    })
  }
}

function missing(folder: string, name: string, cause?: unknown): NerError {
  return new NerError('model/missing-file', `The model folder lacks ${name}.`, {
    where: folder,
    mend: existsSync(folder)
      ? 'A model folder of ner train holds config.json, model.safetensors, tokenizer.json, ner.json and onnx/model.onnx.'
      : 'The folder is not there; check the path.',
    cause,
  })
}

function readConfig(folder: string): HubConfig {
  const config = readJson(folder, 'config.json')
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as HubConfig
  throw new NerError('model/bad-config', 'config.json is not an object.', {
    where: join(folder, 'config.json'),
    mend: 'Take the file from where the model is from, or train the model again.',
  })
}

function tagsOf(config: HubConfig, folder: string): string[] {
  const byId = (config['id2label'] ?? {}) as Record<string, unknown>
  const tags = Object.keys(byId).map((_, id) => byId[String(id)])
  if (tags.length > 0 && tags.every((tag) => typeof tag === 'string')) return tags
  throw new NerError('model/bad-config', 'config.json has no id2label with a tag for every number from 0.', {
    where: join(folder, 'config.json'),
    mend: 'Evaluate and predict with a folder that ner train wrote.',
  })
}

function checkVocabulary({ vocabSize }: Tokenizer, { sizes }: Encoder, folder: string): void {
  if (vocabSize <= sizes.vocabSize) return
  throw new NerError(
    'model/tokenizer',
    `The tokenizer has ${vocabSize} pieces, the model's table ${sizes.vocabSize} rows.`,
    {
      where: folder,
      mend: 'tokenizer.json and config.json must be of the same model.',
    },
  )
}
