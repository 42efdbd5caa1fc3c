import type { Batch } from '../../features/batch.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import type { Tensor } from '../../graph/types.js'
import type { ParameterData, ParameterGroup } from '../../models/parameters.js'
import type { Tagger } from '../../models/tagger.js'
import { createSession, type Session } from '../../runtime/session.js'
import { createPools, type DropoutSite } from '../dropout.js'
import { scalar, type Feeds, type Objective } from '../objective.js'
import { notFinite } from '../cpu/optimizer.js'
import { stepOutputs } from '../step.js'
import { wordFeeds, type StepResult, type Trainer, type TrainerOptions } from '../cpu/trainer.js'
import { indexFeeds, loopBucket, padBatch, stepsPerRun } from './bucket.js'
import { cached } from './cached.js'
import { scheduleFeeds, touchedFeeds } from './feeds.js'
import { buildBakedForward, deviceInputs } from './gradients.js'
import { buildLoop, normOutput, scaleOutput } from './looped.js'
import { watchMemory } from './memory.js'
import { maskRows, poolFeeds } from './masks.js'
import { momentName, moments, nextOutput } from './names.js'
import { firstScaling, requireScale } from './scaling.js'
import { float32, stacked, zeros } from './tensors.js'
import { updateInputs } from './update.js'

export interface LoopTrainerOptions extends TrainerOptions {
  /** The most steps of one run. */
  readonly stepsPerRun?: number
}

/** A step that waits for the run it is part of. */
interface Waiting {
  readonly batches: readonly Batch[]
  readonly step: number
  readonly rates: Readonly<Record<ParameterGroup, number>>
}

/**
 * The trainer of a device that keeps nothing between runs. Steps wait until there are enough of them for a run, or until
 * one comes that is of other sizes, or somebody asks for the weights; the run is a loop on the device, `buildLoop`. The
 * sizes that a step is padded to follow from that step alone, so that it does not matter where runs begin and end.
 *
 * What a step returns is the mean loss and the last norm of the latest run.
 */
// eslint-disable-next-line max-lines-per-function -- its short functions share the state between runs
export function createLoopTrainer(
  tagger: Tagger,
  objective: Objective,
  initial: ParameterData,
  options: LoopTrainerOptions,
): Promise<Trainer> {
  const { parameters } = objective
  const atOnce = options.stepsPerRun ?? stepsPerRun
  const [vocabulary] = parameters.find(({ name }) => name === tagger.encoder.pieceTable)!.shape as [number]
  const pools = createPools(options.seed)
  const withinMemory = watchMemory()
  const loops = cached<{ session: Session; sites: readonly DropoutSite[] }>()

  // A run reads one set of arrays and writes the other.
  const place = (fresh: boolean) =>
    new Map<string, Tensor>([
      ...parameters.flatMap(({ name, shape }): [string, Tensor][] => [
        [name, fresh ? zeros(shape) : float32(shape, initial.get(name)!.slice())],
        ...moments.map((moment): [string, Tensor] => [momentName(moment, name), zeros(shape)]),
      ]),
      ...(options.precision === 'fp16' ? firstScaling() : []),
    ])
  let state = place(false)
  let spare = place(true)
  let waiting: Waiting[] = []
  let latest: StepResult = { loss: Number.NaN, gradientNorm: Number.NaN }
  let forward: Session | undefined

  /** Runs what waits. Where a step fails, none of the run has happened. */
  async function run(): Promise<void> {
    if (waiting.length === 0) return
    const steps = waiting
    waiting = []
    const { sizes, rows, accumulates, key } = loopBucket(steps[0]!.batches, vocabulary)
    const { session, sites } = await withinMemory(sizes, () =>
      loops(key, async () => {
        const { graph, dropoutSites } = buildLoop(tagger, objective, sizes, rows, { ...options, accumulates })
        return { session: await createSession(encodeModel(graph), options), sites: dropoutSites }
      }),
    )
    const iterations = steps.flatMap(({ batches, step, rates }): Feeds[] => {
      const padded = batches.map((batch) => padBatch(batch, sizes))
      const touched = touchedFeeds(padded, vocabulary, rows)
      const feeds = objective.feeds(padded)
      return padded.map((batch, part) => ({
        ...indexFeeds(batch),
        ...feeds[part]!,
        ...maskRows(sites, options.seed, step, part),
        ...touched.list,
        ...touched.places(batch),
        ...touched.update,
        ...scheduleFeeds(parameters, rates, options, step),
        ...(accumulates && {
          [deviceInputs.keep]: scalar(part === 0 ? 0 : 1),
          [updateInputs.due]: scalar(part + 1 === padded.length ? 1 : 0),
        }),
      }))
    })
    const into = Object.fromEntries([...spare].map(([name, tensor]) => [nextOutput(name), tensor]))
    const feeds = { ...Object.fromEntries(state), ...stacked(iterations), ...poolFeeds(pools, sites) }
    const results = await withinMemory(sizes, () => session.run(feeds, into))
    latest = summary(steps, results)
    ;[state, spare] = [spare, state]
    await forward?.release()
    forward = undefined
  }

  return Promise.resolve({
    async step(batches, step, rates) {
      const keyOf = (of: readonly Batch[]) => loopBucket(of, vocabulary).key
      if (waiting[0] && keyOf(waiting[0].batches) !== keyOf(batches)) await run()
      waiting.push({ batches, step, rates })
      // The first step runs by itself: there is a loss to show, and a device that cannot do it says so at once.
      if (waiting.length >= atOnce || Number.isNaN(latest.loss)) await run()
      return latest
    },
    async logits(batch) {
      await run()
      forward ??= await createSession(encodeModel(buildBakedForward(tagger, state)), options)
      const { logits } = await forward.run(wordFeeds(batch))
      return logits!.data as Float32Array
    },
    async weights(names) {
      await run()
      return new Map(names.map((name) => [name, state.get(name)!.data as Float32Array]))
    },
    async state() {
      await run()
      return new Map([...state].map(([name, { dims, data }]) => [name, { shape: dims, data: data as Float32Array }]))
    },
    async restore(saved) {
      await run()
      for (const [name, { data }] of state) {
        const stored = saved.get(name)
        if (stored) (data as Float32Array).set(stored.data)
      }
      await forward?.release()
      forward = undefined
    },
    async release() {
      for (const { session } of await loops.all()) await session.release()
      await forward?.release()
    },
  })
}

/** @throws NerError `training/not-finite`, or `training/overflow` of fp16, naming the step */
function summary(steps: readonly Waiting[], results: Readonly<Record<string, Tensor>>): StepResult {
  const losses = results[stepOutputs.loss]!.data as Float32Array
  const norms = results[normOutput]!.data as Float32Array
  const scales = results[scaleOutput]?.data as Float32Array | undefined
  let iteration = 0
  let sum = 0
  for (const { batches, step } of steps) {
    const loss = losses.subarray(iteration, iteration + batches.length).reduce((a, b) => a + b, 0)
    iteration += batches.length
    if (scales) requireScale(scales[iteration - 1]!, step)
    else if (!Number.isFinite(loss)) throw notFinite('loss', step)
    else if (!Number.isFinite(norms[iteration - 1])) throw notFinite('gradient', step)
    sum += loss
  }
  return { loss: sum / steps.length, gradientNorm: norms.at(-1)! }
}
