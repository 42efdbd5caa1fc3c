import { encodeModel } from '../../graph/onnx/encode.js'
import type { Tensor } from '../../graph/types.js'
import type { Parameter, ParameterData } from '../../models/parameters.js'
import type { Tagger } from '../../models/tagger.js'
import { openDevice, type DeviceGraph, type Resident } from '../../runtime/device.js'
import type { DropoutSite } from '../dropout.js'
import { scalar, type Objective } from '../objective.js'
import { notFinite } from '../cpu/optimizer.js'
import { batchInputs, gradientOutput, stepOutputs } from '../step.js'
import type { StepResult, Trainer, TrainerOptions } from '../cpu/trainer.js'
import { bucketOf, cropped, indexFeeds, keyOf, padBatch } from './bucket.js'
import { cached } from './cached.js'
import { scheduleFeeds, touchedFeeds } from './feeds.js'
import { accumulatedInput, buildDeviceForward, buildGradients, deviceInputs } from './gradients.js'
import { createDeviceMasks } from './masks.js'
import { watchMemory } from './memory.js'
import { momentName, moments, nextOutput } from './names.js'
import { float32, int32, zeros } from './tensors.js'
import { firstScaling, requireScale, scaling } from './scaling.js'
import { buildUpdate } from './update.js'

export interface DeviceTrainerOptions extends TrainerOptions {
  /** Steps between two looks at the loss, each of which makes the host wait for the device. */
  readonly stepsBetweenReads?: number
}

/**
 * The trainer of a device with memory of its own. Parameters, their moments and gradients stay there from the first step
 * to the last; what goes to it in a step is the batch, and what comes back, every tenth step, the mean loss and the norm
 * of the gradient.
 */
// eslint-disable-next-line max-lines-per-function -- its short functions share the state on the device
export async function createDeviceTrainer(
  tagger: Tagger,
  objective: Objective,
  initial: ParameterData,
  options: DeviceTrainerOptions,
): Promise<Trainer> {
  const { stepsBetweenReads = 10 } = options
  const { parameters } = objective
  const { pieceTable } = tagger.encoder
  const table = parameters.find(({ name }) => name === pieceTable)!
  const [vocabulary, width] = table.shape as [number, number]
  const device = openDevice(options)
  const masks = createDeviceMasks(device, options.seed)
  const withinMemory = watchMemory()
  const gradientGraphs = cached<{ graph: DeviceGraph; sites: readonly DropoutSite[] }>()
  const updateGraphs = cached<DeviceGraph>()
  const forwardGraphs = cached<DeviceGraph>()

  let state = new Map<string, Resident>()
  let gradients = new Map<string, Resident>()
  let gradientRows = 0
  let lossSum = await device.upload(scalar(0))
  let summed = 0
  let latest: StepResult = { loss: Number.NaN, gradientNorm: Number.NaN }

  const put = async (name: string, tensor: Tensor) => {
    state.get(name)?.dispose()
    state.set(name, await device.upload(tensor))
  }
  for (const { name, shape } of parameters) {
    await put(name, float32(shape, initial.get(name)!))
    for (const moment of moments) await put(momentName(moment, name), zeros(shape))
  }
  const scaled = options.precision === 'fp16'
  if (scaled) for (const [name, tensor] of firstScaling()) await put(name, tensor)

  /** Room for the gradients of so many rows of the piece table; what is in it is never read. */
  async function makeRoom(rows: number): Promise<void> {
    if (rows === gradientRows) return
    for (const { name, shape } of parameters) {
      if (name !== pieceTable && gradientRows > 0) continue
      const gradient = gradientOutput(name)
      gradients.get(gradient)?.dispose()
      gradients.set(gradient, await device.upload(zeros(name === pieceTable ? [rows, width] : shape)))
    }
    gradientRows = rows
  }

  async function readLoss(step: number): Promise<number> {
    const [sum] = await device.read(lossSum)
    const loss = sum! / Math.max(1, summed)
    if (!Number.isFinite(loss)) throw notFinite('loss', step)
    if (scaled) requireScale((await device.read(state.get(scaling.scale)!))[0]!, step)
    lossSum.dispose()
    lossSum = await device.upload(scalar(0))
    summed = 0
    return loss
  }

  return {
    async step(batches, step, rates) {
      const touched = touchedFeeds(batches, vocabulary)
      const { rows } = touched
      await makeRoom(rows)
      const padded = batches.map((batch) => padBatch(batch, bucketOf(batch.sizes)))
      const feeds = objective.feeds(padded)
      for (const [part, batch] of padded.entries()) {
        const sizes = batch.sizes
        const { graph, sites } = await gradientGraphs(`${keyOf(sizes)} ${rows}`, async () => {
          const built = buildGradients(tagger, objective, sizes, rows, options)
          return { graph: await device.load(encodeModel(built.graph)), sites: built.dropoutSites }
        })
        const feed = {
          ...weightsOf(parameters, state),
          ...(scaled && { [scaling.scale]: state.get(scaling.scale)! }),
          ...beforeOf(gradients),
          ...indexFeeds(batch),
          ...feeds[part]!,
          ...(await masks.feeds(sites, step, part)),
          ...touched.list,
          ...touched.places(batch),
          [deviceInputs.keep]: scalar(part === 0 ? 0 : 1),
          [deviceInputs.lossSum]: lossSum,
        }
        const results = await withinMemory(sizes, () => graph.run(feed))
        const { [stepOutputs.loss]: loss, ...next } = results
        lossSum.dispose()
        lossSum = loss!
        gradients = replaced(gradients, next)
      }
      summed += 1

      const update = await updateGraphs(String(rows), async () =>
        device.load(encodeModel(buildUpdate(parameters, pieceTable, rows, options, { scaled }))),
      )
      const { norm, ...next } = await update.run({
        ...Object.fromEntries(state),
        ...Object.fromEntries(gradients),
        ...touched.list,
        ...touched.update,
        ...scheduleFeeds(parameters, rates, options, step),
      })
      state = replaced(state, Object.fromEntries([...state.keys()].map((name) => [name, next[nextOutput(name)]!])))
      if (summed >= stepsBetweenReads || Number.isNaN(latest.loss)) {
        latest = { loss: await readLoss(step), gradientNorm: (await device.read(norm!))[0]! }
      }
      norm!.dispose()
      return latest
    },
    async logits(batch) {
      const padded = padBatch(batch, bucketOf(batch.sizes))
      const { sizes } = padded
      const graph = await forwardGraphs(keyOf(sizes), async () =>
        device.load(encodeModel(buildDeviceForward(tagger, parameters, sizes))),
      )
      const { logits } = await graph.run({
        ...weightsOf(parameters, state),
        ...indexFeeds(padded),
        [batchInputs.inputIds]: int32([sizes.batch, sizes.sequence], Array.from(padded.inputIds, Number)),
      })
      const values = await device.read(logits!)
      logits!.dispose()
      return cropped(values, sizes, batch.sizes, tagger.tags.length)
    },
    async weights(names) {
      const read = new Map<string, Float32Array>()
      for (const name of names) read.set(name, await device.read(state.get(name)!))
      return read
    },
    async state() {
      if (summed > 0) latest = { ...latest, loss: await readLoss(-1) }
      const read = new Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>()
      for (const [name, tensor] of state) read.set(name, { shape: tensor.dims, data: await device.read(tensor) })
      return read
    },
    async restore(saved) {
      for (const [name, { dims }] of state) {
        const stored = saved.get(name)
        if (stored) await put(name, float32(dims, stored.data))
      }
    },
    async release() {
      for (const { graph } of await gradientGraphs.all()) await graph.release()
      for (const graph of [...(await updateGraphs.all()), ...(await forwardGraphs.all())]) await graph.release()
      for (const tensor of [...state.values(), ...gradients.values(), lossSum]) tensor.dispose()
      masks.release()
      await device.release()
    },
  }
}

function weightsOf(parameters: readonly Parameter[], state: ReadonlyMap<string, Resident>) {
  return Object.fromEntries(parameters.map(({ name }) => [name, state.get(name)!]))
}

function beforeOf(gradients: ReadonlyMap<string, Resident>) {
  return Object.fromEntries([...gradients].map(([name, tensor]) => [accumulatedInput(name), tensor]))
}

/** What a run gave in place of what was there, which is let go. */
function replaced(before: ReadonlyMap<string, Resident>, next: Readonly<Record<string, Resident>>) {
  for (const tensor of before.values()) tensor.dispose()
  return new Map(Object.entries(next))
}
