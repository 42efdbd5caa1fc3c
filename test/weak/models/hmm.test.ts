import { describe, expect, it } from 'vitest'
import { alignSpans } from '../../../src/data/align.js'
import { legalTransitions } from '../../../src/data/schemes.js'
import { scoreSpans } from '../../../src/data/scoring.js'
import { NerError } from '../../../src/errors.js'
import { segment, type SegmentedDocument } from '../../../src/data/segment.js'
import { random, type Random } from '../../../src/random.js'
import { knownStates } from '../../../src/weak/votes/checked.js'
import { evidenceWeights } from '../../../src/weak/models/correlation.js'
import { certainCounts } from '../../../src/weak/models/counts.js'
import { emptyCounts, type ExpectedCounts } from '../../../src/weak/models/forward-backward.js'
import { expectation, fitHmm, maximise, type Parameters } from '../../../src/weak/models/hmm.js'
import { fitLabelModel, labeller } from '../../../src/weak/models/label-model.js'
import { evidenceOf, type Evidence } from '../../../src/weak/votes/segments.js'
import { defaultSettings, type LabelModelSettings } from '../../../src/weak/models/settings.js'
import { collectVotes, statesOfVote } from '../../../src/weak/votes/votes.js'
import { simulate } from './simulate.js'

const settings = (some: Partial<LabelModelSettings> = {}): LabelModelSettings => ({ ...defaultSettings, ...some })

function f1(documents: readonly SegmentedDocument[], evidence: Evidence, some: Partial<LabelModelSettings>): number {
  const label = labeller(evidence, fitLabelModel(evidence, settings(some)))
  const words = (document: SegmentedDocument, layer: string) =>
    alignSpans(document.layers[layer]!, document.tokens).words
  return scoreSpans(
    documents.map((document) => words(document, 'gold')),
    documents.map((document, i) => words(label(document, i), 'weak')),
  ).micro.f1
}

/** Of the gold names of a type, the share that a source votes on; of these, the share it gives that type. */
function realised(documents: readonly SegmentedDocument[], source: string, label: string) {
  let names = 0
  let voted = 0
  let right = 0
  for (const { layers } of documents) {
    const votes = new Map(layers[source]!.map((span) => [span.start, span.label]))
    for (const { start } of layers['gold']!.filter((span) => span.label === label)) {
      names++
      if (votes.has(start)) voted++
      if (votes.get(start) === label) right++
    }
  }
  return { coverage: voted / names, accuracy: right / voted }
}

describe('the E-step', () => {
  /** Random distributions: a row of a table each, 0 where the step is illegal. */
  function randomParameters(evidence: Evidence, next: Random): Parameters {
    const { tags, sources } = evidence.votes
    const legal = legalTransitions(tags, 'IOB2')
    const row = (width: number, allowed: (i: number) => boolean) => {
      const values = Array.from({ length: width }, (_, i) => (allowed(i) ? 0.05 + next() : 0))
      const sum = values.reduce((a, b) => a + b)
      return values.map((value) => value / sum)
    }
    return {
      initial: Float64Array.from(row(tags.length, (state) => legal.start[state]!)),
      transition: Float64Array.from(tags.flatMap((_, from) => row(tags.length, (to) => legal.follow[from]![to]!))),
      confusions: sources.map(() => Float64Array.from(tags.flatMap(() => row(tags.length + 1, () => true)))),
    }
  }

  /** The same by adding up every path of every chain. */
  function bruteForce(
    { votes }: Evidence,
    { initial, transition, confusions }: Parameters,
    weights: Float64Array,
    known?: Int32Array,
  ): { counts: ExpectedCounts; logLikelihood: number } {
    const states = votes.tags.length
    const sources = votes.sources.length
    const typeOf = (state: number) => (state + 1) >> 1
    const counts = emptyCounts(states, votes.patterns.length / sources)
    const votesOn = (word: number) =>
      Array.from({ length: sources }, (_, source) => votes.patterns[votes.words[word]! * sources + source]!)
    const emission = (word: number, state: number) =>
      votesOn(word).reduce((product, vote, source) => {
        const row = confusions[source]!.subarray(state * (states + 1), (state + 1) * (states + 1))
        const chosen = vote === 0 ? [0] : statesOfVote(votes, vote).map((tag) => 1 + tag)
        const mean = chosen.reduce((sum, choice) => sum + row[choice]!, 0) / chosen.length
        return product * mean ** weights[votes.words[word]! * sources + source]!
      }, 1)
    const isOpen = (word: number, state: number) =>
      known && known[word]! >= 0
        ? state === known[word]
        : state === 0 ||
          votesOn(word).some((vote) => statesOfVote(votes, vote).some((tag) => typeOf(tag) === typeOf(state)))
    let logLikelihood = 0
    for (let chain = 0; chain + 1 < votes.chains.length; chain++) {
      const [first, last] = [votes.chains[chain]!, votes.chains[chain + 1]! - 1]
      const paths: { readonly states: readonly number[]; readonly p: number }[] = []
      const walk = (path: readonly number[], p: number): void => {
        const word = first + path.length
        if (p === 0) return
        if (word > last) return void paths.push({ states: path, p })
        for (let state = 0; state < states; state++) {
          const step = path.length === 0 ? initial[state]! : transition[path.at(-1)! * states + state]!
          if (isOpen(word, state)) walk([...path, state], p * step * emission(word, state))
        }
      }
      walk([], 1)
      const total = paths.reduce((sum, { p }) => sum + p, 0)
      logLikelihood += Math.log(total)
      for (const { states: path, p } of paths) {
        counts.initial[path[0]!]! += p / total
        for (const [i, state] of path.entries()) {
          counts.occupancy[votes.words[first + i]! * states + state]! += p / total
          if (i > 0) counts.transition[path[i - 1]! * states + state]! += p / total
        }
      }
    }
    return { counts, logLikelihood }
  }

  /** Sentences of one to six words under three sources, with O votes and votes split over two types. */
  function tinyEvidence(next: Random) {
    const documents = Array.from({ length: 8 }, (_, id) => {
      const document = segment({
        id: String(id),
        text: 'a b c d e f'.slice(0, 1 + 2 * Math.floor(next() * 6)),
        layers: {},
      })
      const span = (word: number, more: number, label: string) => ({
        start: document.tokens[word]!.start,
        end: document.tokens[Math.min(word + more, document.tokens.length - 1)]!.end,
        label,
      })
      const layer = () =>
        document.tokens.flatMap((_, word) => {
          if (next() < 0.6) return []
          const more = Math.floor(next() * 2)
          const votes = [['X'], ['Y'], ['O'], ['X', 'Y']][Math.floor(next() * 4)]!
          return votes.map((label) => span(word, more, label))
        })
      return { ...document, layers: { gold: [span(0, 0, 'X')], a: layer(), b: layer(), c: layer() } }
    })
    return { documents, evidence: evidenceOf(collectVotes(documents)) }
  }

  it.each([1, 2, 3, 4, 5])('counts what enumerating every path counts (%i)', (seed) => {
    const next = random('brute force', seed)
    const { evidence } = tinyEvidence(next)
    const parameters = randomParameters(evidence, next)
    const correlations = Float64Array.from([0, 0.5, 0, 0.5, 0, 0, 0, 0, 0])
    const weights = evidenceWeights(evidence.votes, correlations)
    const { counts, objective } = expectation(evidence, certainCounts(evidence), parameters, weights)
    const wanted = bruteForce(evidence, parameters, weights)
    for (const key of ['initial', 'transition', 'occupancy'] as const)
      for (const [i, value] of wanted.counts[key].entries()) expect(counts[key][i]).toBeCloseTo(value, 10)
    // The prior is the same for any votes: without any, it is all there is.
    const silent = evidenceOf(collectVotes([], { sources: evidence.votes.sources, labels: evidence.votes.labels }))
    const prior = expectation(
      silent,
      certainCounts(silent),
      parameters,
      new Float64Array(weights.length).fill(1),
    ).objective
    expect(objective - prior).toBeCloseTo(wanted.logLikelihood, 8)
  })

  it('takes checked chains as they are', () => {
    const next = random('checked', 1)
    const { documents, evidence } = tinyEvidence(next)
    const parameters = randomParameters(evidence, next)
    const known = knownStates(documents, evidence.votes, (document) => document % 2 === 0)
    // A type that nobody votes for stands for O.
    for (const word of known.keys()) {
      const pattern = evidence.votes.words[word]!
      const { starts, states } = evidence.open
      if (known[word]! > 0 && !states.subarray(starts[pattern], starts[pattern + 1]).includes(known[word]!))
        known[word] = 0
    }
    const weights = evidenceWeights(evidence.votes, new Float64Array(9))
    const { counts } = expectation(evidence, certainCounts(evidence, known), parameters, weights)
    const wanted = bruteForce(evidence, parameters, weights, known).counts
    const checked = known.reduce((sum, state) => sum + Number(state >= 0), 0)
    const total = (values: Float64Array) => values.reduce((a, b) => a + b)
    const unchecked = known.length - checked
    expect(total(counts.occupancy)).toBeCloseTo(unchecked + checked * Math.max(1, unchecked / checked), 8)
    expect(total(wanted.occupancy)).toBeCloseTo(known.length, 8)
  })
})

describe('fitHmm', () => {
  const sources = {
    good: { accuracy: 0.95, coverage: 0.9 },
    fair: { accuracy: 0.8, coverage: 0.8, spurious: 0.01 },
    poor: { accuracy: 0.55, coverage: 0.7, spurious: 0.02 },
    weak: { accuracy: 0.6, coverage: 0.9, spurious: 0.02 },
    other: { accuracy: 0.7, coverage: 0.6, spurious: 0.01 },
  }
  const documents = simulate(1500, sources)
  const evidence = evidenceOf(collectVotes(documents))
  const model = fitHmm(evidence, settings())

  it('never lowers its objective, and ends', () => {
    const { history } = fitHmm(evidence, settings({ correlated: 'none' }))
    for (const [i, value] of history.entries()) if (i > 0) expect(value).toBeGreaterThanOrEqual(history[i - 1]! - 1e-6)
    expect(history.length).toBeLessThan(defaultSettings.iterations)
  })

  it.each([
    ['one word', 1, 0.03],
    ['one to three words, whose words are no independent witnesses', 3, 0.05],
  ])('recovers the accuracy and coverage of every source, without a label: names of %s', (_, longest, within) => {
    const documents = simulate(2000, sources, { longest })
    const evidence = evidenceOf(collectVotes(documents))
    const { confusions } = fitHmm(evidence, settings())
    const width = evidence.votes.tags.length + 1
    for (const [source, name] of evidence.votes.sources.entries()) {
      for (const [type, label] of evidence.votes.labels.entries()) {
        const state = 1 + 2 * type
        const row = confusions[source]!.subarray(state * width, (state + 1) * width)
        const seen = realised(documents, name, label)
        expect(Math.abs(1 - row[0]! - seen.coverage), `${name} ${label} coverage`).toBeLessThan(within)
        expect(Math.abs(row[1 + state]! / (1 - row[0]!) - seen.accuracy), `${name} ${label}`).toBeLessThan(within)
      }
    }
  })

  it('beats the majority where sources differ in quality, and the weighted vote too', () => {
    const majority = f1(documents, evidence, { model: 'majority' })
    expect(f1(documents, evidence, { model: 'weighted' })).toBeGreaterThan(majority + 0.02)
    expect(f1(documents, evidence, {})).toBeGreaterThan(majority + 0.05)
  })

  it('does not count a source’s copies as witnesses', () => {
    const copied = simulate(1500, {
      good: sources.good,
      fair: sources.fair,
      poor: sources.poor,
      copy1: { ...sources.poor, copies: 'poor' },
      copy2: { ...sources.poor, copies: 'poor' },
    })
    const votes = evidenceOf(collectVotes(copied))
    const trusting = f1(copied, votes, { correlated: 'none' })
    const declared = f1(copied, votes, { correlated: [['poor', 'copy1', 'copy2']] })
    const detected = f1(copied, votes, {})
    expect(declared).toBeGreaterThan(trusting)
    expect(detected).toBeGreaterThan(trusting)
  })

  it('is the same from the same votes, byte for byte', () => {
    expect(fitHmm(evidence, settings())).toEqual(model)
  })

  it('stops with a reason where the likelihood is no number', () => {
    const broken = { ...evidence, votes: { ...evidence.votes, tags: evidence.votes.tags } }
    const nonsense = settings({ precision: Number.NaN })
    expect(() => fitHmm(broken, nonsense)).toThrow(NerError)
    expect(() => fitHmm(broken, nonsense)).toThrow(/weak\/not-finite/)
  })

  it('names a correlated source that casts no votes', () => {
    expect(() => fitHmm(evidence, settings({ correlated: [['good', 'absent']] }))).toThrow(
      /absent, which casts no votes/,
    )
  })
})

it('M-step: rows sum to 1, and illegal steps stay impossible', () => {
  const evidence = evidenceOf(collectVotes(simulate(20, { one: { accuracy: 0.9, coverage: 0.5 } })))
  const states = evidence.votes.tags.length
  const { initial, transition, confusions }: Parameters = maximise(
    evidence,
    certainCounts(evidence).counts,
    new Float64Array(evidence.votes.patterns.length).fill(1),
  )
  const legal = legalTransitions(evidence.votes.tags, 'IOB2')
  for (const [i, p] of transition.entries()) expect(p > 0).toBe(legal.follow[Math.floor(i / states)]![i % states])
  const sums = (table: Float64Array, width: number) =>
    Array.from({ length: table.length / width }, (_, row) =>
      table.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b),
    )
  for (const sum of [...sums(initial, states), ...sums(transition, states), ...sums(confusions[0]!, states + 1)])
    expect(sum).toBeCloseTo(1, 12)
})
