import { describe } from 'vitest'
import { createLoopTrainer } from '../../src/training/device/loop-trainer.js'
import { createDeviceTrainer } from '../../src/training/device/trainer.js'
import { createTrainer } from '../../src/training/cpu/trainer.js'
import { runTest } from './trainer.js'

describe('the trainer of a CPU', () => {
  runTest({ make: createTrainer })
})

describe('the trainer of a device that keeps tensors between runs', () => {
  runTest({ make: createDeviceTrainer })
})

describe('the trainer of a device that loses them after each run', () => {
  runTest({
    make: (tagger, objective, initial, options) =>
      createLoopTrainer(tagger, objective, initial, { ...options, stepsPerRun: 4 }),
  })
})
