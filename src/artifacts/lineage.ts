import { z } from 'zod'
import type { Config } from '../config/schema.js'

/** A file that was read, by its name without a path. */
const source = z.object({ file: z.string(), sha256: z.string() })
export type SourceFile = Readonly<z.output<typeof source>>

/** A model that another one was made of. */
export interface Ancestor {
  readonly name: string
  /** Of a model of the hub. */
  readonly commit?: string
  readonly sha256?: string | undefined
}

const scores = z.object({
  /** The split that they are of: test, or dev. */
  on: z.string(),
  /** By the model's own decoding, strict spans. */
  f1: z.number(),
  /** With each word's likeliest tag, of a CRF. */
  argmax_f1: z.number().optional(),
})

/** What a model scored when it was trained. */
export type StoredScores = Readonly<z.output<typeof scores>>

/** Where a model comes from: what it was made of, with which settings, and by which versions. */
export interface Lineage {
  /** What a training started from; null is from scratch. */
  readonly base_model?: Ancestor | null
  /** Of a distillation. */
  readonly teachers?: readonly Ancestor[]
  /** Of a distillation: what the student's first weights were made of. */
  readonly student?: string
  readonly unlabelled?: readonly SourceFile[]
  readonly gazetteer?: SourceFile
  readonly data?: Readonly<Partial<Record<'train' | 'dev' | 'test', SourceFile>>> | undefined
  readonly scores?: StoredScores | undefined
  readonly seed?: number
  readonly config?: Config
  readonly versions?: Readonly<Record<string, string>>
  readonly quantization?: Quantization
}

/** What `ner quantize` did to a model. */
export interface Quantization {
  readonly method: string
  readonly cpu: string
  readonly largest_weight: number
  readonly embeddings: 'int8' | 'float32'
  readonly float_layers: readonly string[]
  readonly balanced_layers: readonly string[]
  readonly calibration?: string
  readonly qat_steps?: number
  readonly source: { readonly name: string; readonly sha256: string }
  readonly data: Readonly<Partial<Record<'calib' | 'dev', SourceFile | undefined>>>
  readonly versions: Readonly<Record<string, string>>
}

/** What later commands read of a lineage. The rest is for people, and may be of other versions. */
export const storedLineage = z.looseObject({
  scores: scores.optional(),
  data: z.partialRecord(z.enum(['train', 'dev', 'test']), source).optional(),
  /** Its presence marks a quantized model. */
  quantization: z.looseObject({}).optional(),
})
