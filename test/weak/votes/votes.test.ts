import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { segment } from '../../../src/data/segment.js'
import { spansFromTags } from '../../../src/data/schemes.js'
import { legalTransitions, schemeTags } from '../../../src/data/schemes.js'
import { decodeTags, runsOf } from '../../../src/weak/models/decode.js'
import { fitLabelModel, labeller } from '../../../src/weak/models/label-model.js'
import { evidenceOf } from '../../../src/weak/votes/segments.js'
import { checkBeliefs, defaultSettings, labelModelSchema } from '../../../src/weak/models/settings.js'
import { collectVotes, statesOfVote } from '../../../src/weak/votes/votes.js'

const span = (start: number, end: number, label: string) => ({ start, end, label })
const documentOf = (layers: Record<string, ReturnType<typeof span>[]>) =>
  segment({ id: 'd', text: 'New York is big', layers })

describe('collectVotes', () => {
  it('tells abstaining, O and types, and splits what may be several', () => {
    const votes = collectVotes([
      documentOf({
        gold: [span(0, 3, 'ORG')],
        places: [span(0, 8, 'LOC'), span(0, 8, 'ORG')],
        words: [span(9, 11, 'O')],
        silent: [],
      }),
    ])
    expect([votes.sources, votes.labels]).toEqual([
      ['places', 'silent', 'words'],
      ['LOC', 'ORG'],
    ])
    const on = (word: number) =>
      votes.sources.map((_, source) => {
        const vote = votes.patterns[votes.words[word]! * 3 + source]!
        return statesOfVote(votes, vote).map((state) => votes.tags[state])
      })
    expect([0, 1, 2, 3].map(on)).toEqual([
      [['B-LOC', 'B-ORG'], [], []],
      [['I-LOC', 'I-ORG'], [], []],
      [[], [], ['O']],
      [[], [], []],
    ])
  })

  it('counts spans that are no votes on words', () => {
    const votes = collectVotes([documentOf({ regex: [span(0, 2, 'LOC'), span(0, 8, 'LOC'), span(4, 8, 'PER')] })])
    expect(votes.unusable).toEqual([2])
  })
})

describe('labeller', () => {
  const silent = documentOf({ places: [] })
  const voted = documentOf({ places: [span(0, 8, 'LOC')], other: [span(0, 8, 'LOC')] })

  it.each(['majority', 'weighted', 'hmm'] as const)('labels documents with and without votes (%s)', (model) => {
    const documents = [silent, voted, silent, voted]
    const evidence = evidenceOf(collectVotes(documents))
    const label = labeller(evidence, fitLabelModel(evidence, { ...defaultSettings, model }))
    const [first, second] = documents.map(label)
    expect(first!.layers).toEqual({ weak: [] })
    expect(first!.soft.rows).toEqual(Array.from({ length: 4 }, () => [1, 0, 0]))
    expect(second!.layers['weak']).toMatchObject([span(0, 8, 'LOC')])
    for (const row of second!.soft.rows) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
  })

  it('labels a corpus in which nobody votes', () => {
    const evidence = evidenceOf(collectVotes([silent]))
    const label = labeller(evidence, fitLabelModel(evidence, defaultSettings))
    expect(label(silent, 0).soft).toEqual({ tags: ['O'], rows: [[1], [1], [1], [1]] })
  })
})

it('decodes the best legal sequence, as trying all does', () => {
  const labels = ['A', 'B']
  const tags = schemeTags(labels, 'IOB2')
  const legal = legalTransitions(tags, 'IOB2')
  const row = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: tags.length, maxLength: tags.length })
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (rows) => {
      const posteriors = Float64Array.from(
        rows.flatMap((shares) => shares.map((p) => p / shares.reduce((a, b) => a + b))),
      )
      const walk = (path: number[]): { path: number[]; score: number } =>
        path.length === rows.length
          ? { path, score: path.reduce((sum, tag, word) => sum + Math.log(posteriors[word * tags.length + tag]!), 0) }
          : tags
              .map((_, tag) => tag)
              .filter((tag) => (path.length === 0 ? legal.start[tag] : legal.follow[path.at(-1)!]![tag]))
              .map((tag) => walk([...path, tag]))
              .reduce((a, b) => (b.score > a.score ? b : a))
      const found = decodeTags(posteriors, rows.length, legal)
      const scoreOf = (path: ArrayLike<number>) =>
        Array.from(path).reduce((sum, tag, word) => sum + Math.log(posteriors[word * tags.length + tag]!), 0)
      expect(scoreOf(found)).toBeCloseTo(walk([]).score, 9)
      const runs = runsOf(found, posteriors, labels).map(({ start, end, label }) => ({ start, end, label }))
      expect(runs).toEqual(
        spansFromTags(
          Array.from(found, (tag) => tags[tag]!),
          'IOB2',
        ),
      )
    }),
  )
})

describe('beliefs', () => {
  const votes = collectVotes([documentOf({ places: [span(0, 8, 'LOC')] })])

  it('must be of sources and types that there are', () => {
    const of = (precision: unknown) => () => checkBeliefs(labelModelSchema.parse({ precision }), votes)
    expect(of({ places: { LOC: 0.9, O: 0.5 } })).not.toThrow()
    expect(of({ place: 0.9 })).toThrow(/Did you mean places/)
    expect(of({ places: { LOCC: 0.9 } })).toThrow(/Did you mean LOC/)
  })

  it('are no certainties', () => {
    expect(labelModelSchema.safeParse({ precision: 1 }).success).toBe(false)
    expect(labelModelSchema.safeParse({ precision: { places: 0 } }).success).toBe(false)
  })
})
