import { z } from 'zod'
import { NerError } from '../../errors.js'
import { nearest } from '../../nearest.js'
import { sentinelLabel } from '../../sources/source.js'
import type { Votes } from '../votes/votes.js'

/** A probability that is no certainty: nothing that is seen later could change one. */
const belief = z.number().gt(0).lt(1)

/** The `label_model` section of a configuration of `ner weak`. */
export const labelModelSchema = z.strictObject({
  model: z.enum(['majority', 'weighted', 'hmm']).default('hmm'),
  /** How often a vote is taken to be right before any is seen: of all sources, or by source, or by source and type. */
  precision: z
    .union([belief, z.record(z.string(), z.union([belief, z.record(z.string(), belief)]))], {
      error: 'expected a share between 0 and 1, or shares by source, or by source and type',
    })
    .default(0.75),
  /** How many votes such a belief counts for. */
  strength: z.number().positive().default(4),
  /** Sources that repeat one another and so count for less: found in the votes, or lists of their names. */
  correlated: z.union([z.enum(['detect', 'none']), z.array(z.array(z.string()).min(2))]).default('detect'),
  /** EM stops after so many rounds, or when one gains less than this in log-likelihood a voted word. */
  iterations: z.int().positive().default(100),
  tolerance: z.number().positive().default(1e-4),
  seed: z.int().min(0).max(0xffffffff).default(1),
})

export type LabelModelSettings = z.output<typeof labelModelSchema>

const otherwise = 0.75

/** What holds where no configuration says otherwise. */
export const defaultSettings: LabelModelSettings = labelModelSchema.parse({})

/** What a source's vote for a type (or O) is believed to be worth. */
export function believed({ precision }: LabelModelSettings, source: string, type: string): number {
  if (typeof precision === 'number') return precision
  const ofSource = precision[source] ?? otherwise
  return typeof ofSource === 'number' ? ofSource : (ofSource[type] ?? otherwise)
}

/** Throws `config/bad-value` where a belief is about a source or type that casts no vote, or that nobody votes for. */
export function checkBeliefs({ precision }: LabelModelSettings, { sources, labels }: Votes): void {
  if (typeof precision === 'number') return
  const types = [sentinelLabel, ...labels]
  const known = (names: readonly string[], found: readonly string[], key: string) => {
    const wrong = found.find((name) => !names.includes(name))
    if (wrong === undefined) return
    const meant = nearest(wrong, names)
    throw new NerError('config/bad-value', `${key} names ${wrong}, which the votes do not.`, {
      where: key,
      mend: meant === undefined ? `They have ${names.join(', ')}.` : `Did you mean ${meant}?`,
    })
  }
  known(sources, Object.keys(precision), 'label_model.precision')
  for (const [source, ofSource] of Object.entries(precision))
    if (typeof ofSource !== 'number') known(types, Object.keys(ofSource), `label_model.precision.${source}`)
}
