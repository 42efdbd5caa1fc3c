import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { legalTransitions, type Transitions } from '../../src/data/schemes.js'
import { gradients } from '../../src/graph/autodiff.js'
import { crfLoss, crfMarginals, independentMarginals, legalMarginals } from '../../src/models/crf.js'
import { normal, random } from '../../src/random.js'
import { anything, enumerate, isLegal, type Rows, type Scores } from './enumeration.js'
import { compile, distance, float32, int64, type Arrays } from './graphs.js'

/** Ragged sentences with scores, and a distribution over tags for every word. */
interface Problem {
  readonly scores: Scores
  readonly emissions: readonly Rows[]
  readonly targets: readonly Rows[]
}

const schemes: Record<string, { readonly labels: number; readonly legal: Transitions }> = {
  'three tags': { labels: 3, legal: anything(3) },
  IOB2: { labels: 4, legal: legalTransitions(['O', 'B-X', 'I-X', 'B-Y'], 'IOB2') },
  IOBES: { labels: 5, legal: legalTransitions(['O', 'B-X', 'I-X', 'E-X', 'S-X'], 'IOBES') },
}

const parts = ['emissions', 'transitions', 'start', 'end'] as const

/** Sentences and words of a batch: as they come, in a scan; or padded to so many, for devices without loops. */
type Sizes = readonly ['sentences', 'words'] | readonly [number, number]
const asTheyCome: Sizes = ['sentences', 'words']
const padded: Sizes = [4, 6]

/** Marginals of each kind, and the loss towards them with its gradients, as the engine computes them. */
async function compiled(
  labels: number,
  legal: Transitions,
  [sentences, length]: Sizes,
): Promise<(problem: Problem) => Promise<Arrays>> {
  const run = await compile((g) => {
    const emissions = g.input('emissions', 'float32', [sentences, length, labels])
    const parameters = {
      transitions: g.input('transitions', 'float32', [labels, labels]),
      start: g.input('start', 'float32', [labels]),
      end: g.input('end', 'float32', [labels]),
    }
    const targets = g.input('targets', 'float32', [sentences, length, labels])
    const words = {
      lengths: g.input('lengths', 'int64', [sentences]),
      mask: g.input('mask', 'float32', [sentences, length, 1]),
    }
    const q = {
      independent: independentMarginals(g, targets),
      legal: legalMarginals(g, targets, words, legal),
      crf: crfMarginals(g, emissions, parameters, words, legal),
    }
    const wanted = [emissions, parameters.transitions, parameters.start, parameters.end]
    return Object.fromEntries(
      Object.entries(q).flatMap(([kind, marginals]) => {
        const loss = crfLoss(g, emissions, parameters, words, marginals, legal)
        const all = gradients(g, loss, wanted)
        return [
          [`${kind} tags`, marginals.tags],
          [`${kind} steps`, marginals.steps],
          [`${kind} loss`, loss],
          ...parts.map((name, i) => [`${kind} gradient of ${name}`, all[i]!] as const),
        ]
      }),
    )
  })
  return async ({ scores, emissions, targets }) => {
    const longest = Math.max(...targets.map(({ length: words }) => words))
    const dims = [
      typeof sentences === 'number' ? sentences : targets.length,
      typeof length === 'number' ? length : longest,
    ] as const
    const all = (width: number, at: (sentence: number, word: number, i: number) => number | undefined) =>
      Array.from({ length: dims[0] * dims[1] * width }, (_, i) => {
        const word = Math.floor(i / width)
        return at(Math.floor(word / dims[1]), word % dims[1], i % width) ?? 0
      })
    const results = await run({
      emissions: float32(
        [...dims, labels],
        all(labels, (i, word, tag) => emissions[i]?.[word]?.[tag]),
      ),
      targets: float32(
        [...dims, labels],
        all(labels, (i, word, tag) => targets[i]?.[word]?.[tag]),
      ),
      mask: float32(
        [...dims, 1],
        all(1, (i, word) => Number(targets[i]?.[word] !== undefined)),
      ),
      lengths: int64(
        [dims[0]],
        Array.from({ length: dims[0] }, (_, i) => targets[i]?.length ?? 0),
      ),
      transitions: float32([labels, labels], scores.transitions.flat()),
      start: float32([labels], scores.start),
      end: float32([labels], scores.end),
    })
    // Padding that the problem does not have is 0, and left out.
    return Object.fromEntries(
      Object.entries(results).map(([name, values]) => {
        if (values.length !== dims[0] * dims[1] * labels) return [name, values]
        const kept = all(labels, (i, word) => Number(i < targets.length && word < longest))
        values.forEach((value, i) => kept[i] === 1 || expect(value, name).toBe(0))
        return [name, values.filter((_value, i) => kept[i] === 1)]
      }),
    )
  }
}

/** The same marginals from all paths, in double precision. */
function enumerated(emissions: readonly Rows[], scores: Scores, legal: Transitions) {
  const labels = scores.start.length
  const words = Math.max(...emissions.map(({ length }) => length))
  const all = emissions.map((rows) => enumerate(rows, scores, legal))
  return {
    tags: all.flatMap(({ marginals }) => Array.from({ length: words * labels }, (_, i) => marginals.flat()[i] ?? 0)),
    steps: Array.from({ length: labels * labels }, (_, i) => all.reduce((sum, { pairs }) => sum + pairs.flat()[i]!, 0)),
  }
}

const flatScores = (labels: number): Scores => {
  const zero = new Array<number>(labels).fill(0)
  return { transitions: zero.map(() => zero), start: zero, end: zero }
}

function randomProblem(seed: number, labels: number, targetsOf: (next: () => number, words: number) => Rows): Problem {
  const next = random('marginals', seed)
  const row = (deviation: number) => Array.from({ length: labels }, () => Math.fround(deviation * normal(next)))
  const lengths = Array.from({ length: 1 + Math.floor(next() * 3) }, () => 1 + Math.floor(next() * 4))
  return {
    scores: { transitions: Array.from({ length: labels }, () => row(1)), start: row(1), end: row(1) },
    emissions: lengths.map((words) => Array.from({ length: words }, () => row(2))),
    targets: lengths.map((words) => targetsOf(next, words)),
  }
}

/** Each word's own distribution, now and then a tag with no share at all. */
const softRows =
  (labels: number) =>
  (next: () => number, words: number): Rows =>
    Array.from({ length: words }, () => {
      const shares = Array.from({ length: labels }, (_, tag) => (tag > 0 && next() < 0.2 ? 0 : next()))
      const total = shares.reduce((a, b) => a + b)
      return shares.map((share) => Math.fround(share / total))
    })

/** One tag a word, a legal sequence. */
const hardRows =
  (labels: number, legal: Transitions) =>
  (next: () => number, words: number): Rows => {
    for (;;) {
      const path = Array.from({ length: words }, () => Math.floor(next() * labels))
      if (isLegal(path, legal))
        return path.map((gold) => Array.from({ length: labels }, (_, tag) => Number(tag === gold)))
    }
  }

const seeds = fc.integer({ min: 0, max: 1e9 })

const cases = Object.entries(schemes).flatMap(([scheme, of]) => [
  { name: `${scheme}, in a scan`, ...of, sizes: asTheyCome },
  { name: `${scheme}, by doubling`, ...of, sizes: padded },
])

describe.each(cases)('marginals over $name', ({ labels, legal, sizes }) => {
  let run: Awaited<ReturnType<typeof compiled>>
  beforeAll(async () => {
    run = await compiled(labels, legal, sizes)
  })

  test('of soft targets equal those of Π targets over all legal sequences', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const problem = randomProblem(seed, labels, softRows(labels))
        const actual = await run(problem)
        const logs = problem.targets.map((rows) => rows.map((row) => row.map((q) => Math.log(Math.max(q, 2 ** -50)))))
        const expected = enumerated(logs, flatScores(labels), legal)
        expect(distance(actual['legal tags']!, expected.tags)).toBeLessThan(2e-6)
        expect(distance(actual['legal steps']!, expected.steps)).toBeLessThan(2e-6)
      }),
      { numRuns: 40 },
    )
  })

  test('of a CRF equal an enumeration of all sequences, and its loss towards them has no gradient', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const problem = randomProblem(seed, labels, softRows(labels))
        const actual = await run(problem)
        const expected = enumerated(problem.emissions, problem.scores, legal)
        expect(distance(actual['crf tags']!, expected.tags)).toBeLessThan(2e-6)
        expect(distance(actual['crf steps']!, expected.steps)).toBeLessThan(4e-6)
        for (const name of parts)
          for (const value of actual[`crf gradient of ${name}`]!) expect(Math.abs(value), name).toBeLessThan(1e-6)
      }),
      { numRuns: 40 },
    )
  })

  test('of hard targets are the targets, and the loss and its gradients stay what they were', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const actual = await run(randomProblem(seed, labels, hardRows(labels, legal)))
        for (const what of ['tags', 'steps', 'loss', ...parts.map((name) => `gradient of ${name}`)])
          expect(distance(actual[`legal ${what}`]!, actual[`independent ${what}`]!), what).toBeLessThan(2e-6)
      }),
      { numRuns: 40 },
    )
  })

  test('a chain that scores by its soft targets alone is at the minimum of their loss', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const problem = randomProblem(seed, labels, softRows(labels))
        const logs = problem.targets.map((rows) =>
          rows.map((row) => row.map((q) => Math.fround(Math.log(Math.max(q, 2 ** -50))))),
        )
        const there = await run({ ...problem, scores: flatScores(labels), emissions: logs })
        for (const name of parts)
          for (const value of there[`legal gradient of ${name}`]!) expect(Math.abs(value), name).toBeLessThan(2e-6)
        const elsewhere = await run(problem)
        expect(elsewhere['legal loss']![0]!).toBeGreaterThan(there['legal loss']![0]! - 1e-4)
      }),
      { numRuns: 20 },
    )
  })

  test('gradients towards soft targets equal finite differences of the loss', async () => {
    const epsilon = 2 ** -6
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const problem = randomProblem(seed, labels, softRows(labels))
        const next = random('direction', seed)
        const along = problem.emissions.map((rows) => rows.map((row) => row.map(() => normal(next))))
        const into = problem.scores.transitions.map((row) => row.map(() => normal(next)))
        const moved = (by: number): Problem => ({
          ...problem,
          scores: {
            ...problem.scores,
            transitions: problem.scores.transitions.map((row, i) => row.map((x, j) => x + by * into[i]![j]!)),
          },
          emissions: problem.emissions.map((rows, s) =>
            rows.map((row, word) => row.map((x, tag) => x + by * along[s]![word]![tag]!)),
          ),
        })
        const loss = async (by: number) => (await run(moved(by)))['legal loss']![0]!
        const slope = ((await loss(epsilon)) - (await loss(-epsilon))) / (2 * epsilon)
        const gradient = await run(problem)
        const words = Math.max(...problem.targets.map(({ length }) => length))
        const ofEmissions = along.reduce(
          (sum, rows, s) =>
            sum +
            rows
              .flat()
              .reduce((own, by, i) => own + by * gradient['legal gradient of emissions']![s * words * labels + i]!, 0),
          0,
        )
        const ofSteps = into.flat().reduce((sum, by, i) => sum + by * gradient['legal gradient of transitions']![i]!, 0)
        expect(Math.abs(slope - ofEmissions - ofSteps)).toBeLessThan(5e-3 * Math.max(1, Math.abs(slope)))
      }),
      { numRuns: 20 },
    )
  })

  test('a whole share on sequences that are not legal still gives marginals and a loss', async () => {
    const problem = randomProblem(1, labels, (next, words) =>
      Array.from({ length: words }, () => {
        const gold = Math.floor(next() * labels)
        return Array.from({ length: labels }, (_, tag) => Number(tag === gold))
      }),
    )
    const actual = await run(problem)
    for (const what of ['tags', 'steps', 'loss', 'gradient of emissions'])
      expect(actual[`legal ${what}`]!.every(Number.isFinite), what).toBe(true)
  })
})
