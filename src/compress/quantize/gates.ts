import type { Scores } from '../../data/scoring.js'
import { atMost, failuresOf, type Gate } from '../../evaluation/gate.js'

/** How much F1 may be lost, in points (0.3 of 91.2 leaves 90.9). */
export interface Budget {
  readonly maxF1Drop: number
  /** Of any one type. */
  readonly perTypeMaxDrop: number
}

/** F1 lost, in points; less than 0 where something was gained. */
export interface Drops {
  readonly overall: number
  readonly perType: Readonly<Record<string, number>>
}

export function dropsBetween(before: Scores, after: Scores): Drops {
  const lost = (from: number, to: number) => 100 * (from - to)
  return {
    overall: lost(before.micro.f1, after.micro.f1),
    perType: Object.fromEntries(
      Object.entries(before.perType).map(([type, { f1 }]) => [type, lost(f1, after.perType[type]?.f1 ?? 0)]),
    ),
  }
}

/** The gates of a budget: points of F1 that all types together, and each type, may lose. */
export const dropGates = ({ overall, perType }: Drops, { maxF1Drop, perTypeMaxDrop }: Budget): Gate[] => [
  atMost('the F1 that all types together lost, in points,', overall, maxF1Drop),
  ...Object.entries(perType).map(([type, drop]) =>
    atMost(`the F1 that ${type} lost, in points,`, drop, perTypeMaxDrop),
  ),
]

/** The gates of a budget that failed, each in a sentence; none where it is kept. */
export const overBudget = (drops: Drops, budget: Budget): string[] =>
  failuresOf(dropGates(drops, budget), (points) => points.toFixed(2))
