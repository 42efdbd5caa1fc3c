import { describe, expect, it } from 'vitest'
import { segment } from '../../../src/data/segment.js'
import { analyseVotes, proportion } from '../../../src/weak/analysis/analyse.js'
import { analysisReport } from '../../../src/weak/analysis/analysis-report.js'
import { evidenceOf } from '../../../src/weak/votes/segments.js'
import { defaultSettings } from '../../../src/weak/models/settings.js'
import { collectVotes } from '../../../src/weak/votes/votes.js'

const span = (start: number, end: number, label: string) => ({ start, end, label })

/** Two sources on "Ann saw Rome <b>": one right twice, one right and wrong. */
const document = segment({
  id: 'one',
  text: 'Ann saw Rome <b>',
  layers: {
    gold: [span(0, 3, 'PER'), span(8, 12, 'LOC')],
    careful: [span(0, 3, 'PER'), span(8, 12, 'LOC')],
    hasty: [span(0, 3, 'LOC'), span(8, 12, 'LOC')],
  },
})
const documents = [document, document]
const evidence = evidenceOf(collectVotes(documents, { labels: ['PER', 'LOC'] }))
const analysis = analyseVotes({ documents, unchecked: 1, evidence }, { ...defaultSettings, model: 'majority' })

describe('analyseVotes', () => {
  it('counts coverage, overlaps and conflicts in words, and precision and recall in checked spans', () => {
    const row = (source: string, label: string) =>
      analysis.rows.find((it) => it.source === source && it.label === label)!
    expect(row('hasty', 'LOC')).toMatchObject({ words: 4, overlaps: 1, conflicts: 0.5, estimated: 0.75 })
    expect(row('hasty', 'LOC').precision).toMatchObject({ right: 1, of: 2 })
    expect(row('hasty', 'LOC').recall).toMatchObject({ right: 1, of: 1 })
    expect(row('careful', 'PER')).toMatchObject({ words: 2, conflicts: 1, precision: { right: 1, of: 1 }, wrong: [] })
    expect(row('hasty', 'LOC').wrong.map(({ vote, text }) => text.slice(vote.start, vote.end))).toEqual(['Ann'])
    expect(analysis.agreement[0]![1]).toEqual({ both: 4, same: 2 })
  })

  it('makes a report in which a text is text', () => {
    const report = analysisReport('Votes', analysis)
    expect(report).toContain('&lt;b&gt;')
    expect(report).not.toContain('<b>')
  })
})

it.each([
  // scipy.stats.binomtest(right, of).proportion_ci(method='wilson')
  [8, 10, 0.4901625, 0.9433178],
  [0, 20, 0, 0.1611252],
  [50, 100, 0.4038315, 0.5961685],
])('Wilson’s interval of %i in %i', (right, of, low, high) => {
  const { interval } = proportion(right, of)
  expect(interval.low).toBeCloseTo(low, 5)
  expect(interval.high).toBeCloseTo(high, 5)
})
