/** A text that could be chosen, and how much one would want it by itself, from 0. */
export interface Candidate {
  readonly words: readonly string[]
  readonly worth: number
}

/** Candidates looked at for each that is chosen: beyond them, worth is too low for variety to make up for. */
const poolFactor = 10

/**
 * Picks `count` candidates of high worth that are unlike each other, and returns their indices in the order picked: each
 * time the one whose worth, times how unlike it is to all that were picked, is the largest (in the manner of maximal
 * marginal relevance, Carbonell & Goldstein 1998). Likeness is the cosine of texts as sets of words, each weighted by its
 * inverse document frequency. O(count² · words).
 */
export function diversify(candidates: readonly Candidate[], count: number): number[] {
  const weigh = weigher(candidates)
  const pool = [...candidates.keys()]
    .sort((a, b) => candidates[b]!.worth - candidates[a]!.worth || a - b)
    .slice(0, poolFactor * count)
    .map((index) => ({ index, worth: candidates[index]!.worth, vector: weigh(candidates[index]!), likeness: 0 }))
  const picked: number[] = []
  while (picked.length < count && pool.length > 0) {
    let best = 0
    for (const [i, { worth, likeness }] of pool.entries()) {
      if (worth * (1 - likeness) > pool[best]!.worth * (1 - pool[best]!.likeness)) best = i
    }
    const [{ index, vector }] = pool.splice(best, 1) as [(typeof pool)[number]]
    picked.push(index)
    for (const other of pool) other.likeness = Math.max(other.likeness, cosine(other.vector, vector))
  }
  return picked
}

/** A vector of length 1 by word. */
type Vector = ReadonlyMap<string, number>

function weigher(candidates: readonly Candidate[]): (candidate: Candidate) => Vector {
  const frequency = new Map<string, number>()
  const distinct = ({ words }: Candidate) => new Set(words.map((word) => word.toLowerCase()))
  for (const candidate of candidates) {
    for (const word of distinct(candidate)) frequency.set(word, (frequency.get(word) ?? 0) + 1)
  }
  return (candidate) => {
    const weights = [...distinct(candidate)].map(
      (word) => [word, Math.log((1 + candidates.length) / frequency.get(word)!)] as const,
    )
    const length = Math.sqrt(weights.reduce((sum, [, weight]) => sum + weight * weight, 0))
    return new Map(weights.map(([word, weight]) => [word, weight / length]))
  }
}

function cosine(a: Vector, b: Vector): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  let sum = 0
  for (const [word, weight] of small) sum += weight * (large.get(word) ?? 0)
  return sum
}
