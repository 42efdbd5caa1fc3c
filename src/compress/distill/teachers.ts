import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { NerError } from '../../errors.js'
import type { Tokenizer } from '../../features/tokenizer.js'
import { hashFile } from '../../io/hash.js'
import { originOf } from '../../hub/name.js'
import { loadModel, loadWeights, type ModelFolder } from '../../artifacts/model.js'
import type { ParameterData } from '../../models/parameters.js'

/** A trained model that another one learns from. */
export interface Teacher {
  readonly name: string
  readonly model: ModelFolder
  readonly weights: ParameterData
  /** SHA-256 of the weights file. */
  readonly hash: string
}

/**
 * Loads teachers that can teach together: of the same labels, scheme, tokenizer and windows.
 *
 * @throws NerError as `loadModel`; `compress/unlike-models` with the first difference
 */
export async function loadTeachers(folders: readonly string[]): Promise<readonly [Teacher, ...Teacher[]]> {
  const teachers: Teacher[] = []
  for (const folder of folders) {
    const model = await loadModel(folder)
    const hash = weightsHash(folder)
    teachers.push({ name: originOf(folder).name, model, weights: loadWeights(model), hash })
  }
  const [first, ...others] = teachers
  for (const other of others) checkAlike(first!, other)
  return teachers as [Teacher, ...Teacher[]]
}

/** SHA-256 of a teacher's weights file. @throws NerError `model/missing-file` where it is a graph alone */
export function weightsHash(folder: string): string {
  const file = join(folder, 'model.safetensors')
  if (existsSync(file)) return hashFile(file)
  throw new NerError('model/missing-file', 'A teacher needs its weights, and there is no model.safetensors.', {
    where: folder,
    mend: 'Name the folder of a model of ner train; for a quantized one, that of the model that it was quantized from.',
  })
}

function checkAlike(first: Teacher, { model: other }: Teacher): void {
  checkLabels(first, labelsOf(other), other.folder)
  const windows = ({ ner }: ModelFolder) => ({
    windows: { window: ner.window, context: ner.context, contextPieces: ner.contextPieces },
  })
  const difference = firstDifference(windows(first.model), windows(other))
  if (difference !== undefined) throw unlike(first.name, other.folder, difference)
  checkTokenizers(first.model.tokenizer, other.tokenizer, first.name, other.folder)
}

/** What the numbers that a model gives stand for. */
interface Labels {
  readonly labels: readonly unknown[]
  readonly scheme: string
}

const labelsOf = ({ tagger, ner }: ModelFolder): Labels => ({ labels: tagger.tags, scheme: ner.scheme })

/** Models that learn from each other's logits must mean the same by them. @throws NerError `compress/unlike-models` */
export function checkLabels({ name, model }: Teacher, other: Labels, where: string): void {
  const difference = firstDifference(labelsOf(model), other)
  if (difference !== undefined) throw unlike(name, where, difference)
}

/** Two models that read the same batch must cut text into the same pieces. @throws NerError `compress/unlike-models` */
export function checkTokenizers(a: Tokenizer, b: Tokenizer, name: string, where: string): void {
  const difference = firstDifference(tokenizerOf(a), tokenizerOf(b))
  if (difference !== undefined) throw unlike(name, where, `tokenizer.json: ${difference}`)
}

/** How a tokenizer cuts; how much of a text it was last used on is not part of it. */
function tokenizerOf({ files }: Tokenizer): unknown {
  const {
    truncation: _truncation,
    padding: _padding,
    ...rest
  } = JSON.parse(String(files['tokenizer.json'])) as Record<string, unknown>
  return rest
}

const unlike = (name: string, where: string, difference: string) =>
  new NerError('compress/unlike-models', `The model is not like ${name}: ${difference}.`, {
    where,
    mend: 'Teachers and student must have the same labels, tokenizer and windows: train them alike.',
  })

/** The first place at which two values of JSON differ, as `path: one and the other`; undefined where they are equal. */
export function firstDifference(a: unknown, b: unknown, path = ''): string | undefined {
  if (Object.is(a, b)) return undefined
  if (isTree(a) && isTree(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const difference = firstDifference(a[key], b[key], path === '' ? key : `${path}.${key}`)
      if (difference !== undefined) return difference
    }
    return undefined
  }
  const show = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60))
  return `${path} is ${show(a)} there and ${show(b)} here`
}

const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
