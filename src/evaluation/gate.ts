/** A figure, and what it is held to. */
export interface Gate {
  /** What is measured, e.g. `F1`. */
  readonly name: string
  readonly value: number
  readonly limit: number
  /** Whether the limit is the least or the most that passes. */
  readonly bound: 'least' | 'most'
  readonly passed: boolean
}

/** Figures are quotients of counts: a difference below this is none. */
const rounding = 1e-9

/** A gate that wants so much. A value that is no number does not pass. */
export const atLeast = (name: string, value: number, limit: number): Gate => ({
  name,
  value,
  limit,
  bound: 'least',
  passed: value >= limit - rounding,
})

/** A gate that allows so much. A value that is no number does not pass. */
export const atMost = (name: string, value: number, limit: number): Gate => ({
  name,
  value,
  limit,
  bound: 'most',
  passed: value <= limit + rounding,
})

/** The gates that did not pass, each in a sentence, with figures as people read them. */
export const failuresOf = (gates: readonly Gate[], show: (figure: number) => string): string[] =>
  gates
    .filter(({ passed }) => !passed)
    .map(
      ({ name, value, limit, bound }) =>
        `${capital(name)} is ${show(value)}, ${bound === 'least' ? 'below' : 'above'} the gate of ${show(limit)}.`,
    )

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
