import { expect, test } from 'vitest'
import { defaults } from '../../src/config/schema.js'
import type { Example } from '../../src/features/batch.js'
import { epochsFor, scheduleBatches } from '../../src/training/batch-schedule.js'

const example = (words: number, target: object): Example => ({
  windows: [new Int32Array(words + 2).fill(5)],
  sentences: [
    { document: 0, firstWord: 0, window: new Int32Array(words), piece: new Int32Array(words).fill(1), ...target },
  ],
})

const onCpu = { ...defaults, device: 'cpu' as const }

test('soft tags come in batches as wide as the tag list, beside hard ones', () => {
  const soft = Float32Array.of(0.25, 0.75, 0, 0.5, 0, 0.5)
  const examples = [example(2, { soft }), example(1, { tags: Int32Array.of(2) })]
  const [step] = scheduleBatches(examples, onCpu, { labels: 3, padId: 0 }, 1).epoch(0)
  const [batch] = step!()
  expect([...batch!.soft!]).toEqual([...soft, 0, 0, 1, 0, 0, 0])
})

test('on CUDA the same steps come in runs of one size, and a size comes again after others', () => {
  const examples = Array.from({ length: 400 }, (_, i) => example(i % 5 === 0 ? 40 : 10, {}))
  const training = { ...defaults.training, batch_sentences: 1 }
  const steps = (device: 'cpu' | 'cuda') =>
    scheduleBatches(examples, { ...defaults, training, device }, { labels: 3, padId: 0 }, 1)
      .epoch(0)
      .map((step) => step()[0]!.sizes.sequence)
  const [plain, runs] = [steps('cpu'), steps('cuda')]
  expect([...runs].sort()).toEqual([...plain].sort())
  const changes = (sizes: readonly number[]) => sizes.filter((size, i) => i > 0 && size !== sizes[i - 1]).length
  expect(changes(plain)).toBeGreaterThan(20)
  expect(changes(runs)).toBeLessThan(6)
  expect(runs.slice(64).indexOf(runs[0]!)).toBeGreaterThanOrEqual(0)
})

test.each([
  [4000, 3],
  [800, 3],
  [400, 6],
  [95, 25],
  [8, 30],
])('of %d sentences, %d epochs are the default', (sentences, epochs) => {
  const examples = Array.from({ length: sentences }, () => example(5, {}))
  expect(epochsFor(examples, onCpu, { labels: 3, padId: 0 })).toBe(epochs)
  const training = { ...defaults.training, epochs: 7 }
  expect(epochsFor(examples, { ...onCpu, training }, { labels: 3, padId: 0 })).toBe(7)
})
