/** A square table of counts by row, `size` × `size`: what the first annotator said down, the second across. */
export interface Table {
  readonly size: number
  readonly counts: Float64Array
}

export interface Agreement {
  /** Share of units with the same label. */
  readonly observed: number
  /** The share that two would reach who label at random, each with their own frequencies. */
  readonly expected: number
  /** NaN where everything has one and the same label: then nothing could have been disagreed on. */
  readonly kappa: number
}

/** κ = (pₒ − pₑ) / (1 − pₑ), pₑ = Σ p(a = c) p(b = c). Cohen 1960. */
export function cohen({ size, counts }: Table): Agreement {
  const rows = new Float64Array(size)
  const columns = new Float64Array(size)
  let total = 0
  let same = 0
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      const count = counts[a * size + b]!
      rows[a]! += count
      columns[b]! += count
      total += count
      if (a === b) same += count
    }
  }
  let chance = 0
  for (let label = 0; label < size; label++) chance += rows[label]! * columns[label]!
  // In whole numbers, so that pₑ = 1 is found exactly.
  const kappa = chance === total * total ? NaN : (same * total - chance) / (total * total - chance)
  return { observed: same / total, expected: chance / (total * total), kappa }
}

/** The table with labels put together: label c becomes `of(c)`. */
export function collapse({ size, counts }: Table, of: (label: number) => number, newSize: number): Table {
  const sums = new Float64Array(newSize * newSize)
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) sums[of(a) * newSize + of(b)]! += counts[a * size + b]!
  }
  return { size: newSize, counts: sums }
}

/** One label against all others, 2 × 2. */
export function oneAgainstRest({ size, counts }: Table, label: number): Table {
  let total = 0
  let first = 0
  let second = 0
  for (const count of counts) total += count
  for (let other = 0; other < size; other++) {
    first += counts[label * size + other]!
    second += counts[other * size + label]!
  }
  const both = counts[label * size + label]!
  return { size: 2, counts: Float64Array.of(total - first - second + both, second - both, first - both, both) }
}

/** Without the units that both gave label 0. */
export function withoutFirst({ size, counts }: Table): Table {
  const rest = counts.slice()
  rest[0] = 0
  return { size, counts: rest }
}

/**
 * What Fleiss' kappa and Krippendorff's alpha are made of, summed over units. Both read nothing of a unit but how many
 * raters gave it each label.
 */
export interface NominalSums {
  readonly units: number
  /** Σ of each unit's share of agreeing pairs (Fleiss), or of disagreeing pairs times its raters (Krippendorff). */
  readonly pairs: number
  /** How often each label was given. */
  readonly labels: Float64Array
}

/** Σ_{c} n_c² of a unit that `raters` labelled gives its agreeing pairs, of raters · (raters − 1). Fleiss 1971. */
export const agreeingPairs = (squares: number, raters: number) => (squares - raters) / (raters * (raters - 1))

/** κ = (P̄ − P̄ₑ) / (1 − P̄ₑ), P̄ₑ = Σ p_c². Fleiss 1971. Every unit has the same number of raters. NaN as Cohen's. */
export function fleiss({ units, pairs, labels }: NominalSums): number {
  let total = 0
  let squares = 0
  for (const count of labels) {
    total += count
    squares += count * count
  }
  if (squares === total * total) return NaN
  const expected = squares / (total * total)
  return (pairs / units - expected) / (1 - expected)
}

/** Disagreeing ordered pairs of a unit, Σ_{c≠k} n_c n_k, over its raters less one. Krippendorff 2011. */
export const disagreeingPairs = (squares: number, raters: number) => (raters * raters - squares) / (raters - 1)

/**
 * α = 1 − Dₒ / Dₑ = 1 − (n − 1) Σ_u pairs_u / Σ_{c≠k} n_c n_k, for nominal labels; raters may have left units out, and
 * units of one rater do not count. Krippendorff 2011, “Computing Krippendorff's Alpha-Reliability”. NaN as Cohen's.
 */
export function krippendorff({ pairs, labels }: Omit<NominalSums, 'units'>): number {
  let total = 0
  let squares = 0
  for (const count of labels) {
    total += count
    squares += count * count
  }
  return squares === total * total ? NaN : 1 - ((total - 1) * pairs) / (total * total - squares)
}
