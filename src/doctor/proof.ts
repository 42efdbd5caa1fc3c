import { legalTransitions, schemeTags } from '../data/schemes.js'
import type { Example } from '../features/batch.js'
import { fillBatch } from '../features/batches.js'
import { bert } from '../models/encoders/bert.js'
import { initialise } from '../models/parameters.js'
import type { Tagger } from '../models/tagger.js'
import { providerOf, type Device } from '../runtime/devices.js'
import { taggingObjective } from '../training/objective.js'
import { trainers } from '../training/trainers.js'

/** Steps of a proof: the first shows that the graph runs, the others that its weights move as they should. */
export const proofSteps = 3

/** What a few training steps on a device have come to. */
export interface Proof {
  /** Of each step. */
  readonly losses: readonly number[]
  /** Of all steps, the engine's preparations in the first one included. */
  readonly milliseconds: number
}

/** Trains a tiny BERT with a CRF for a few steps on a device, by the trainer that a run there has. @throws NerError `runtime/*` */
export async function proveDevice(device: Device): Promise<Proof> {
  const tags = schemeTags(['PER'], 'IOB2')
  const encoder = bert.create({
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 32,
    vocab_size: 100,
    max_position_embeddings: 32,
  })
  const tagger: Tagger = { encoder, head: 'crf', tags, legal: legalTransitions(tags, 'IOB2'), dropout: 0 }
  const objective = taggingObjective(tagger, { smoothing: 0, emissionLoss: 0.3 })
  const options = {
    device,
    seed: 1,
    threads: 1,
    betas: [0.9, 0.999] as const,
    epsilon: 1e-8,
    weightDecay: 0.1,
    maxGradNorm: 1,
    // Trainers of devices otherwise look at the loss now and then only.
    stepsBetweenReads: 1,
    stepsPerRun: 1,
  }
  const batch = fillBatch([0, 1].map(sentence), { labels: tags.length, padId: 0 })
  const began = performance.now()
  const trainer = await trainers[providerOf(device)](tagger, objective, initialise(objective.parameters, 1), options)
  const losses: number[] = []
  for (let step = 1; step <= proofSteps; step++) {
    losses.push((await trainer.step([batch], step, { encoder: 1e-3, head: 1e-3, crf: 1e-2 })).loss)
  }
  const milliseconds = performance.now() - began
  await trainer.release()
  return { losses, milliseconds }
}

/** A sentence of 16 words, each of one piece. */
function sentence(number: number): Example {
  const every = <T>(map: (i: number) => T) => Array.from({ length: 16 }, (_, i) => map(i))
  return {
    windows: [Int32Array.from(every((i) => (i * 7 + number) % 41))],
    sentences: [
      {
        document: number,
        firstWord: 0,
        window: new Int32Array(16),
        piece: Int32Array.from(every((i) => i)),
        tags: Int32Array.from(every((i) => [1, 2, 0, 0, 0][(i + number * 3) % 5]!)),
      },
    ],
  }
}
