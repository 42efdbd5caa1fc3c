// Five steps of a tiny model, on a device and on the CPU: prints both loss curves, the largest difference of logits and
// of weights, and what the engine said of nodes that it would not place. A process of its own, since the Vulkan loader
// is looked for when a process starts.   node test/slow/webgpu-steps.js softmax|crf
import { bert } from '../../dist/models/encoders/bert.js'
import { initialise } from '../../dist/models/parameters.js'
import { createDeviceTrainer } from '../../dist/training/device/trainer.js'
import { taggingObjective } from '../../dist/training/objective.js'
import { createTrainer } from '../../dist/training/cpu/trainer.js'

const [head] = process.argv.slice(2)
const tags = ['O', 'B-PER', 'I-PER']
const tagger = {
  encoder: bert.create({
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 32,
    vocab_size: 100,
    max_position_embeddings: 32,
  }),
  head,
  tags,
  legal: {
    start: [true, true, false],
    end: [true, true, true],
    follow: [
      [true, true, false],
      [true, true, true],
      [true, true, true],
    ],
  },
  dropout: 0.1,
}

const [sentences, length] = [2, 16]
const row = (sentence) => ({
  document: sentence,
  firstWord: 0,
  window: new Int32Array(length),
  piece: Int32Array.from({ length }, (_, i) => i),
  tags: Int32Array.from({ length }, (_, i) => [1, 2, 0, 0, 0][(i + sentence * 3) % 5]),
})
// The size of a bucket, so that both devices lay masks of dropout out alike.
const batch = {
  sizes: { batch: sentences, sequence: length, sentences, words: length },
  inputIds: BigInt64Array.from({ length: sentences * length }, (_, i) => BigInt((i * 7) % 41)),
  attentionMask: new BigInt64Array(sentences * length).fill(1n),
  wordIndex: BigInt64Array.from({ length: sentences * length }, (_, i) => BigInt(i)),
  lengths: new BigInt64Array(sentences).fill(BigInt(length)),
  rows: Array.from({ length: sentences }, (_, sentence) => row(sentence)),
  pieceCount: sentences * length,
  wordCount: sentences * length,
}

const objective = taggingObjective(tagger, { smoothing: 0, emissionLoss: 0.3 })
const initial = initialise(objective.parameters, 1)
const options = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 1, seed: 1, threads: 2 }
const rates = { encoder: 1e-3, head: 1e-3, crf: 1e-2 }
const host = await createTrainer(tagger, objective, initial, options)
const device = await createDeviceTrainer(tagger, objective, initial, {
  ...options,
  device: 'webgpu',
  stepsBetweenReads: 1,
})

const curves = { device: [], host: [] }
for (let step = 1; step <= 5; step++) {
  curves.device.push((await device.step([batch], step, rates)).loss)
  curves.host.push((await host.step([batch], step, rates)).loss)
}
const largest = (a, b) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0)
const logits = largest(await device.logits(batch), await host.logits(batch))
process.stdout.write(`${JSON.stringify({ ...curves, logits })}\n`)
// Dawn's threads would keep the process from ending.
process.exit(0)
