import { NerError } from '../errors.js'
import type { Estimate } from './estimate.js'
import { typesOf, type Unit } from './labels.js'
import type { SharedCorpus } from './match.js'
import { pairAgreement, type PairAgreement, type Variant } from './pair.js'
import { commonAgreement, type CommonAgreement } from './several.js'

export interface AgreementOptions {
  readonly unit?: Unit
  /** Leaves what all call O out of the headline. Stretches are none of them O for all. */
  readonly ignoreO?: boolean
}

/** The intervals of one corpus are the same every time. */
const resampling = { resamples: 1000, seed: 1 }

/** The one number that a gate is held against. */
export interface Headline {
  readonly measure: 'Cohen’s kappa' | 'Fleiss’ kappa' | 'Krippendorff’s alpha'
  readonly variant: Variant
  readonly estimate: Required<Pick<Estimate, 'value'>> & Estimate
}

export interface CorpusAgreement {
  readonly annotators: readonly string[]
  readonly documents: number
  readonly unit: Unit
  readonly types: readonly string[]
  readonly headline: Headline
  /** Every two annotators who share a document. */
  readonly pairs: readonly PairAgreement[]
  /** Of three or more. */
  readonly common?: CommonAgreement
}

/**
 * How far annotators agree. The headline is Cohen's kappa of two annotators, Fleiss' of more, or Krippendorff's alpha
 * where there is no document that all have labelled.
 *
 * @throws NerError `agreement/undefined` where the headline is undefined, with the observed agreement
 */
export function measureAgreement(
  corpus: SharedCorpus,
  { unit = 'token', ignoreO = false }: AgreementOptions = {},
): CorpusAgreement {
  const { annotators, documents } = corpus
  const types = typesOf(corpus)
  const pairs = annotators.flatMap((_, b) =>
    annotators
      .slice(0, b)
      .flatMap((_, a) =>
        documents.some(({ spans }) => spans[a] && spans[b])
          ? [pairAgreement(corpus, [a, b], types, unit, resampling)]
          : [],
      ),
  )
  const common = annotators.length > 2 ? commonAgreement(corpus, types, unit, resampling) : undefined
  const variant: Variant = unit === 'span' ? 'types' : ignoreO ? 'tagsWithoutO' : 'tags'
  const [measure, estimate] = ((): [Headline['measure'], Estimate] => {
    if (!common) return ['Cohen’s kappa', pairs[0]!.kappa[variant].kappa]
    if (common.labelledByAll > 0) return ['Fleiss’ kappa', common.fleiss[variant]]
    return ['Krippendorff’s alpha', common.krippendorff[variant]]
  })()
  const { value } = estimate
  if (value === undefined) throw undefinedAgreement(measure, pairs, variant, types)
  return {
    annotators,
    documents: documents.length,
    unit,
    types,
    headline: { measure, variant, estimate: { ...estimate, value } },
    pairs,
    ...(common && { common }),
  }
}

function undefinedAgreement(
  measure: Headline['measure'],
  pairs: readonly PairAgreement[],
  variant: Variant,
  types: readonly string[],
): NerError {
  const tables = pairs.map(({ kappa }) => kappa[variant])
  const units = tables.reduce((sum, table) => sum + table.units, 0)
  if (units === 0) {
    return new NerError('agreement/undefined', `${measure} is undefined: there is nothing that anybody labelled.`, {
      mend: 'Give documents with entities, or leave `ignore-o` out.',
    })
  }
  const only = types.length === 0 ? 'O' : types.join(', ')
  const observed = tables.reduce((sum, table) => sum + table.observed * table.units, 0) / units
  return new NerError('agreement/undefined', `${measure} is undefined: all gave everything the one label ${only}.`, {
    where: `observed agreement ${(100 * observed).toFixed(2)} % of ${units}, as chance alone would give`,
    mend: 'Compare documents in which there is something to tell apart.',
  })
}
