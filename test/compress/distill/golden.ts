import { readFileSync } from 'node:fs'
import { distillationObjective } from '../../../src/compress/distill/objective.js'
import type { LossRow } from '../../../src/compress/distill/losses.js'
import type { Teacher } from '../../../src/compress/distill/teachers.js'
import type { CachedLogits } from '../../../src/training/teachers/teacher-logits.js'
import { defaults, type Config } from '../../../src/config/schema.js'
import { legalTransitions } from '../../../src/data/schemes.js'
import { bert } from '../../../src/models/encoders/bert.js'
import type { ModelFolder } from '../../../src/artifacts/model.js'
import { readSafetensors } from '../../../src/models/safetensors.js'
import type { HeadKind, Tagger } from '../../../src/models/tagger.js'
import { readGolden, tinyWeights, toBatch, type GoldenBatch } from '../../training/golden-model.js'

// Made by test/golden/distill/make.py with PyTorch and transformers.
const folder = new URL('../../golden/distill/', import.meta.url)

interface Golden {
  readonly labels: string[]
  readonly temperature: number
  readonly emissionLoss: number
  readonly unlabelled: number
  readonly batch: GoldenBatch
  readonly teacherCrf: { readonly transitions: number[][]; readonly start: number[]; readonly end: number[] }
  readonly losses: Record<string, { readonly loss: number; readonly norm: number }>
}

export const golden = JSON.parse(readFileSync(new URL('losses.json', folder), 'utf8')) as Golden
export const goldenGradients = () => readSafetensors(new URL('gradients.safetensors', folder).pathname)

export function studentWeights(): Map<string, Float32Array> {
  const stored = readSafetensors(new URL('student.safetensors', folder).pathname)
  return new Map([...stored].map(([name, { data }]) => [name, data]))
}

function tagger(head: HeadKind, sizes: object): Tagger {
  const config = { ...(readGolden('tiny-bert/config.json') as object), ...sizes }
  const { labels } = golden
  return { encoder: bert.create(config), head, tags: labels, legal: legalTransitions(labels, 'IOB2'), dropout: 0 }
}

export const student = tagger('crf', {
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
})

export function teacher(head: HeadKind, share = 1): Teacher {
  const { transitions, start, end } = golden.teacherCrf
  const weights = tinyWeights({ 'crf.transitions': transitions.flat(), 'crf.start': start, 'crf.end': end })
  for (const name of ['classifier.weight', 'classifier.bias'])
    weights.set(
      name,
      weights.get(name)!.map((x) => x * share),
    )
  return { name: head, model: { tagger: tagger(head, {}) } as ModelFolder, weights, hash: '' }
}

/** The golden's batch: one of its sentences has no labels. */
export function goldenBatch() {
  const batch = toBatch(golden.batch)
  const rows = batch.rows.map(({ tags, ...row }, i) => ({
    ...row,
    ...(i !== golden.unlabelled && tags && { tags }),
  }))
  return { ...batch, rows }
}

export const row = (loss: LossRow['loss'], from: number | null = null, to: number | null = null): LossRow => ({
  loss,
  weight: 1,
  layer_teacher: from,
  layer_student: to,
})

export function objective(
  losses: LossRow[],
  {
    teachers = [teacher('crf')],
    ...rest
  }: { teachers?: Teacher[]; of?: Tagger; cached?: Pick<CachedLogits, 'of'>[] } = {},
) {
  const distill: Config['distill'] = { ...defaults.distill, losses, temperature: golden.temperature }
  const training: Config['training'] = { ...defaults.training, emission_loss: golden.emissionLoss }
  return distillationObjective(rest.of ?? student, teachers, {
    distill,
    training,
    softTargets: false,
    cached: rest.cached,
  })
}
