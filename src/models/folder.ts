import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { legalTransitions, type Scheme } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { loadTokenizer, type Tokenizer } from '../features/tokenizer.js'
import { writeFileAtomically } from '../files.js'
import { encodeModel } from '../graph/onnx/encode.js'
import { Graph } from '../graph/graph.js'
import { crfNames } from './crf.js'
import { makeChain, type Chain } from './decode.js'
import { architectureOf } from './architectures.js'
import type { Encoder, HubConfig } from './encoder.js'
import { elements, parameterTensor, type Parameter, type ParameterData } from './parameters.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'
import { pieceLogits, taggerParameters, type HeadKind, type Tagger } from './tagger.js'

/** `ner.json`: what a model needs here beyond what Hugging Face's files say. */
export interface NerFile {
  readonly head: HeadKind
  readonly scheme: Scheme
  /** How text becomes windows; the same at every use of the model. */
  readonly window: number
  readonly context: 'sentence' | 'document'
  readonly contextPieces: number
  /** CRF scores by name: `transitions` from → to. Absent without a CRF. */
  readonly crf?: NamedScores | undefined
  /** The graph that is served, where it is not `onnx/model.onnx`. */
  readonly graph?: string | undefined
  /** Where the model comes from: data hashes, seed, configuration, metrics, versions. */
  readonly lineage: Readonly<Record<string, unknown>>
}

interface NamedScores {
  readonly transitions: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly start: Readonly<Record<string, number>>
  readonly end: Readonly<Record<string, number>>
}

const scores = z.record(z.string(), z.number())

const nerFile = z.object({
  head: z.enum(['crf', 'softmax']),
  scheme: z.enum(['IOB1', 'IOB2', 'IOE1', 'IOE2', 'IOBES', 'BILOU']),
  window: z.int().min(8),
  context: z.enum(['sentence', 'document']),
  contextPieces: z.int().min(0),
  crf: z.object({ transitions: z.record(z.string(), scores), start: scores, end: scores }).optional(),
  graph: z
    .string()
    .regex(/^onnx\/[\w.-]+\.onnx$/, 'a file of the folder onnx')
    .default('onnx/model.onnx'),
  lineage: z.record(z.string(), z.unknown()).default({}),
})

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
  const weights = pickWeights(file, encoder.parameters, architecture.prefix, encoder.predictionHead?.parameters)
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
  const { architecture, tags } = {
    architecture: architectureOf(config, join(folder, 'config.json')),
    tags: tagsOf(config, folder),
  }
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

/** The scores by name, in the order of the tags. JSON keeps every float32 as it is. */
function chainOf({ head, tags, legal }: Tagger, crf: NerFile['crf'], where: string): Chain | undefined {
  if (head !== 'crf') return undefined
  const score = (scores: Readonly<Record<string, number>> | undefined, tag: string) => {
    const value = scores?.[tag]
    if (value !== undefined) return value
    throw new NerError('model/bad-config', `ner.json lacks a CRF score of the tag ${tag}.`, {
      where,
      mend: 'config.json and ner.json must be of the same model.',
    })
  }
  const vector = (scores: Readonly<Record<string, number>> | undefined) =>
    Float32Array.from(tags, (tag) => score(scores, tag))
  const transitions = tags.flatMap((from) => [...vector(crf?.transitions[from])])
  return makeChain(
    { transitions: Float32Array.from(transitions), start: vector(crf?.start), end: vector(crf?.end) },
    legal,
  )
}

/** All of a trained model's weights. @throws NerError as {@link loadEncoder} */
export function loadWeights({ folder, tagger }: ModelFolder): ParameterData {
  return pickWeights(join(folder, 'model.safetensors'), taggerParameters(tagger), '')
}

/**
 * Writes a model folder that Python's transformers, transformers.js and this toolkit load as it is: configuration,
 * weights, tokenizer, `ner.json` and the ONNX graph. Each file is whole or absent.
 */
export function saveModel(
  folder: string,
  model: {
    readonly config: HubConfig
    readonly tagger: Tagger
    readonly tokenizer: Tokenizer
    readonly weights: ParameterData
    readonly ner: Omit<NerFile, 'crf' | 'graph' | 'head'>
  },
): void {
  const { tagger, weights } = model
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  const json = (name: string, value: unknown) =>
    writeFileAtomically(join(folder, name), `${JSON.stringify(value, null, 2)}\n`)
  for (const [name, content] of Object.entries(model.tokenizer.files)) writeFileAtomically(join(folder, name), content)
  json('config.json', trainedConfig(model.config, tagger))
  json('ner.json', {
    ...model.ner,
    head: tagger.head,
    ...(tagger.head === 'crf' && { crf: crfByName(tagger, weights) }),
  })
  const parameters = taggerParameters(tagger)
  writeFileAtomically(join(folder, 'onnx', 'model.onnx'), encodeModel(servingGraph(tagger, weights)))
  writeSafetensors(
    join(folder, 'model.safetensors'),
    new Map(parameters.map(({ name, shape }) => [name, { shape, data: weights.get(name)! }])),
  )
}

/** The forward pass with its weights baked in: `input_ids`, `attention_mask` (and `token_type_ids`) to `logits`. */
export function servingGraph(tagger: Tagger, weights: ParameterData): Graph {
  const g = new Graph('ner')
  const inputIds = g.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = g.input('attention_mask', 'int64', ['batch', 'sequence'])
  const inputs = tagger.encoder.takesTokenTypes
    ? { inputIds, attentionMask, tokenTypeIds: g.input('token_type_ids', 'int64', ['batch', 'sequence']) }
    : { inputIds, attentionMask }
  const values = new Map(
    taggerParameters(tagger)
      .filter(({ group }) => group !== 'crf')
      .map((parameter) => [
        parameter.name,
        g.initializer(parameter.name, parameterTensor(parameter, weights.get(parameter.name)!)),
      ]),
  )
  g.output(
    'logits',
    pieceLogits(g, tagger, inputs, (name) => values.get(name)!),
  )
  return g
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

/** The CRF's scores as `ner.json` has them. */
export function crfByName({ tags }: Tagger, weights: ParameterData): NonNullable<NerFile['crf']> {
  const named = (scores: ArrayLike<number>, from = 0) =>
    Object.fromEntries(tags.map((tag, i) => [tag, scores[from + i]!]))
  const transitions = weights.get(crfNames.transitions)!
  return {
    transitions: Object.fromEntries(tags.map((tag, i) => [tag, named(transitions, i * tags.length)])),
    start: named(weights.get(crfNames.start)!),
    end: named(weights.get(crfNames.end)!),
  }
}

/** Parts of names of tensors for pretraining and of other heads, which a token classifier does not have. */
const ignored = [
  ...['pooler', 'cls', 'lm_head', 'predictions', 'seq_relationship', 'classifier', 'qa_outputs', 'crf', 'position_ids'],
  ...['discriminator_predictions', 'generator_predictions', 'generator_lm_head'],
  ...['vocab_transform', 'vocab_layer_norm', 'vocab_projector', 'pre_classifier'],
  ...['sop_classifier', 'lm_predictions', 'mask_predictions', 'position_embeddings', 'decoder', 'head'],
]

/**
 * The tensors of `parameters` from a weights file, and of `optional` those that it has; any other must be one of
 * {@link ignored}.
 */
function pickWeights(
  file: string,
  parameters: readonly Parameter[],
  prefix: string,
  optional: readonly Parameter[] = [],
): Map<string, Float32Array> {
  const stored = readSafetensors(file)
  const picked = new Map<string, Float32Array>()
  for (const parameter of [...parameters, ...optional]) {
    const { name, shape } = parameter
    const found = storedNames(name, prefix).find((candidate) => stored.has(candidate))
    if (found === undefined) {
      if (optional.includes(parameter)) continue
      throw new NerError('model/missing-weight', `The weights lack '${name}', ${formatDims(shape)}.`, {
        where: file,
        mend: 'config.json and model.safetensors must be of the same model.',
      })
    }
    const tensor = stored.get(found)!
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, axis) => dim !== shape[axis])) {
      throw new NerError(
        'model/misshapen-weight',
        `'${found}' has the shape ${formatDims(tensor.shape)}; config.json asks for ${formatDims(shape)}.`,
        { where: file, mend: 'config.json and model.safetensors must be of the same model.' },
      )
    }
    picked.set(name, tensor.data)
    stored.delete(found)
  }
  const extra = [...stored.keys()].find((name) => !name.split('.').some((part) => ignored.includes(part)))
  if (extra !== undefined) {
    throw new NerError(
      'model/extra-weight',
      `The weights hold '${extra}', which the model of config.json does not have.`,
      {
        where: file,
        mend: 'config.json and model.safetensors must be of the same model; look at num_hidden_layers first.',
      },
    )
  }
  return picked
}

/** A parameter's names in files: without the prefix too, and a norm's as BERT's first release called them. */
function storedNames(name: string, prefix: string): string[] {
  const first = (it: string) =>
    it.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta')
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name
  return [name, bare].flatMap((it) => [it, first(it)])
}

function formatDims(dims: readonly number[]): string {
  return `[${dims.join(', ')}]`
}

function readJson(folder: string, name: string): unknown {
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
    throw new NerError('model/bad-config', `${name} is not JSON: ${(cause as Error).message}`, { where: path, cause })
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
  throw new NerError('model/bad-config', 'config.json is not an object.', { where: join(folder, 'config.json') })
}

function readNerFile(folder: string): z.output<typeof nerFile> {
  const parsed = nerFile.safeParse(readJson(folder, 'ner.json'))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new NerError('model/bad-config', `ner.json: ${issue.path.join('.')}: ${issue.message}`, {
    where: join(folder, 'ner.json'),
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

export function hashFile(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** The number of trainable numbers. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + elements(shape), 0)
}
