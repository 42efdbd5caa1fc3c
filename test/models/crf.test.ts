import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { legalTransitions, type Transitions } from '../../src/data/schemes.js'
import { gradients } from '../../src/graph/autodiff.js'
import { crfLoss, independentMarginals } from '../../src/models/crf.js'
import { normal, random } from '../../src/random.js'
import { anything, enumerate, expectedScore, type Rows, type Scores } from './enumeration.js'
import { compile, distance, float32, int64, type Arrays } from './graphs.js'

/** A batch of ragged sentences; every row of `q` is a distribution. */
interface Problem {
  readonly scores: Scores
  readonly sentences: readonly { readonly emissions: Rows; readonly q: Rows }[]
}

const wanted = ['emissions', 'transitions', 'start', 'end'] as const
const gradientOf = (name: (typeof wanted)[number]) => `gradient of ${name}`

/**
 * The loss of a chain and its gradients, as the engine computes them, with noise in the padding; where the number of words
 * is given, in the way of devices without loops.
 */
async function chain(
  labels: number,
  legal: Transitions,
  longest: number | 'words' = 'words',
): Promise<(problem: Problem) => Promise<Arrays>> {
  const run = await compile((g) => {
    const emissions = g.input('emissions', 'float32', ['sentences', longest, labels])
    const parameters = {
      transitions: g.input('transitions', 'float32', [labels, labels]),
      start: g.input('start', 'float32', [labels]),
      end: g.input('end', 'float32', [labels]),
    }
    const words = {
      targets: g.input('targets', 'float32', ['sentences', longest, labels]),
      lengths: g.input('lengths', 'int64', ['sentences']),
      mask: g.input('mask', 'float32', ['sentences', longest, 1]),
    }
    const q = independentMarginals(g, words.targets)
    const loss = crfLoss(g, emissions, parameters, words, q, legal)
    const all = gradients(g, loss, [emissions, parameters.transitions, parameters.start, parameters.end])
    return { loss, ...Object.fromEntries(wanted.map((name, i) => [gradientOf(name), all[i]!])) }
  })
  return ({ scores, sentences }) => {
    const words = longest === 'words' ? Math.max(...sentences.map(({ q }) => q.length)) : longest
    const noise = random('padding')
    const padded = (rows: Rows, filling: () => number) =>
      Array.from({ length: words * labels }, (_, i) => rows[Math.floor(i / labels)]?.[i % labels] ?? filling())
    const dims = [sentences.length, words]
    return run({
      emissions: float32(
        [...dims, labels],
        sentences.flatMap(({ emissions }) => padded(emissions, () => 40 * normal(noise))),
      ),
      targets: float32(
        [...dims, labels],
        sentences.flatMap(({ q }) => padded(q, () => 0)),
      ),
      mask: float32(
        [...dims, 1],
        sentences.flatMap(({ q }) => Array.from({ length: words }, (_, word) => Number(word < q.length))),
      ),
      lengths: int64(
        [sentences.length],
        sentences.map(({ q }) => q.length),
      ),
      transitions: float32([labels, labels], scores.transitions.flat()),
      start: float32([labels], scores.start),
      end: float32([labels], scores.end),
    })
  }
}

/** The same in double precision, from all paths. */
function enumerated(
  { scores, sentences }: Problem,
  legal: Transitions,
  words = Math.max(...sentences.map(({ q }) => q.length)),
): Record<string, number[]> {
  const labels = scores.start.length
  const gradient = {
    loss: [0],
    /** What the loss is a difference of: float32 rounds in proportion to it. */
    logPartition: [0],
    emissions: new Array<number>(sentences.length * words * labels).fill(0),
    transitions: new Array<number>(labels * labels).fill(0),
    start: new Array<number>(labels).fill(0),
    end: new Array<number>(labels).fill(0),
  }
  sentences.forEach(({ emissions, q }, row) => {
    const { logPartition, marginals, pairs } = enumerate(emissions, scores, legal)
    gradient.logPartition[0]! += Math.abs(logPartition)
    gradient.loss[0]! += logPartition - expectedScore(q, emissions, scores)
    marginals.forEach((p, word) =>
      p.forEach((it, tag) => (gradient.emissions[(row * words + word) * labels + tag] = it - q[word]![tag]!)),
    )
    for (let from = 0; from < labels; from++) {
      for (let to = 0; to < labels; to++) {
        const gold = q.reduce((sum, next, word) => sum + (word > 0 ? q[word - 1]![from]! * next[to]! : 0), 0)
        gradient.transitions[from * labels + to]! += pairs[from]![to]! - gold
      }
      gradient.start[from]! += marginals[0]![from]! - q[0]![from]!
      gradient.end[from]! += marginals.at(-1)![from]! - q.at(-1)![from]!
    }
  })
  return gradient
}

/** A random batch: up to 3 sentences of up to 5 words, hard or soft targets, numbers that float32 holds. */
function randomProblem(seed: number, labels: number, spread: number): Problem {
  const next = random('crf', seed)
  const below = (bound: number) => Math.floor(next() * bound)
  const gaussian = (deviation: number) => Math.fround(deviation * normal(next))
  const row = (deviation: number) => Array.from({ length: labels }, () => gaussian(deviation))
  const distribution = () => {
    if (next() < 0.5) {
      const gold = below(labels)
      return Array.from({ length: labels }, (_, tag) => Number(tag === gold))
    }
    const shares = Array.from({ length: labels }, next)
    const total = shares.reduce((a, b) => a + b)
    return shares.map((share) => Math.fround(share / total))
  }
  return {
    scores: { transitions: Array.from({ length: labels }, () => row(1)), start: row(1), end: row(1) },
    sentences: Array.from({ length: 1 + below(3) }, () => {
      const words = 1 + below(5)
      return {
        emissions: Array.from({ length: words }, () => row(spread)),
        q: Array.from({ length: words }, distribution),
      }
    }),
  }
}

/** All scores between ±size, or each one of the two. */
function largeProblem(seed: number, labels: number, size: number, signs: boolean): Problem {
  const { sentences } = randomProblem(seed, labels, 1)
  const next = random('large', seed)
  const score = () => (signs ? size * Math.sign(next() - 0.5) : Math.fround(size * (2 * next() - 1)))
  const row = () => Array.from({ length: labels }, score)
  return {
    scores: { transitions: Array.from({ length: labels }, row), start: row(), end: row() },
    sentences: sentences.map(({ emissions, q }) => ({ emissions: emissions.map(row), q })),
  }
}

const schemes: Record<string, { readonly labels: number; readonly legal: Transitions }> = {
  'one tag': { labels: 1, legal: anything(1) },
  'two tags': { labels: 2, legal: anything(2) },
  'four tags': { labels: 4, legal: anything(4) },
  IOB2: { labels: 4, legal: legalTransitions(['O', 'B-X', 'I-X', 'B-Y'], 'IOB2') },
  IOBES: { labels: 5, legal: legalTransitions(['O', 'B-X', 'I-X', 'E-X', 'S-X'], 'IOBES') },
}

const seeds = fc.integer({ min: 0, max: 1e9 })

describe.each(Object.entries(schemes))('crfLoss over %s', (_, { labels, legal }) => {
  let run: Awaited<ReturnType<typeof chain>>
  beforeAll(async () => {
    run = await chain(labels, legal)
  })

  /** Values within `tolerance` of the enumeration's, the loss relative to log Z where that is large. */
  async function expectEnumeration(problem: Problem, tolerance: number) {
    const actual = await run(problem)
    const expected = enumerated(problem, legal)
    const size = Math.max(1, expected['logPartition']![0]!)
    expect(distance(actual['loss']!, expected['loss']!)).toBeLessThan(tolerance * size)
    for (const name of wanted)
      expect(distance(actual[gradientOf(name)]!, expected[name]!), name).toBeLessThan(tolerance)
  }

  test('loss and gradients equal an enumeration of all paths', async () => {
    const problems = fc.tuple(seeds, fc.constantFrom(0.5, 2, 8))
    await fc.assert(
      fc.asyncProperty(problems, ([seed, spread]) => expectEnumeration(randomProblem(seed, labels, spread), 2e-5)),
      { numRuns: 40 },
    )
  })

  const sizes = [8, 12, 22, 60]
  test.each(sizes)('is right where every score is anything up to ±%d', async (size) => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.boolean(), async (seed, signs) => {
        await expectEnumeration(largeProblem(seed, labels, size, signs), 2e-5)
      }),
      { numRuns: 60 },
    )
  })

  test.each(sizes)('is right there on devices without loops: ±%d', async (size) => {
    const onDevice = await chain(labels, legal, 5)
    await fc.assert(
      fc.asyncProperty(seeds, fc.boolean(), async (seed, signs) => {
        const problem = largeProblem(seed, labels, size, signs)
        const [actual, expected] = [await onDevice(problem), enumerated(problem, legal, 5)]
        const scale = Math.max(1, expected['logPartition']![0]!)
        expect(distance(actual['loss']!, expected['loss']!)).toBeLessThan(2e-5 * scale)
        for (const name of wanted) expect(distance(actual[gradientOf(name)]!, expected[name]!), name).toBeLessThan(5e-5)
      }),
      { numRuns: 40 },
    )
  })

  test('gradients equal finite differences of the loss', async () => {
    const epsilon = 2 ** -6
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const problem = randomProblem(seed, labels, 1)
        const gradient = await run(problem)
        const next = random('direction', seed)
        const direction = (row: readonly number[]) => row.map(() => normal(next))
        const along = {
          sentences: problem.sentences.map(({ emissions }) => emissions.map(direction)),
          transitions: problem.scores.transitions.map(direction),
          start: direction(problem.scores.start),
          end: direction(problem.scores.end),
        }
        const moved = (step: number): Problem => {
          const move = (row: readonly number[], by: readonly number[]) => row.map((x, i) => x + step * by[i]!)
          return {
            scores: {
              transitions: problem.scores.transitions.map((row, i) => move(row, along.transitions[i]!)),
              start: move(problem.scores.start, along.start),
              end: move(problem.scores.end, along.end),
            },
            sentences: problem.sentences.map(({ emissions, q }, s) => ({
              emissions: emissions.map((row, word) => move(row, along.sentences[s]![word]!)),
              q,
            })),
          }
        }
        const [above, below] = [await run(moved(epsilon)), await run(moved(-epsilon))]
        const slope = (above['loss']![0]! - below['loss']![0]!) / (2 * epsilon)
        const words = Math.max(...problem.sentences.map(({ q }) => q.length))
        const dot = (values: Float32Array, by: readonly number[], from = 0) =>
          by.reduce((sum, x, i) => sum + x * values[from + i]!, 0)
        const predicted =
          along.sentences.reduce(
            (sum, rows, s) => sum + dot(gradient[gradientOf('emissions')]!, rows.flat(), s * words * labels),
            0,
          ) +
          dot(gradient[gradientOf('transitions')]!, along.transitions.flat()) +
          dot(gradient[gradientOf('start')]!, along.start) +
          dot(gradient[gradientOf('end')]!, along.end)
        expect(Math.abs(slope - predicted)).toBeLessThan(5e-3 * Math.max(1, Math.abs(slope)))
      }),
      { numRuns: 20 },
    )
  })
})

test('a sentence whose neighbours and words each want another tag has a gradient', async () => {
  const legal = legalTransitions(['O', 'B-X', 'I-X', 'E-X', 'S-X', 'B-Y', 'I-Y', 'E-Y', 'S-Y'], 'IOBES')
  const wants = (tag: number) => Array.from({ length: 9 }, (_, other) => (other === tag ? 200 : 0))
  const [o, beginX, insideY, endY] = [0, 1, 6, 7]
  const zero = new Array<number>(9).fill(0)
  // B-X asks for X to go on, I-Y for Y to have begun, and the word between them for neither.
  const emissions = [wants(beginX), wants(o), wants(insideY), wants(endY)]
  const q = [0, 0, 0, 0].map((tag) => Array.from({ length: 9 }, (_, other) => Number(other === tag)))
  const problem: Problem = {
    scores: { transitions: Array.from({ length: 9 }, () => zero), start: zero, end: zero },
    sentences: [{ emissions, q }],
  }
  const actual = await (await chain(9, legal))(problem)
  const expected = enumerated(problem, legal)
  for (const name of wanted) expect(distance(actual[gradientOf(name)]!, expected[name]!), name).toBeLessThan(1e-4)
})

describe('crf.json, made with PyTorch', () => {
  const golden = JSON.parse(readFileSync(new URL('../golden/models/crf.json', import.meta.url), 'utf8')) as Golden
  interface Variant {
    readonly tags: number[][]
    readonly logPartition: number[]
    readonly goldScore: number[]
    readonly loss: number
    readonly gradients: Record<(typeof wanted)[number], (number | number[] | number[][])[]>
  }
  interface Golden extends Scores {
    readonly labels: string[]
    readonly lengths: number[]
    readonly emissions: number[][][]
    readonly free: Variant
    readonly iob2: Variant
  }

  test.each(['free', 'iob2'] as const)('%s', async (name) => {
    const variant = golden[name]
    const labels = golden.labels.length
    const legal = name === 'free' ? anything(labels) : legalTransitions(golden.labels, 'IOB2')
    const run = await chain(labels, legal)
    const sentence = (row: number) => {
      const length = golden.lengths[row]!
      const hot = (tag: number) => golden.labels.map((_, other) => Number(other === tag))
      return { emissions: golden.emissions[row]!.slice(0, length), q: variant.tags[row]!.slice(0, length).map(hot) }
    }
    const rows = [...golden.lengths.keys()]
    const all = await run({ scores: golden, sentences: rows.map(sentence) })
    expect(all['loss']![0]! / rows.length).toBeCloseTo(variant.loss, 5)
    for (const output of wanted) {
      const ours = all[gradientOf(output)]!.map((value) => value / rows.length)
      expect(distance(ours, variant.gradients[output].flat(2)), output).toBeLessThan(1e-6)
    }
    for (const row of rows) {
      const one = await run({ scores: golden, sentences: [sentence(row)] })
      expect(one['loss']![0]!).toBeCloseTo(variant.logPartition[row]! - variant.goldScore[row]!, 4)
    }
  })
})
