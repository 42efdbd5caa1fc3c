import type { Batch } from '../features/batch.js'
import type { Tensor } from '../graph/types.js'
import type { Parameter } from '../models/parameters.js'
import { taggerParameters, type Tagger, type TaggingLossOptions } from '../models/tagger.js'
import { batchInputs, buildStep, type StepGraph, type StepSizes } from './step.js'
import { batchTargets, type BatchTargets, type TargetOptions } from './targets.js'

export type Feeds = Readonly<Record<string, Tensor>>

/** What a run minimises: the graph of a step, and what that reads of batches beside their words. */
export interface Objective {
  step(sizes: StepSizes): StepGraph
  /** What is trained: the model's parameters, and those that only the training has. */
  readonly parameters: readonly Parameter[]
  /** One step's batches, each of which runs by itself; their losses add up to the step's. */
  feeds(batches: readonly Batch[]): readonly Feeds[]
}

export interface TaggingOptions extends TaggingLossOptions, Omit<TargetOptions, 'labels'> {}

/** Learning from tags: the mean loss over a step's words, each with its class weight; with a CRF, over its sentences. */
export function taggingObjective(tagger: Tagger, options: TaggingOptions): Objective {
  const targetOptions = { labels: tagger.tags.length, ...options }
  return {
    step: (sizes) => buildStep(tagger, options, sizes),
    parameters: taggerParameters(tagger),
    feeds(batches) {
      const targets = batches.map((batch) => batchTargets(batch, targetOptions))
      const counts = tagger.head === 'crf' ? batches.map(({ rows }) => rows.length) : targets.map(({ total }) => total)
      const total = counts.reduce((sum, count) => sum + count, 0)
      // Where no word has a target the loss is 0, whatever it is divided by.
      const weight = scalar(total === 0 ? 0 : 1 / total)
      return batches.map((batch, i) => ({ ...targetFeeds(batch, targets[i]!), [batchInputs.weight]: weight }))
    },
  }
}

export function targetFeeds({ sizes, lengths }: Batch, { targets, mask }: BatchTargets): Feeds {
  const { sentences, words } = sizes
  const labels = targets.length / (sentences * words)
  return {
    [batchInputs.lengths]: { dtype: 'int64', dims: [sentences], data: lengths },
    [batchInputs.targets]: { dtype: 'float32', dims: [sentences, words, labels], data: targets },
    [batchInputs.mask]: { dtype: 'float32', dims: [sentences, words, 1], data: mask },
  }
}

export function scalar(value: number): Tensor {
  return { dtype: 'float32', dims: [], data: Float32Array.of(value) }
}
