import type { LogEntry } from '../log.js'

/** A round as reports list it; round 0 is the training before. F1, precision and recall are the best on dev. */
export interface RoundScore {
  readonly round: number
  readonly confident_words?: number
  readonly eval_overall_f1: number
  readonly eval_overall_precision: number
  readonly eval_overall_recall: number
}

/** The rounds of a log, each with its best scores; empty where it has none. */
export function roundsOf(log: readonly LogEntry[]): RoundScore[] {
  const starts = log.flatMap(({ self_training_round: round }, i) => (round === undefined ? [] : [i]))
  if (starts.length === 0) return []
  return [0, ...starts].map((start, i, all) => {
    const entries = log.slice(start, all[i + 1])
    const best = entries.reduce((a, b) => ((b.eval_overall_f1 ?? -1) > (a.eval_overall_f1 ?? -1) ? b : a))
    const confident = i === 0 ? undefined : log[start]!.confident_words
    return {
      round: i,
      ...(confident !== undefined && { confident_words: confident }),
      eval_overall_f1: best.eval_overall_f1!,
      eval_overall_precision: best.eval_overall_precision!,
      eval_overall_recall: best.eval_overall_recall!,
    }
  })
}
