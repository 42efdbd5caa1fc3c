import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NerError } from '../errors.js'
import { loadTokenizer, type Tokenizer } from '../features/tokenizer.js'
import { hashFile } from '../io/hash.js'
import { architectureOf } from './architectures.js'
import type { Encoder, HubConfig } from './encoder.js'
import type { ParameterData } from './parameters.js'
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

/** `config.json` of a folder. @throws NerError `model/missing-file`, `model/bad-config` */
export function readConfig(folder: string): HubConfig {
  const config = readJson(folder, 'config.json')
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as HubConfig
  throw new NerError('model/bad-config', 'config.json is not an object.', {
    where: join(folder, 'config.json'),
    mend: 'Take the file from where the model is from, or train the model again.',
  })
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

export function missing(folder: string, name: string, cause?: unknown): NerError {
  return new NerError('model/missing-file', `The model folder lacks ${name}.`, {
    where: folder,
    mend: existsSync(folder)
      ? 'A model folder of ner train holds config.json, model.safetensors, tokenizer.json, ner.json and onnx/model.onnx.'
      : 'The folder is not there; check the path.',
    cause,
  })
}

/** @throws NerError `model/tokenizer` where a table has fewer rows than there are pieces */
export function checkVocabulary({ vocabSize }: Tokenizer, { sizes }: Encoder, folder: string): void {
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
