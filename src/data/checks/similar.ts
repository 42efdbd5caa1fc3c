import { random } from '../../random.js'

/** Two texts that are nearly the same. */
export interface SimilarPair {
  readonly earlier: number
  readonly later: number
  /** Jaccard's index of their shingles, 0 to 1. */
  readonly similarity: number
}

/** 20 bands of 5: a pair of similarity 0.8 is found with a chance of 1 − (1 − 0.8⁵)²⁰ = 0.9996. */
const bands = 20
const rows = 5

/** Words in a shingle. */
const shingleLength = 3

/**
 * Pairs of texts that share most of their runs of three words (case aside): MinHash (Broder 1997) with locality-sensitive
 * hashing in bands (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3), each candidate then compared in
 * full. A text is compared with the first of each `group` (e.g. file) in every bucket it falls into, so that time is
 * linear in the texts however many are alike; of a cluster, all are paired with one of its first.
 */
export function similarPairs(texts: readonly string[], groups: readonly number[], threshold = 0.8): SimilarPair[] {
  const shingles = texts.map(shinglesOf)
  const hash = signer()
  const buckets = new Map<number, Map<number, number>>()
  const pairs: SimilarPair[] = []
  for (const [later, set] of shingles.entries()) {
    if (set.length === 0) continue
    const compared = new Set<number>()
    for (const key of hash(set)) {
      const bucket = buckets.get(key) ?? new Map<number, number>()
      buckets.set(key, bucket)
      for (const earlier of bucket.values()) {
        if (compared.has(earlier)) continue
        compared.add(earlier)
        const similarity = jaccard(shingles[earlier]!, set)
        if (similarity >= threshold) pairs.push({ earlier, later, similarity })
      }
      if (!bucket.has(groups[later]!)) bucket.set(groups[later]!, later)
    }
  }
  return pairs
}

/** Hashes of a text's runs of three words, sorted, each once; of a shorter text, of all its words. */
function shinglesOf(text: string): Uint32Array {
  const words = (text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu) ?? []).map(hashOf)
  const count = words.length === 0 ? 0 : Math.max(1, words.length - shingleLength + 1)
  const hashes = new Set<number>()
  for (let start = 0; start < count; start++) {
    let shingle = 0
    for (const word of words.slice(start, start + shingleLength))
      shingle = Math.imul(shingle ^ word, 0x01000193) ^ (shingle >>> 15)
    hashes.add(shingle >>> 0)
  }
  return Uint32Array.from(hashes).sort()
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** A MinHash signature as one key for each band. */
function signer(): (set: Uint32Array) => number[] {
  const next = random('minhash')
  const draw = () => Uint32Array.from({ length: bands * rows }, () => Math.floor(next() * 0x100000000))
  const [masks, factors] = [draw(), draw().map((factor) => factor | 1)]
  const least = new Uint32Array(bands * rows)
  return (set) => {
    least.fill(0xffffffff)
    for (const shingle of set) {
      for (let i = 0; i < least.length; i++) {
        const product = Math.imul(shingle ^ masks[i]!, factors[i]!)
        const hashed = (product ^ (product >>> 15)) >>> 0
        if (hashed < least[i]!) least[i] = hashed
      }
    }
    return Array.from({ length: bands }, (_, band) => {
      let key = 0x811c9dc5
      for (let row = 0; row < rows; row++) key = Math.imul(key ^ least[band * rows + row]!, 0x01000193) ^ (key >>> 13)
      return band * 0x100000000 + (key >>> 0)
    })
  }
}

/** Of two sorted lists. */
function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) shared++
    if (a[i]! <= b[j]!) {
      if (a[i] === b[j]) j++
      i++
    } else j++
  }
  return shared / (a.length + b.length - shared)
}
