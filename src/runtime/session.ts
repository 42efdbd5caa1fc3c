import './telemetry.js'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { NerError } from '../errors.js'
import type { Tensor } from '../graph/types.js'
import { threadCount } from '../threads.js'
import { cardOf, providerOf, type Device } from './devices.js'

export interface SessionOptions {
  readonly device?: Device
  /** Threads within an operator; 0 takes one for each core. */
  readonly threads?: number
  /** Where the engine writes a trace of every node, for profiling. */
  readonly profile?: string
}

/** A graph that is ready to run. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Runs the graph. Arrays are passed without a copy: those of `into` (by output name) are written in place, other
   * outputs come in arrays of the engine's own.
   */
  run(feeds: Readonly<Record<string, Tensor>>, into?: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  release(): Promise<void>
}

/**
 * Loads an ONNX file's bytes or path.
 *
 * @throws NerError `runtime/no-device` where the device is not there, `runtime/failed` where the engine refuses the graph,
 * `runtime/out-of-memory` here or in a run
 */
export async function createSession(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const session = await openEngine(model, options, {
    ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
  })
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, into = {}) {
      const fetches = Object.fromEntries(
        session.outputNames.map((name) => [name, into[name] ? toEngine(into[name]) : null]),
      )
      const results = await session.run(mapValues(feeds, toEngine), fetches).catch((cause: unknown) => {
        throw engineFailed(cause)
      })
      return mapValues(results, fromEngine)
    },
    async release() {
      if (options.profile) session.endProfiling()
      await session.release()
    },
  }
}

const tunedForCpu = {
  // Denormals slow every kernel down, and mean nothing at training's precision.
  session: { set_denormal_as_zero: '1' },
  // A matrix that is transposed by itself and then multiplied takes less time than both in one; a GPU's products transpose
  // at no cost.
  optimization: { disable_specified_optimizers: 'GemmTransposeFusion' },
}

/** Loads a graph with the settings that every session has. @throws NerError as `createSession`, `config/bad-value` */
export async function openEngine(
  model: Uint8Array | string,
  { device = 'cpu', threads }: SessionOptions,
  more: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [providerOf(device) === 'cuda' ? { name: 'cuda', deviceId: cardOf(device) } : device],
    intraOpNumThreads: threadCount(threads),
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(device === 'cpu' && { extra: tunedForCpu }),
    ...more,
  }
  return InferenceSession.create(model as string, settings).catch((cause: unknown) => {
    const { message } = cause as Error
    if (device !== 'cpu' && absent.test(message)) throw noDevice(device, message, cause)
    if (exhausted.test(message)) throw engineFailed(cause)
    throw new NerError('runtime/failed', `The engine refuses the graph: ${message}`, { cause })
  })
}

/** How ONNX Runtime's arena, CUDA and Vulkan say that memory is at an end. */
const exhausted = /out.?of.?(device.?|host.?)?memory|failed to allocate|bad.?alloc/i

/** What a run's failure is to the user: `runtime/out-of-memory`, or `runtime/failed`. */
export function engineFailed(cause: unknown): NerError {
  const { message } = cause as Error
  if (/requires f16/.test(message))
    return new NerError('runtime/failed', 'This GPU has no arithmetic of fp16 (the feature shader-f16).', {
      mend: 'Set training.precision to fp32.',
      cause,
    })
  return exhausted.test(message)
    ? new NerError('runtime/out-of-memory', `The device has too little memory: ${message}`, {
        mend: 'Use smaller batches or shorter texts.',
        cause,
      })
    : new NerError('runtime/failed', `The engine failed: ${message}`, { cause })
}

/** How Dawn and ONNX Runtime say that there is no such device, or no library for it. */
const absent = /adapter|shared library|not available/i

function noDevice(device: Device, message: string, cause: unknown): NerError {
  return new NerError('runtime/no-device', `There is no ${device} device here: ${message.trim()}`, {
    mend: 'ner doctor says what is missing. Or give `device` cpu.',
    cause,
  })
}

export function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}

/** What the engine calls a type; bfloat16 it does not take from us. */
export function toEngine({ dtype, data, dims }: Tensor): OrtTensor {
  if (dtype === 'bfloat16') throw new NerError('runtime/failed', 'bfloat16 tensors cannot be passed to the engine')
  return new OrtTensor(dtype as 'float32', data as Float32Array, dims)
}

function fromEngine({ type, dims, data }: OrtTensor): Tensor {
  return { dtype: type as Tensor['dtype'], dims, data: data as Tensor['data'] }
}
