/** A pair of pieces that stand side by side somewhere, by piece id. */
interface Pair {
  readonly left: number
  readonly right: number
  /** Its merged piece; ties between pairs go by it. */
  readonly merged: string
  count: number
  /** Words that have held it; some may no more. */
  readonly words: Set<number>
}

/** A pair seen fewer times than this is no piece. */
const minCount = 2

/** Characters beyond this many, the rarest first, are left to the unknown piece: scripts with thousands of them. */
const maxCharacterShare = 0.5

const continuation = '##'

/**
 * A WordPiece vocabulary of at most `size` pieces: the characters of the words, a piece inside a word marked by `##`, and
 * what byte-pair encoding merges from them (Sennrich et al. 2016), the most frequent pair first; of equals, the one
 * whose merged piece comes first by code unit. This is also how the `tokenizers` library trains WordPiece.
 */
export function learnPieces(counts: ReadonlyMap<string, number>, size: number): string[] {
  const words = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  const pieces = frequentCharacters(words, Math.floor(size * maxCharacterShare))
  const ids = new Map(pieces.map((piece, id) => [piece, id]))
  const spellings = words.map(([word]) => spell(word).map((piece) => ids.get(piece) ?? -1))
  const pairs = new Map<number, Map<number, Pair>>()
  const queue = new PairQueue()

  /** Counts the pairs of a word, `sign` times as often as the word occurs; gives those it touched. */
  const tally = (word: number, sign: 1 | -1, touched: Set<Pair>) => {
    const spelling = spellings[word]!
    for (let i = 0; i + 1 < spelling.length; i++) {
      const [left, right] = [spelling[i]!, spelling[i + 1]!]
      if (left < 0 || right < 0) continue
      const pair = findPair(pairs, pieces, left, right)
      pair.count += sign * words[word]![1]
      if (sign > 0) pair.words.add(word)
      touched.add(pair)
    }
  }

  const all = new Set<Pair>()
  for (const word of spellings.keys()) tally(word, 1, all)
  for (const pair of all) queue.push(pair)
  while (pieces.length < size) {
    const best = queue.pop()
    if (!best || best.count < minCount) break
    // Two pairs may merge into one piece: a+bc and ab+c.
    let merged = ids.get(best.merged)
    if (merged === undefined) ids.set(best.merged, (merged = pieces.push(best.merged) - 1))
    const touched = new Set<Pair>()
    for (const word of best.words) {
      tally(word, -1, touched)
      spellings[word] = mergePair(spellings[word]!, best, merged)
      tally(word, 1, touched)
    }
    for (const pair of touched) queue.push(pair)
  }
  return pieces
}

/** The characters of the words as pieces, at most `limit`, sorted. */
function frequentCharacters(words: readonly (readonly [string, number])[], limit: number): string[] {
  const counts = new Map<string, number>()
  for (const [word, count] of words)
    for (const piece of spell(word)) counts.set(piece, (counts.get(piece) ?? 0) + count)
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([piece]) => piece)
    .sort()
}

function spell(word: string): string[] {
  return Array.from(word, (character, i) => (i === 0 ? character : continuation + character))
}

function findPair(pairs: Map<number, Map<number, Pair>>, pieces: readonly string[], left: number, right: number): Pair {
  let row = pairs.get(left)
  if (!row) pairs.set(left, (row = new Map<number, Pair>()))
  let pair = row.get(right)
  if (!pair) {
    pair = {
      left,
      right,
      merged: pieces[left]! + pieces[right]!.slice(continuation.length),
      count: 0,
      words: new Set(),
    }
    row.set(right, pair)
  }
  return pair
}

function mergePair(spelling: readonly number[], { left, right }: Pair, merged: number): number[] {
  const result: number[] = []
  for (let i = 0; i < spelling.length; i++) {
    if (spelling[i] === left && spelling[i + 1] === right) {
      result.push(merged)
      i++
    } else result.push(spelling[i]!)
  }
  return result
}

/**
 * A binary heap of pairs, most frequent first. A pair is pushed again whenever its count changes; an entry whose count
 * is out of date is dropped when it comes up.
 */
class PairQueue {
  readonly #heap: { readonly pair: Pair; readonly count: number }[] = []

  push(pair: Pair): void {
    if (pair.count < minCount) return
    const heap = this.#heap
    heap.push({ pair, count: pair.count })
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1
      if (!this.#before(child, parent)) break
      this.#swap(child, parent)
      child = parent
    }
  }

  pop(): Pair | undefined {
    for (;;) {
      const top = this.#popEntry()
      if (!top || top.count === top.pair.count) return top?.pair
    }
  }

  #popEntry() {
    const heap = this.#heap
    if (heap.length === 0) return undefined
    this.#swap(0, heap.length - 1)
    const top = heap.pop()!
    for (let parent = 0; ;) {
      let first = parent
      for (const child of [2 * parent + 1, 2 * parent + 2])
        if (child < heap.length && this.#before(child, first)) first = child
      if (first === parent) return top
      this.#swap(first, parent)
      parent = first
    }
  }

  #before(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i]!, this.#heap[j]!]
    if (a.count !== b.count) return a.count > b.count
    if (a.pair.merged !== b.pair.merged) return a.pair.merged < b.pair.merged
    return a.pair.left - b.pair.left < 0
  }

  #swap(i: number, j: number): void {
    const heap = this.#heap
    ;[heap[i], heap[j]] = [heap[j]!, heap[i]!]
  }
}
