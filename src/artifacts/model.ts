import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { legalTransitions } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { loadTokenizer, type Tokenizer } from '../features/tokenizer.js'
import { encodeModel } from '../graph/onnx/encode.js'
import { fillFolder, writeFileAtomically } from '../io/write.js'
import { architectureOf } from '../models/architectures.js'
import type { HubConfig } from '../models/encoder.js'
import { checkVocabulary, missing, readConfig } from '../models/folder.js'
import type { ParameterData } from '../models/parameters.js'
import { writeSafetensors } from '../models/safetensors.js'
import { servingGraph } from '../models/serving.js'
import { taggerParameters, type Tagger } from '../models/tagger.js'
import type { Chain } from '../models/transitions.js'
import { readWeights } from '../models/weights-file.js'
import { chainOf, crfByName, readNerFile, writeNerFile, type NerFile, type NewNerFile } from './ner-file.js'
import { writeJson } from './json.js'

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
  readonly ner: Omit<NewNerFile, 'crf' | 'graph' | 'head'>
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
  for (const [name, content] of Object.entries(tokenizer.files)) writeFileAtomically(join(folder, name), content)
  writeJson(join(folder, 'config.json'), trainedConfig(config, tagger))
  writeNerFile(folder, { ...ner, head: tagger.head, ...(tagger.head === 'crf' && { crf: crfByName(tagger, weights) }) })
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

function tagsOf(config: HubConfig, folder: string): string[] {
  const byId = (config['id2label'] ?? {}) as Record<string, unknown>
  const tags = Object.keys(byId).map((_, id) => byId[String(id)])
  if (tags.length > 0 && tags.every((tag) => typeof tag === 'string')) return tags
  throw new NerError('model/bad-config', 'config.json has no id2label with a tag for every number from 0.', {
    where: join(folder, 'config.json'),
    mend: 'Evaluate and predict with a folder that ner train wrote.',
  })
}
