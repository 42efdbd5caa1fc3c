import type { Config } from '../../config/schema.js'
import { NerError } from '../../errors.js'
import { originOf } from '../../hub/name.js'
import { architectureOf, withDropout, withLayers } from '../../models/architectures.js'
import type { Encoder, HubConfig } from '../../models/encoder.js'
import { initialise, type Block, type Parameter, type ParameterData } from '../../models/parameters.js'
import { taggerParameters, type Tagger } from '../../models/tagger.js'
import { loadPretrained, otherSize } from './pretrained.js'
import { narrowed } from './embeddings.js'
import type { Teacher } from './teachers.js'

/** A model that is about to learn from a teacher. */
export interface Student {
  readonly config: HubConfig
  readonly tagger: Tagger
  readonly weights: ReadonlyMap<string, Float32Array>
  /** Where its first weights come from, for the lineage. */
  readonly initialised: string
  /** SHA-256 of the weights file of the folder that it starts from. */
  readonly hash: string | undefined
}

/**
 * The student that the configuration asks for, with the first teacher's labels and tokenizer. As wide as the teacher, it
 * starts from some of its layers; narrower, from its embeddings at most; or from the folder that is given, and the
 * teacher's head as far as that has none.
 *
 * @throws NerError `config/bad-value` for a shape that cannot be made of the teacher; for a folder as `loadPretrained`
 */
export async function makeStudent(
  teacher: Teacher,
  { distill, model, seed }: Config,
  folder?: string,
): Promise<Student> {
  const given = folder === undefined ? undefined : await loadPretrained(folder, teacher, distill)
  const config = withDropout(
    given?.config ?? studentConfig(teacher, distill),
    { dropout: model.dropout, attentionDropout: model.attention_dropout },
    'the student',
  )
  const encoder = architectureOf(config, 'the student').create(config)
  const { tags, legal, head } = teacher.model.tagger
  const tagger: Tagger = { encoder, head: distill.head ?? head, tags, legal, dropout: encoder.headDropout }

  const sizes = teacher.model.tagger.encoder.sizes
  const narrow = encoder.sizes.hiddenSize < sizes.hiddenSize
  const source = given ? given.weights : narrow ? narrowStart(teacher, encoder, distill) : teacher.weights
  const nameIn = given ? ({ name }: Parameter) => name : startNames(teacher, encoder, distill.layers)
  const started = new Map(
    taggerParameters(tagger).flatMap((parameter) => {
      const { name } = parameter
      const data = source.get(nameIn(parameter) ?? '') ?? (fits(parameter) ? teacher.weights.get(name) : undefined)
      return data ? [[name, data] as const] : []
    }),
  )
  const fresh = taggerParameters(tagger).filter(({ name }) => !started.has(name))
  const weights = new Map([...started, ...initialise(fresh, seed)])
  const initialised = folder === undefined ? describe(distill, encoder.sizes, narrow) : originOf(folder).name
  return { config, tagger, weights, initialised, hash: given?.hash }

  /** Which parts of the teacher's head every student can start with. */
  function fits({ group }: Parameter): boolean {
    return group === 'crf' || (group === 'head' && encoder.sizes.hiddenSize === sizes.hiddenSize)
  }
}

const narrowStart = (teacher: Teacher, student: Encoder, { embeddings }: Config['distill']): ParameterData =>
  embeddings === 'svd' ? narrowed(teacher, student) : new Map()

/** The teacher's `config.json` with the student's sizes. */
function studentConfig({ name, model }: Teacher, distill: Config['distill']): HubConfig {
  const { keys } = architectureOf(model.config, model.folder)
  const { sizes } = model.tagger.encoder
  const layers = distill.num_hidden_layers ?? Math.max(1, Math.floor(sizes.layers / 2))
  const hidden = distill.hidden_size ?? sizes.hiddenSize
  const heads = distill.num_attention_heads ?? sizes.heads
  const refuse = (key: string, what: string, mend: string) => {
    throw new NerError('config/bad-value', what, { where: `distill.${key}`, mend })
  }
  if (layers > sizes.layers) {
    const what = `The student is to have ${layers} layers, and ${name} has ${sizes.layers}.`
    refuse('num_hidden_layers', what, `Ask for ${sizes.layers} or fewer \`layers\`.`)
  }
  if (hidden > sizes.hiddenSize) {
    const what = `The student is to be ${hidden} wide, and ${name} is ${sizes.hiddenSize}.`
    refuse('hidden_size', what, `Ask for ${sizes.hiddenSize} or less as \`hidden\`, or start from a folder.`)
  }
  if (hidden % heads !== 0) {
    const near = Math.max(1, Math.round(hidden / heads)) * heads
    const what = `A width of ${hidden} cannot be divided by ${heads} attention heads.`
    refuse('hidden_size', what, `Give \`hidden\` ${near}, or set distill.num_attention_heads.`)
  }
  if (hidden === sizes.hiddenSize) {
    const own = { num_attention_heads: sizes.heads, intermediate_size: Number(model.config[keys.intermediateSize]) }
    const key = otherSize(distill, own)
    if (key !== undefined) {
      const what = `A student as wide as ${name} has layers of its form, and ${key} is ${own[key]} there.`
      refuse(key, what, 'Leave it out, or ask for a narrower student with `hidden`.')
    }
  }
  const kept = Array.from({ length: layers }, (_, own) => sourceLayer(own, distill.layers, layers, sizes.layers))
  const shallow = withLayers(model.config, kept, model.folder)
  if (hidden === sizes.hiddenSize) return shallow
  const ratio = Number(model.config[keys.intermediateSize]) / sizes.hiddenSize
  return {
    ...shallow,
    [keys.hiddenSize]: hidden,
    [keys.heads]: heads,
    [keys.intermediateSize]: distill.intermediate_size ?? Math.round(ratio * hidden),
  }
}

/** Which of the teacher's parameters one of the student's starts from, by name. */
function startNames({ model }: Teacher, student: Encoder, layers: Config['distill']['layers']) {
  const { encoder } = model.tagger
  const keyOf = ({ index, part }: Block) => `${index} ${part}`
  const names = new Map(encoder.parameters.flatMap(({ name, block }) => (block ? [[keyOf(block), name]] : [])))
  return ({ name, block }: Parameter): string | undefined => {
    if (block && layers === 'fresh') return undefined
    if (!block || block.index === 'shared') return name
    const index = sourceLayer(block.index, layers, student.sizes.layers, encoder.sizes.layers)
    return names.get(keyOf({ ...block, index }))
  }
}

/** Which of the teacher's layers a student's stands for, from 0; spread, the last of each of the teacher's stretches. */
function sourceLayer(own: number, layers: Config['distill']['layers'], student: number, teacher: number): number {
  return layers === 'first' ? own : spread(own + 1, student, teacher) - 1
}

/** The teacher's layer that stands where the student's does, both counted from 1; 0 is the embeddings. */
export function spread(layer: number, student: number, teacher: number): number {
  return Math.round((layer * teacher) / student)
}

function describe(
  distill: Config['distill'],
  { layers, hiddenSize }: { layers: number; hiddenSize: number },
  narrow: boolean,
) {
  if (narrow) return `${layers} fresh layers × ${hiddenSize}, embeddings ${distill.embeddings}`
  return `${layers} layers × ${hiddenSize}, ${distill.layers}`
}
