import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import type * as mixedModule from '../../src/graph/rewrite/mixed.js'
import { createLoopTrainer } from '../../src/training/device/loop-trainer.js'
import { train } from '../../src/training/train.js'
import { followed } from '../training/follow.js'
import type * as trainersModule from '../../src/training/trainers.js'
import { rounded } from '../training/rounded.js'

// A CPU in the place of a card: CUDA's trainer, with every operator on halves rounded as a GPU would.
vi.mock('../../src/runtime/probe.js', () => ({ chooseDevice: () => Promise.resolve({ device: 'cuda', reason: '' }) }))
vi.mock('../../src/training/trainers.js', async (original) => ({
  ...(await original<typeof trainersModule>()),
  trainers: {
    cuda: (...[tagger, objective, initial, options]: Parameters<typeof createLoopTrainer>) =>
      createLoopTrainer(tagger, objective, initial, { ...options, device: 'cpu' }),
  },
}))
vi.mock('../../src/graph/rewrite/mixed.js', async (original) => {
  const { mixed } = await original<typeof mixedModule>()
  return { mixed: (...args: Parameters<typeof mixed>) => rounded(mixed(...args).graph) }
})

const recipe = fileURLToPath(new URL('../../recipes/quickstart.yaml', import.meta.url))

async function testF1(precision: string): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'ner-precision-'))
  try {
    const overrides = { output: join(scratch, 'run'), device: 'cuda' }
    const config = loadConfig({
      file: recipe,
      set: [`training.precision=${precision}`, 'training.epochs=3'],
      overrides,
    })
    const { result } = await followed(train(config))
    return 100 * result.test!.crf!.scores.micro.f1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

test('after three epochs a tiny encoder knows as much of the sample in fp16 as in fp32', async () => {
  const [half, single] = [await testF1('fp16'), await testF1('fp32')]
  process.stderr.write(`test F1 ${half.toFixed(2)} in fp16, ${single.toFixed(2)} in fp32\n`)
  expect(half).toBeGreaterThan(70)
  expect(Math.abs(single - half)).toBeLessThan(1)
})
