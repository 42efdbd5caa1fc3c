import { describe, expect, it } from 'vitest'
import { confusionMatrix } from '../../src/data/confusion.js'
import { scoreSpans } from '../../src/data/scoring.js'
import type { EvaluationData, WrongSentence } from '../../src/evaluation/emissions.js'
import { highlightedErrors } from '../../src/report/errors.js'
import { evaluationReport, trainingReport } from '../../src/report/report.js'
import { confusionTable } from '../../src/report/scores.js'

const span = (start: number, end: number, label: string, score?: number) => ({
  start,
  end,
  label,
  ...(score !== undefined && { score }),
})

describe('mistakes', () => {
  it('are marked in their text, right spans are not', () => {
    const sentence: WrongSentence = {
      text: 'Ann left Rome .',
      where: 'letters 7',
      gold: [span(0, 3, 'PER'), span(9, 13, 'LOC')],
      predicted: [span(0, 3, 'PER', 0.99), span(9, 13, 'ORG', 0.876)],
    }
    const { html } = highlightedErrors([sentence])
    expect(html).toContain(
      '<mark class="right">Ann<small>PER</small></mark> left <mark class="missed">Rome<small>LOC</small></mark> .',
    )
    expect(html).toContain('<mark class="wrong">Rome<small>ORG 88 %</small></mark> .')
    expect(html).toContain('letters 7')
  })

  it('come in order of the confidence they were made with, those that were only missed last', () => {
    const wrong = (where: string, predicted: WrongSentence['predicted'], gold: WrongSentence['gold'] = []) => ({
      text: 'a b c',
      where,
      gold,
      predicted,
    })
    const { html } = highlightedErrors([
      wrong('missed one', [], [span(0, 1, 'X')]),
      wrong('unsure', [span(0, 1, 'X', 0.4)]),
      wrong('missed two', [], [span(0, 1, 'X'), span(2, 3, 'X')]),
      wrong('right', [span(0, 1, 'X', 1)], [span(0, 1, 'X')]),
      wrong('sure', [span(0, 1, 'X', 0.9), span(2, 3, 'X', 0.1)]),
    ])
    const order = [...html.matchAll(/class="where">([^<]*)/g)].map(([, where]) => where)
    expect(order).toEqual(['sure', 'unsure', 'missed two', 'missed one'])
  })

  it('are cut to the worst, and the reader is told', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({
      text: 'a',
      where: String(i),
      gold: [],
      predicted: [span(0, 1, 'X', i / 10)],
    }))
    const { html } = highlightedErrors(many, 3)
    expect(html.match(/<li>/g)).toHaveLength(3)
    expect(html).toContain('3 of 9')
    expect(highlightedErrors([]).html).toContain('No mistakes')
  })
})

const gold = [[span(0, 1, 'A'), span(2, 4, 'B')], [span(0, 1, 'A')], [span(1, 2, 'B')]]
const predicted = [[span(0, 1, 'A'), span(2, 3, 'B')], [span(0, 1, 'B')], [span(3, 4, '<A>')]]

it('the confusion matrix shows every count once', () => {
  const { html } = confusionTable(confusionMatrix(gold, predicted))
  const rows = [...html.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/gs)].map(([, type, cells]) => [
    type,
    ...[...cells!.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) =>
      cell!.replace(/<small[^>]*>|<\/small>/g, ' ').trim(),
    ),
  ])
  // Columns: <A>, A, B, missed.
  expect(rows).toEqual([
    ['&lt;A&gt;', '0', '0', '0', '0'],
    ['A', '0', '1', '1', '0'],
    ['B', '0', '0', '0 +1', '1'],
    ['spurious', '1', '0', '0', ''],
  ])
})

const evil = `</script><script>alert('x')</script>"><img src=x onerror=alert(1)>`
const scores = scoreSpans(gold, predicted)
const scored = { scores, intervals: { micro: { low: 0.1, high: 0.6 }, perType: {} }, conlleval: scores }
const evaluation: EvaluationData = {
  crf: scored,
  argmax: scored,
  characters: { gold: 9, found: 5 },
  confusion: confusionMatrix(gold, [...predicted.slice(1), [span(0, 1, evil)]]),
  wrong: [{ text: evil, where: evil, gold: [span(0, 5, evil)], predicted: [span(3, 9, evil, 0.5)] }],
}

function expectSelfContained(page: string) {
  expect(page).toMatch(/^<!doctype html>/)
  expect(page).not.toMatch(/<script|<img|<link|<iframe|\son\w+="|url\(|@import|https?:/i)
  expect(page).not.toMatch(/undefined|NaN|\[object/)
}

describe('reports', () => {
  const facts = { [evil]: evil }
  const steps = [1, 2, 3].map((step) => ({ step, loss: 1 / step, learningRate: 1e-3 / step }))

  it('of a training are one file, safe from what they show', () => {
    const page = trainingReport({
      title: evil,
      steps,
      devScores: [
        { step: 1, f1: 0.5 },
        { step: 3, f1: 0.25 },
      ],
      evaluation: { ...evaluation, split: 'test' },
      run: facts,
      lineage: facts,
      config: { [evil]: evil, seed: 1 },
    })
    expectSelfContained(page)
    expect(page).toContain('best F1 on dev</dt><dd>50.00')
    expect(page).toContain('F1 by argmax')
  })

  it('of a training without dev or test are shorter', () => {
    const page = trainingReport({ title: 'run', steps, devScores: [], run: {}, lineage: {}, config: {} })
    expectSelfContained(page)
    expect(page).not.toContain('<h2>Scores')
  })

  it('of an evaluation leave out argmax where nothing else was decoded', () => {
    const { crf: _crf, ...byArgmax } = evaluation
    const page = evaluationReport(evil, byArgmax, facts)
    expectSelfContained(page)
    expect(page).not.toContain('F1 by argmax')
  })
})
