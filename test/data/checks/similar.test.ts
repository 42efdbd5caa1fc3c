import { expect, it } from 'vitest'
import { similarPairs } from '../../../src/data/checks/similar.js'
import { random } from '../../../src/random.js'

const next = random('texts')
const draw = (count: number) => Array.from({ length: count }, () => `w${Math.floor(next() * 500)}`)

/** Jaccard's index of runs of three words, from the definition. */
function similarity(a: string, b: string): number {
  const shingles = (text: string) => {
    const words = text.split(' ')
    return new Set(words.slice(2).map((_, i) => words.slice(i, i + 3).join(' ')))
  }
  const [left, right] = [shingles(a), shingles(b)]
  const shared = [...left].filter((shingle) => right.has(shingle)).length
  return shared / (left.size + right.size - shared)
}

it('finds the pairs that comparing all with all finds', () => {
  const originals = Array.from({ length: 60 }, () => draw(40))
  const changed = originals.map((words, i) => words.map((word, at) => (at < i % 5 ? `x${at}` : word)))
  const texts = [...originals, ...changed].map((words) => words.join(' '))
  const all = texts.flatMap((a, earlier) =>
    texts.flatMap((b, later) => (later > earlier && similarity(a, b) >= 0.8 ? [`${earlier} ${later}`] : [])),
  )
  const found = similarPairs(
    texts,
    texts.map(() => 0),
  )
  expect(all.length).toBeGreaterThan(40)
  expect(found.map(({ earlier, later }) => `${earlier} ${later}`).sort()).toEqual(all.sort())
  for (const pair of found) {
    expect(pair.similarity).toBeCloseTo(similarity(texts[pair.earlier]!, texts[pair.later]!), 12)
  }
})

it('compares a text with one of each group, so that many alike cost no more', () => {
  const texts = Array.from({ length: 3000 }, () =>
    draw(0).concat('the same ten words as ever in this long line').join(' '),
  )
  const pairs = similarPairs(
    texts,
    texts.map((_, i) => i % 3),
  )
  // Two of the first three, then three for each.
  expect(pairs).toHaveLength(3 * 2997 + 3)
})

it('does not mind case', () => {
  expect(similarPairs(['One two three four', 'ONE two three four'], [0, 0])).toEqual([
    { earlier: 0, later: 1, similarity: 1 },
  ])
})
