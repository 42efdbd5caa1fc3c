import { expect, test } from 'vitest'
import { defaults } from '../../src/config/schema.js'
import type { Example } from '../../src/features/batch.js'
import { planRun } from '../../src/training/plan.js'

const example = (words: number, target: object): Example => ({
  windows: [new Int32Array(words + 2).fill(5)],
  sentences: [
    { document: 0, firstWord: 0, window: new Int32Array(words), piece: new Int32Array(words).fill(1), ...target },
  ],
})

test('soft tags come in batches as wide as the tag list, beside hard ones', () => {
  const soft = Float32Array.of(0.25, 0.75, 0, 0.5, 0, 0.5)
  const examples = [example(2, { soft }), example(1, { tags: Int32Array.of(2) })]
  const [step] = planRun(examples, defaults, { labels: 3, padId: 0 }).epoch(0)
  const [batch] = step!()
  expect([...batch!.soft!]).toEqual([...soft, 0, 0, 1, 0, 0, 0])
})
