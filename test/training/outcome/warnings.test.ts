import { expect, test } from 'vitest'
import { bootstrap, scoresFromCounts } from '../../../src/data/scoring.js'
import { trainingWarnings } from '../../../src/training/outcome/warnings.js'

const decoded = (tp: number) => {
  const scores = scoresFromCounts(new Map([['PER', { tp, fp: 0, fn: 100 - tp }]]))
  return { scores, conlleval: scores, intervals: bootstrap([], { seed: 1 }) }
}
const evaluation = (crf: number, argmax: number) => ({
  crf: decoded(crf),
  argmax: decoded(argmax),
  characters: { gold: 100, found: crf },
})
const trained = (steps: number, f1: number) => ({ steps, best: { f1 } })

test('a training that is long enough, finds something and has no gap is not warned of', () => {
  expect(trainingWarnings(trained(50, 0.1), evaluation(90, 86))).toEqual([])
  expect(trainingWarnings({ steps: 50, best: undefined }, undefined)).toEqual([])
})

test('a best F1 of 0, few steps, and a CRF that other tools miss are said, each with what mends it', () => {
  expect(trainingWarnings(trained(50, 0), undefined)).toEqual([
    expect.stringMatching(/best F1 is 0\. Set training\.epochs higher/),
  ])
  expect(trainingWarnings(trained(49, 0.1), undefined)).toEqual([
    expect.stringMatching(/^The model was trained for 49 steps alone\. Set training\.epochs higher/),
  ])
  // F1 of 94.74 and 88.89.
  expect(trainingWarnings(trained(50, 0.9), evaluation(90, 80))).toEqual([
    expect.stringMatching(/an F1 of 88\.89 where the CRF gets 94\.74\. .*training\.emission_loss/),
  ])
})
