import type { Scores } from '../../data/scoring.js'

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

/** Of drops that are over the budget, each in a sentence; empty where it is kept. */
export function overBudget({ overall, perType }: Drops, { maxF1Drop, perTypeMaxDrop }: Budget): string[] {
  const says = (what: string, drop: number, most: number) =>
    drop > most + rounding ? [`${what} lost ${drop.toFixed(2)} points of F1; ${most} may be lost.`] : []
  return [
    ...says('All types together', overall, maxF1Drop),
    ...Object.entries(perType).flatMap(([type, drop]) => says(type, drop, perTypeMaxDrop)),
  ]
}

/** F1 is a quotient of counts: a difference below this is none. */
const rounding = 1e-9
