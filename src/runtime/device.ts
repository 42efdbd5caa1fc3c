import type { Tensor as OrtTensor } from 'onnxruntime-node'
import { Graph } from '../graph/graph.js'
import { encodeModel } from '../graph/onnx/encode.js'
import type { Tensor } from '../graph/types.js'
import { engineFailed, mapValues, openEngine, toEngine, type SessionOptions } from './session.js'

/** A tensor that lives on a device, from the run that made it until it is disposed of. */
export interface Resident {
  readonly dims: readonly number[]
  /** The engine's own handle. */
  readonly handle: OrtTensor
  dispose(): void
}

/** A graph whose outputs stay on the device. */
export interface DeviceGraph {
  run(feeds: Readonly<Record<string, Tensor | Resident>>): Promise<Record<string, Resident>>
  release(): Promise<void>
}

/** Where a training's state lives. On a CPU that is memory, and nothing is copied. */
export interface TensorDevice {
  /** @throws NerError `runtime/failed` too where a node of the graph would have to run on the CPU instead */
  load(graph: Uint8Array): Promise<DeviceGraph>
  /** Puts a tensor of float32 on the device. */
  upload(tensor: Tensor): Promise<Resident>
  /** Copies a tensor of float32 off the device. */
  read(tensor: Resident): Promise<Float32Array>
  release(): Promise<void>
}

/** A device by its provider. @throws NerError `runtime/no-device` at the first graph that is loaded on it */
export function openDevice(options: SessionOptions): TensorDevice {
  const onGpu = options.device === 'webgpu'
  const copies = new Map<string, Promise<DeviceGraph>>()

  async function load(graph: Uint8Array, location: 'device' | 'cpu'): Promise<DeviceGraph> {
    const session = await openEngine(graph, options, {
      ...(onGpu && {
        preferredOutputLocation: location === 'device' ? 'gpu-buffer' : 'cpu',
        // A node on the CPU would send its inputs and outputs to and fro in every run: better to be told.
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      }),
    })
    return {
      async run(feeds) {
        const engineFeeds = mapValues(feeds, (feed) => ('handle' in feed ? feed.handle : toEngine(feed)))
        const results = await session.run(engineFeeds).catch((cause: unknown) => {
          throw engineFailed(cause)
        })
        return mapValues(results, (handle) => ({ dims: handle.dims, handle, dispose: () => handle.dispose() }))
      },
      release: () => session.release(),
    }
  }

  /** The Node binding has no call for a copy of its own: a product with 1 is one, there and back. */
  async function copied(source: Tensor | Resident, location: 'device' | 'cpu'): Promise<Resident> {
    const rank = source.dims.length
    const key = `${location} ${rank}`
    if (!copies.has(key)) copies.set(key, load(copyOfRank(rank), location))
    const graph = await copies.get(key)!
    return (await graph.run({ source }))['copy']!
  }

  return {
    load: (graph) => load(graph, 'device'),
    upload: async (tensor) =>
      onGpu ? copied(tensor, 'device') : { dims: tensor.dims, handle: toEngine(tensor), dispose: () => undefined },
    read: async (tensor) => {
      const { handle } = onGpu ? await copied(tensor, 'cpu') : tensor
      return handle.data as Float32Array
    },
    async release() {
      for (const copy of copies.values()) await (await copy).release()
    },
  }
}

function copyOfRank(rank: number): Uint8Array {
  const g = new Graph('copy')
  const source = g.input(
    'source',
    'float32',
    Array.from({ length: rank }, (_, axis) => `axis${axis}`),
  )
  g.output('copy', g.mul(source, g.scalar(1)))
  return encodeModel(g)
}
