import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject, type Json } from '../../data/json.js'
import { NerError } from '../../errors.js'

/** A training run, and the sentences with people's labels that went into it. */
export interface LabelledRun {
  readonly sentences: number
  readonly folder: string
}

export interface CurvePoint extends LabelledRun {
  readonly f1: number
}

/** What F1 costs in labelled sentences, without weak labels and with them; ascending in sentences. */
export interface LearningCurves {
  /** What all runs were scored on. */
  readonly split: 'test' | 'dev'
  readonly gold: readonly CurvePoint[]
  readonly weak: readonly (CurvePoint & { readonly worth: Worth })[]
}

/**
 * How many labelled sentences alone come to the same F1: a number between the curve's ends, or beyond the `most` that
 * were tried, or fewer than the `least`.
 */
export type Worth = { readonly sentences: number } | { readonly above: number } | { readonly below: number }

/**
 * Reads the scores of runs: all on test, or, where one was not tested, all on dev.
 *
 * Throws `file/unreadable` where a folder is no run, and `data/empty` where one has no score.
 */
export function learningCurves(gold: readonly LabelledRun[], weak: readonly LabelledRun[]): LearningCurves {
  const results = new Map([...gold, ...weak].map(({ folder }) => [folder, resultsOf(folder)]))
  const isTested = [...results.values()].every(({ test_overall_f1: f1 }) => typeof f1 === 'number')
  const points = (runs: readonly LabelledRun[]) =>
    runs
      .map((run) => {
        const f1 = results.get(run.folder)![isTested ? 'test_overall_f1' : 'eval_overall_f1']
        if (typeof f1 === 'number') return { ...run, f1 }
        throw new NerError('data/empty', 'A run of the curve was not scored on what the others were scored on.', {
          where: join(run.folder, resultsFile),
          mend: 'Train all runs with `test`, or all with `dev`.',
        })
      })
      .sort((a, b) => a.sentences - b.sentences)
  const alone = points(gold)
  return {
    split: isTested ? 'test' : 'dev',
    gold: alone,
    weak: points(weak).map((point) => ({ ...point, worth: worthOf(point.f1, alone) })),
  }
}

const resultsFile = 'all_results.json'

function resultsOf(folder: string): { readonly [key: string]: Json | undefined } {
  const file = join(folder, resultsFile)
  try {
    const results = JSON.parse(readFileSync(file, 'utf8')) as Json
    if (isObject(results)) return results
    throw new Error('it is no object')
  } catch (cause) {
    throw new NerError('file/unreadable', `The scores of a run cannot be read: ${(cause as Error).message}.`, {
      where: file,
      mend: 'Name a folder that ner train has finished.',
      cause,
    })
  }
}

/** Where the curve first comes to an F1, along straight lines over the logarithm of sentences. */
function worthOf(f1: number, curve: readonly CurvePoint[]): Worth {
  const reached = curve.findIndex((point) => point.f1 >= f1)
  if (reached < 0) return { above: curve.at(-1)!.sentences }
  if (reached === 0) return { below: curve[0]!.sentences }
  const [from, to] = [curve[reached - 1]!, curve[reached]!]
  const share = (f1 - from.f1) / (to.f1 - from.f1)
  return { sentences: Math.round(from.sentences * (to.sentences / from.sentences) ** share) }
}
