import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { schemes } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { readJson } from '../models/folder.js'
import { crfNames } from '../models/crf.js'
import { makeChain, type Chain } from '../models/transitions.js'
import type { ParameterData } from '../models/parameters.js'
import type { Tagger } from '../models/tagger.js'
import { binding, bindingOf, type Binding } from './binding.js'
import { writeJson } from './json.js'
import { storedLineage, type Lineage } from './lineage.js'

const scores = z.record(z.string(), z.number())

const nerFile = z.object({
  head: z.enum(['crf', 'softmax']),
  scheme: z.enum(schemes),
  /** How text becomes windows; the same at every use of the model. */
  window: z.int().min(8),
  context: z.enum(['sentence', 'document']),
  contextPieces: z.int().min(0),
  /** CRF scores by name: `transitions` from → to. Absent without a CRF. */
  crf: z.object({ transitions: z.record(z.string(), scores), start: scores, end: scores }).optional(),
  /** The graph that is served. */
  graph: z
    .string()
    .regex(/^onnx\/[\w.-]+\.onnx$/, 'a file of the folder onnx')
    .default('onnx/model.onnx'),
  /** The files that it belongs to; absent of models of older versions. */
  files: binding.optional(),
  /** Where the model comes from. */
  lineage: storedLineage.default({}),
})

/** `ner.json`: what a model needs here beyond what Hugging Face's files say. */
export type NerFile = Readonly<z.output<typeof nerFile>>

/** The same, about to be written. */
export type NewNerFile = Omit<z.input<typeof nerFile>, 'lineage' | 'files'> & { readonly lineage: Lineage }

/** Without it nothing takes a folder for a model of ours: it is the last file of one that comes. */
export const nerFileName = 'ner.json'

/** A folder's `ner.json`. @throws NerError `model/missing-file`, `model/bad-config` */
export function readNerFile(folder: string): NerFile {
  const parsed = nerFile.safeParse(readJson(folder, nerFileName))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new NerError('model/bad-config', `ner.json: ${issue.path.join('.')}: ${issue.message}`, {
    where: join(folder, nerFileName),
    mend: 'Write the model again, with ner train, distill or quantize; the file is not for editing.',
  })
}

/** Writes a folder's `ner.json`, its last file: it is bound to those that are there. */
export function writeNerFile(folder: string, file: NewNerFile): void {
  writeJson(join(folder, nerFileName), { ...file, files: bindingOf(folder) })
}

/**
 * Writes a model's `ner.json` into a folder that has new files of it, and binds it to these: to these alone, or, where they
 * are to be added to those of the model, to all.
 */
export function rebindNerFile(from: string, to: string, isAdded: boolean): void {
  const file = readJson(from, nerFileName) as { files?: Binding }
  writeJson(join(to, nerFileName), { ...file, files: { ...(isAdded && file.files), ...bindingOf(to) } })
}

/** The files that a folder's `ner.json` is bound to; undefined of a model of an older version or of others. */
export const boundFiles = (folder: string): Binding | undefined =>
  existsSync(join(folder, nerFileName)) ? readNerFile(folder).files : undefined

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

/** The scores by name, in the order of the tags. JSON keeps every float32 as it is. @throws NerError `model/bad-config` */
export function chainOf({ head, tags, legal }: Tagger, crf: NerFile['crf'], where: string): Chain | undefined {
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
