import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
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
import { checkSizes } from './binding.js'
import { chainOf, crfByName, nerFileName, writeNerFile, type NerFile, type NewNerFile } from './ner-file.js'
import { writeJson } from './json.js'
import { settledNerFile } from './other-classifier.js'

/** A trained model, ready to tag. */
export interface ModelFolder {
  readonly folder: string
  readonly config: HubConfig
  readonly tagger: Tagger
  readonly tokenizer: Tokenizer
  readonly ner: Omit<NerFile, 'crf' | 'graph' | 'files'>
  /** The CRF's scores, where the model has one. */
  readonly chain: Chain | undefined
  /** The graph that is served. */
  readonly onnx: string
}

/**
 * Loads a model that `ner train` wrote: its folder, or one of the graphs in there, `FOLDER/onnx/NAME.onnx`. A token
 * classifier of others, which has labels and no `ner.json`, is read as `settledNerFile` says; a folder without a graph
 * gets its graph made of its weights.
 *
 * @throws NerError as {@link loadEncoder}
 */
export async function loadModel(path: string): Promise<ModelFolder> {
  const isGraph = path.endsWith('.onnx')
  const folder = isGraph ? dirname(dirname(resolve(path))) : path
  const config = readConfig(folder)
  const architecture = architectureOf(config, join(folder, 'config.json'))
  const tags = tagsOf(config, folder)
  const encoder = architecture.create(config)
  const tokenizer = await loadTokenizer(folder)
  checkVocabulary(tokenizer, encoder, folder)
  const { crf, graph, files, ...ner } = settledNerFile(folder, tags, encoder, tokenizer)
  const tagger: Tagger = {
    encoder,
    head: ner.head,
    tags,
    legal: legalTransitions(tags, ner.scheme),
    dropout: 0,
  }
  const chain = chainOf(tagger, crf, join(folder, 'ner.json'))
  const model = { folder, config, tagger, tokenizer, ner, chain, onnx: isGraph ? path : join(folder, graph) }
  checkSizes(folder, files, isGraph ? `onnx/${basename(path)}` : graph)
  if (existsSync(model.onnx)) return model
  const canBeMade = !isGraph && graph === usualGraph && existsSync(join(folder, weightsFile))
  if (!canBeMade) throw missing(folder, isGraph ? path : graph)
  return { ...model, onnx: makeGraph(model) }
}

const weightsFile = 'model.safetensors'
const usualGraph = 'onnx/model.onnx'

/**
 * The graph of a folder that has weights alone, as transformers saves it: made where it belongs, or, where the folder
 * cannot be written, in a place of our own until the process ends.
 */
function makeGraph(model: ModelFolder): string {
  const bytes = encodeModel(servingGraph(model.tagger, loadWeights(model)))
  try {
    writeFileAtomically(model.onnx, bytes)
    return model.onnx
  } catch (error) {
    if (!(error instanceof NerError) || error.code !== 'file/unwritable') throw error
    const place = mkdtempSync(join(tmpdir(), 'ner-graph-'))
    process.on('exit', () => {
      rmSync(place, { recursive: true, force: true })
    })
    const onnx = join(place, 'model.onnx')
    writeFileAtomically(onnx, bytes)
    return onnx
  }
}

/** The `ner.json` that says of a loaded model what it is, where its folder has none of its own too. */
export function nerFileOf({ folder, tagger, tokenizer }: ModelFolder): NerFile {
  return settledNerFile(folder, tagger.tags, tagger.encoder, tokenizer)
}

/** All of a trained model's weights. @throws NerError as {@link loadEncoder} */
export function loadWeights({ folder, tagger }: ModelFolder): ParameterData {
  return readWeights(join(folder, weightsFile), taggerParameters(tagger), '')
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
  fillFolder(folder, (aside) => writeModel(aside, model), nerFileName)
}

function writeModel(folder: string, { config, tagger, tokenizer, weights, ner }: SavedModel): void {
  for (const [name, content] of Object.entries(tokenizer.files)) writeFileAtomically(join(folder, name), content)
  writeJson(join(folder, 'config.json'), trainedConfig(config, tagger))
  writeFileAtomically(join(folder, usualGraph), encodeModel(servingGraph(tagger, weights)))
  writeSafetensors(
    join(folder, weightsFile),
    new Map(taggerParameters(tagger).map(({ name, shape }) => [name, { shape, data: weights.get(name)! }])),
  )
  writeNerFile(folder, { ...ner, head: tagger.head, ...(tagger.head === 'crf' && { crf: crfByName(tagger, weights) }) })
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
