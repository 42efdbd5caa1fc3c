import { NerError } from '../../errors.js'
import type { Batch } from '../../features/batch.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import type { Tensor } from '../../graph/types.js'
import type { ParameterData, ParameterGroup } from '../../models/parameters.js'
import type { Tagger } from '../../models/tagger.js'
import { createSession, type Session, type SessionOptions } from '../../runtime/session.js'
import { createMasks } from '../dropout.js'
import { createOptimizer, notFinite, type AdamWOptions, type Optimizer, type RowGradients } from './optimizer.js'
import type { Objective } from '../objective.js'
import { anySizes, batchInputs, buildForward, gradientOutput, stepOutputs } from '../step.js'

export interface TrainerOptions extends AdamWOptions, SessionOptions {
  readonly seed: number
  /** What is computed with; fp32 where absent. */
  readonly precision?: Precision
}

/** fp16 is for products and most of what is elementwise; weights, moments and the loss are in fp32 all the same. */
export type Precision = 'fp32' | 'fp16'

export interface StepResult {
  readonly loss: number
  /** Before clipping. */
  readonly gradientNorm: number
}

/** Weights by name, and their moments as `first.*` and `second.*`. */
export type TrainerState = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>

/** A model being trained: its weights, and the graphs that read them. */
export interface Trainer {
  /**
   * One optimizer step, number `step` from 1, on batches that count as one: each is run by itself, their gradients are
   * added. @throws NerError `training/not-finite`, before any weight has changed.
   */
  step(batches: readonly Batch[], step: number, rates: Readonly<Record<ParameterGroup, number>>): Promise<StepResult>
  /** Logits of a batch's words, [sentences, words, labels], by the weights as they are. */
  logits(batch: Batch): Promise<Float32Array>
  /** The weights of these names; the arrays may be live. */
  weights(names: readonly string[]): Promise<ParameterData>
  /** All that a checkpoint keeps; the arrays may be live. */
  state(): Promise<TrainerState>
  /** Puts arrays of `state` back; those that are not given stay. */
  restore(state: ReadonlyMap<string, { readonly data: Float32Array }>): Promise<void>
  release(): Promise<void>
}

/** The trainer of a CPU, with its optimizer beside the graph. */
export interface HostTrainer extends Trainer {
  readonly optimizer: Optimizer
}

/**
 * `initial` has the weights that all of the objective's parameters start from.
 *
 * @throws NerError `config/bad-value` where anything but fp32 is asked for
 */
export async function createTrainer(
  tagger: Tagger,
  objective: Objective,
  initial: ParameterData,
  options: TrainerOptions,
): Promise<HostTrainer> {
  if (options.precision === 'fp16')
    throw new NerError('config/bad-value', 'A CPU has no arithmetic of fp16: it would only be slower.', {
      where: 'training.precision',
      mend: 'Set it to fp32, or train on webgpu or cuda.',
    })
  const { pieceTable, sizes } = tagger.encoder
  const { graph, dropoutSites } = objective.step(anySizes)
  const session = await createSession(encodeModel(graph), options)
  let forward: Session | undefined
  const optimizer = createOptimizer(objective.parameters, initial, pieceTable, options)
  const masks = createMasks(options.seed)
  const gradientsIn = (region: 'gradients' | 'addend') =>
    Object.fromEntries(
      Object.entries(optimizer.gradients(region)).map(([name, tensor]) => [gradientOutput(name), tensor]),
    )
  const regions = { gradients: gradientsIn('gradients'), addend: gradientsIn('addend') }

  return {
    optimizer,
    async step(batches, step, rates) {
      const feeds = objective.feeds(batches)
      const rows = touchedRows(batches, sizes.embeddingSize)
      let loss = 0
      for (const [part, batch] of batches.entries()) {
        const inputs = {
          ...optimizer.weights,
          ...wordFeeds(batch),
          ...feeds[part]!,
          ...masks(dropoutSites, batch.sizes, step, part),
        }
        const region = part === 0 ? 'gradients' : 'addend'
        const results = await session.run(inputs, regions[region])
        loss += results[stepOutputs.loss]!.data[0] as number
        if (!Number.isFinite(loss)) throw notFinite('loss', step)
        if (part > 0) optimizer.accumulate()
        rows.add(batch, results[stepOutputs.pieces]!.data as Float32Array)
      }
      return { loss, gradientNorm: optimizer.update(step, rows, rates) }
    },
    async logits(batch) {
      forward ??= await createSession(encodeModel(buildForward(tagger)), options)
      const { logits } = await forward.run({ ...optimizer.weights, ...wordFeeds(batch) })
      return logits!.data as Float32Array
    },
    weights: (names) =>
      Promise.resolve(new Map(names.map((name) => [name, optimizer.weights[name]!.data as Float32Array]))),
    state: () => Promise.resolve(optimizer.state()),
    restore(state) {
      optimizer.restore(state)
      return Promise.resolve()
    },
    async release() {
      await session.release()
      await forward?.release()
    },
  }
}

function int64(dims: readonly number[], data: BigInt64Array): Tensor {
  return { dtype: 'int64', dims, data }
}

export function wordFeeds({ sizes, inputIds, attentionMask, wordIndex }: Batch): Record<string, Tensor> {
  const { batch, sequence, sentences, words } = sizes
  return {
    [batchInputs.inputIds]: int64([batch, sequence], inputIds),
    [batchInputs.attentionMask]: int64([batch, sequence], attentionMask),
    [batchInputs.wordIndex]: int64([sentences, words], wordIndex),
  }
}

/** The distinct pieces of a step, and the sum of the gradients at each one's places. */
function touchedRows(
  batches: readonly Batch[],
  width: number,
): RowGradients & { add(batch: Batch, gradients: Float32Array): void } {
  const rowOf = new Map<number, number>()
  const pieces = batches.map(({ inputIds, attentionMask }) =>
    Int32Array.from(inputIds, (id, i) => {
      if (attentionMask[i] === 0n) return -1
      const piece = Number(id)
      if (!rowOf.has(piece)) rowOf.set(piece, rowOf.size)
      return rowOf.get(piece)!
    }),
  )
  const values = new Float32Array(rowOf.size * width)
  return {
    rows: Int32Array.from(rowOf.keys()),
    values,
    add(batch, gradients) {
      const rows = pieces[batches.indexOf(batch)]!
      for (let place = 0; place < rows.length; place++) {
        const to = rows[place]! * width
        const from = place * width
        // Padding is nobody's context, so its gradient is 0.
        if (to >= 0) for (let i = 0; i < width; i++) values[to + i]! += gradients[from + i]!
      }
    },
  }
}
