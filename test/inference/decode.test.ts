import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { legalTransitions, type Transitions } from '../../src/data/schemes.js'
import { decodeArgmax, decodeChain, marginals, viterbi } from '../../src/inference/decode.js'
import { makeChain } from '../../src/models/transitions.js'
import { anything, enumerate, isLegal, type Rows, type Scores } from '../models/enumeration.js'
import { distance } from '../models/graphs.js'

const flat = (rows: Rows) => Float32Array.from(rows.flat())
const rowsOf = (values: Float64Array, labels: number) =>
  Array.from({ length: values.length / labels }, (_, row) => values.subarray(row * labels, (row + 1) * labels))

function chainOf({ transitions, start, end }: Scores, legal: Transitions) {
  return makeChain(
    { transitions: flat(transitions), start: Float32Array.from(start), end: Float32Array.from(end) },
    legal,
  )
}

const schemes: Record<string, Transitions> = {
  'one tag': anything(1),
  'three tags': anything(3),
  IOB2: legalTransitions(['O', 'B-X', 'I-X', 'B-Y', 'I-Y'], 'IOB2'),
  IOBES: legalTransitions(['O', 'B-X', 'I-X', 'E-X', 'S-X'], 'IOBES'),
}

/** A sentence of up to 5 words and its chain, with scores from `score`. */
function sentences(labels: number, score: fc.Arbitrary<number>) {
  const row = fc.array(score, { minLength: labels, maxLength: labels })
  return fc.record({
    emissions: fc.array(row, { minLength: 1, maxLength: 5 }),
    scores: fc.record({ transitions: fc.array(row, { minLength: labels, maxLength: labels }), start: row, end: row }),
  })
}

describe.each(Object.entries(schemes))('a chain over %s', (_, legal) => {
  const labels = legal.start.length
  const floats = fc.float({ min: -8, max: 8, noNaN: true })

  test('decodes the best of all paths', () => {
    fc.assert(
      fc.property(sentences(labels, floats), ({ emissions, scores }) => {
        const path = viterbi(flat(emissions), chainOf(scores, legal))
        const best = enumerate(emissions, scores, legal).best
        expect(score([...path], emissions, scores)).toBeCloseTo(score(best, emissions, scores), 10)
        expect(isLegal(path, legal)).toBe(true)
      }),
    )
  })

  test('of paths that score the same takes the one with the lower tags from the end', () => {
    // Small integers add up exactly, so ties are true ones.
    const integers = fc.integer({ min: 0, max: 1 })
    fc.assert(
      fc.property(sentences(labels, integers), ({ emissions, scores }) => {
        expect([...viterbi(flat(emissions), chainOf(scores, legal))]).toEqual(enumerate(emissions, scores, legal).best)
      }),
    )
  })

  test('gives the marginals of an enumeration', () => {
    fc.assert(
      fc.property(sentences(labels, floats), ({ emissions, scores }) => {
        const ours = marginals(flat(emissions), chainOf(scores, legal))
        expect(distance(ours, enumerate(emissions, scores, legal).marginals.flat())).toBeLessThan(1e-9)
      }),
    )
  })

  test('never decodes what the scheme forbids, however large the emissions, and marginals still sum to 1', () => {
    const large = fc.constantFrom(-200, -50, 0, 50, 200)
    fc.assert(
      fc.property(sentences(labels, large), ({ emissions, scores }) => {
        const zero = scores.start.map(() => 0)
        const chain = chainOf({ transitions: scores.transitions.map(() => zero), start: zero, end: zero }, legal)
        expect(isLegal(viterbi(flat(emissions), chain), legal)).toBe(true)
        for (const row of rowsOf(marginals(flat(emissions), chain), labels)) {
          expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
        }
      }),
    )
  })

  test('gives each word the marginal probability of its own tag', () => {
    fc.assert(
      fc.property(sentences(labels, floats), ({ emissions, scores }) => {
        const chain = chainOf(scores, legal)
        const { tags, probabilities } = decodeChain(flat(emissions), chain)
        expect([...tags]).toEqual([...viterbi(flat(emissions), chain)])
        const rows = rowsOf(marginals(flat(emissions), chain), labels)
        expect([...probabilities]).toEqual(rows.map((row, word) => row[tags[word]!]))
      }),
    )
  })
})

function score(path: readonly number[], emissions: Rows, { transitions, start, end }: Scores): number {
  let sum = start[path[0]!]! + end[path.at(-1)!]!
  path.forEach((tag, word) => (sum += emissions[word]![tag]! + (word > 0 ? transitions[path[word - 1]!]![tag]! : 0)))
  return sum
}

test('a sentence without words has no tags', () => {
  const chain = makeChain(
    { transitions: new Float32Array(4), start: new Float32Array(2), end: new Float32Array(2) },
    anything(2),
  )
  expect(decodeChain(new Float32Array(0), chain)).toEqual({
    tags: new Int32Array(0),
    probabilities: new Float64Array(0),
  })
})

test('a document of 20,000 words neither underflows nor overflows', () => {
  const labels = 3
  const emissions = Float32Array.from({ length: 20_000 * labels }, (_, i) => 20 * Math.sin(i))
  const legal = legalTransitions(['O', 'B-X', 'I-X'], 'IOB2')
  const parameters = { transitions: new Float32Array(9), start: new Float32Array(3), end: new Float32Array(3) }
  const { tags, probabilities } = decodeChain(emissions, makeChain(parameters, legal))
  expect(isLegal(tags, legal)).toBe(true)
  expect(probabilities.every((p) => p > 0 && p <= 1 + 1e-12)).toBe(true)
})

describe('argmax', () => {
  test('takes each word by itself, the lower tag where two are equal, with its softmax probability', () => {
    const { tags, probabilities } = decodeArgmax(Float32Array.of(1, 2, 0, 3, 3, -1, 0, 0, 500), 3)
    expect([...tags]).toEqual([1, 0, 2])
    const e = Math.exp
    const expected = [e(2) / (e(1) + e(2) + e(0)), e(3) / (2 * e(3) + e(-1)), 1]
    expect(distance(probabilities, expected)).toBeLessThan(1e-12)
  })

  test('of no words is nothing', () => {
    expect(decodeArgmax(new Float32Array(0), 4).tags).toEqual(new Int32Array(0))
  })
})

describe('crf.json, made with PyTorch', () => {
  interface Variant {
    readonly viterbi: number[][]
    readonly marginals: number[][][]
  }
  type Golden = Scores &
    Record<'free' | 'iob2', Variant> & { labels: string[]; lengths: number[]; emissions: number[][][] }
  const golden = JSON.parse(readFileSync(new URL('../golden/models/crf.json', import.meta.url), 'utf8')) as Golden

  test.each(['free', 'iob2'] as const)('%s', (name) => {
    const legal = name === 'free' ? anything(golden.labels.length) : legalTransitions(golden.labels, 'IOB2')
    const chain = chainOf(golden, legal)
    golden.lengths.forEach((length, row) => {
      const emissions = flat(golden.emissions[row]!.slice(0, length))
      expect([...viterbi(emissions, chain)]).toEqual(golden[name].viterbi[row]!.slice(0, length))
      const expected = golden[name].marginals[row]!.slice(0, length).flat()
      expect(distance(marginals(emissions, chain), expected)).toBeLessThan(1e-6)
    })
  })
})
