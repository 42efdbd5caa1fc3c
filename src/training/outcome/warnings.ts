import type { Evaluation } from '../../evaluation/emissions.js'
import { percent } from '../../report/numbers.js'

/** Points of F1 by which plain argmax may be below a CRF before it is worth a word. */
const widestGap = 3

/** Fewer optimizer steps than this rarely teach a model anything. */
const fewestSteps = 50

/** What a training has come to that its caller should not overlook, a sentence or two each. */
export function trainingWarnings(
  { steps, best }: { readonly steps: number; readonly best: { readonly f1: number } | undefined },
  evaluation: Evaluation | undefined,
): string[] {
  const longer = 'Set training.epochs higher, or training.batch_sentences lower.'
  const isBlank = best?.f1 === 0
  return [
    ...(isBlank ? [`The model finds no entity of the dev set: its best F1 is 0. ${longer}`] : []),
    ...(!isBlank && steps < fewestSteps ? [`The model was trained for ${steps} steps alone. ${longer}`] : []),
    ...(evaluation?.crf ? gapWarning(evaluation.crf.scores.micro.f1, evaluation.argmax.scores.micro.f1) : []),
  ]
}

/** How far a model without its CRF is from the model, where that is far; F1 from 0 to 1. */
export function gapWarning(own: number, plain: number | undefined): string[] {
  if (plain === undefined || 100 * (own - plain) <= widestGap) return []
  return [
    `Tools that do not know the CRF, and give each word its likeliest tag, get an F1 of ${percent(plain)} where the CRF ` +
      `gets ${percent(own)}. A longer training, or a higher training.emission_loss, brings them together.`,
  ]
}
