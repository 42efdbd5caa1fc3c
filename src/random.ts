/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), seeded by hashing a list of keys.
 * The same keys give the same stream on every machine; different keys give independent streams, so that
 * no consumer's draws depend on how many another one made.
 */
export type Random = () => number

export function random(...keys: readonly (number | string)[]): Random {
  // FNV-1a over the keys, then a few rounds to spread the seed over the state.
  let hash = 0x811c9dc5
  for (const character of keys.join('\u0000')) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = hash | 0
  let counter = 1
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 4294967296
  }
  for (let round = 0; round < 15; round++) next()
  return next
}

/** A standard normal draw (Box–Muller). */
export function normal(next: Random): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/** Fisher–Yates, in place. */
export function shuffle<T>(items: T[], next: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
