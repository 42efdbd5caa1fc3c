import { describe } from 'vitest'
import { runTest } from './label-model.js'

describe('majority', () => {
  runTest({
    model: 'majority',
    skip: [
      {
        reason: 'it counts every vote alike',
        tests: ['where people have checked the words, one source that is right beats two that are not'],
      },
    ],
  })
})

describe('weighted votes', () => {
  runTest({ model: 'weighted' })
})

describe('a hidden Markov model', () => {
  runTest({ model: 'hmm' })
})
