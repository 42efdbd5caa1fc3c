import type { Batch, Example } from '../features/batch.js'
import { fillBatch, planBatches, type BatchOptions } from '../features/batches.js'
import { providerOf } from '../runtime/devices.js'
import { loopBucket, stepsPerRun } from './device/bucket.js'
import type { EquippedConfig } from './trainers.js'

/**
 * Padded pieces that run at once on a CPU. A larger batch is run in parts whose gradients are added: activations of
 * 1,024 × 1,536 floats stay in the cache from one elementwise pass to the next, and take a quarter of the memory.
 */
export const piecesAtOnce = 1024

/** The batches of a training: those of a step are filled when its turn comes. */
export interface BatchSchedule {
  /** Optimizer steps of all epochs. */
  readonly steps: number
  readonly epochs: number
  epoch(epoch: number): readonly (() => Batch[])[]
}

/** What laying out a batch takes to know of the model. */
export type Layout = Pick<BatchOptions, 'labels' | 'padId'>

/** What batches follow from. */
export type BatchSettings = Pick<EquippedConfig, 'training' | 'seed' | 'device'>

/** Of a training whose configuration names no number of epochs. */
const usual = { epochs: 3, steps: 150, mostEpochs: 30 }

/** Epochs as they are set, or as suits the size of the data: a model learns nothing in a few steps. */
export function epochsFor(examples: readonly Example[], settings: BatchSettings, layout: Layout): number {
  const { epochs } = settings.training
  if (epochs !== null) return epochs
  const { steps } = scheduleBatches(examples, settings, layout, 1)
  return Math.min(usual.mostEpochs, Math.max(usual.epochs, Math.ceil(usual.steps / Math.max(1, steps))))
}

/** Batches follow from the seed and the epoch alone, so that a resumed run sees the same. */
export function scheduleBatches(
  examples: readonly Example[],
  { training, seed, device }: BatchSettings,
  layout: Layout,
  epochs: number,
): BatchSchedule {
  const atOnce = device === 'cpu' ? piecesAtOnce : training.batch_tokens
  const planOf = (epoch: number) =>
    planBatches(examples, {
      sentences: training.batch_sentences,
      tokens: training.batch_tokens,
      ...layout,
      shuffle: { seed, epoch },
    })
  const stepsOf = (batches: number) => Math.ceil(batches / training.accumulate)
  const counts = Array.from({ length: epochs }, (_, epoch) => stepsOf(planOf(epoch).length))
  return {
    steps: counts.reduce((sum, steps) => sum + steps, 0),
    epochs,
    epoch(epoch) {
      const batches = planOf(epoch)
      const steps = Array.from({ length: stepsOf(batches.length) }, (_, step) => () => {
        const own = batches.slice(step * training.accumulate, (step + 1) * training.accumulate)
        return own.flatMap((batch) =>
          trainingParts(
            batch.map((example) => examples[example]!),
            layout,
            atOnce,
          ),
        )
      })
      return providerOf(device) === 'cuda' ? inRuns(steps) : steps
    },
  }
}

/**
 * Steps of one size together, as many as a run on CUDA has: what is left of a size in the end comes last. An order by size
 * alone would be a curriculum; here a size comes around again with every run.
 */
function inRuns(steps: readonly (() => Batch[])[]): (() => Batch[])[] {
  const gathering = new Map<string, (() => Batch[])[]>()
  const ordered: (() => Batch[])[] = []
  for (const step of steps) {
    const { key } = loopBucket(step())
    const own = [...(gathering.get(key) ?? []), step]
    const full = own.length === stepsPerRun
    if (full) ordered.push(...own)
    gathering.set(key, full ? [] : own)
  }
  return [...ordered, ...[...gathering.values()].flat()]
}

/** A batch in parts that run one after the other. */
export function trainingParts(examples: readonly Example[], layout: Layout, atOnce = piecesAtOnce): Batch[] {
  const options = { tokens: atOnce, ...layout }
  return planBatches(examples, options).map((part) =>
    fillBatch(
      part.map((example) => examples[example]!),
      options,
    ),
  )
}
