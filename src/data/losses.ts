/** Something that a format cannot hold, or that is not read from it. */
export interface Loss {
  /** E.g. `scores of spans`. */
  readonly what: string
  readonly count: number
  /** The first place: file and line, or a document's id. */
  readonly first: string
}

/** Notes one thing that is left behind. */
export type Lose = (what: string, where: string) => void

/** Counts what is left behind, in the order in which it is first met. */
export function tally(): {
  readonly lose: Lose
  /** Adds what was counted elsewhere, of what came later. */
  readonly add: (losses: readonly Loss[]) => void
  readonly losses: () => Loss[]
} {
  const counts = new Map<string, { what: string; count: number; readonly first: string }>()
  return {
    lose(what, first) {
      const known = counts.get(what)
      if (known) known.count++
      else counts.set(what, { what, count: 1, first })
    },
    add(losses) {
      for (const loss of losses) {
        const known = counts.get(loss.what)
        if (known) known.count += loss.count
        else counts.set(loss.what, { ...loss })
      }
    },
    losses: () => [...counts.values()],
  }
}
