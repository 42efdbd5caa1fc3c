import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hubSettings } from '../hub/settings.js'
import { cardOf, providers, type Device } from '../runtime/devices.js'
import { probe, type Probe } from '../runtime/probe.js'
import { versions } from '../runtime/versions.js'
import type { Proof } from './proof.js'
import type { Job } from '../job.js'

/** What there is on this machine to run with. */
export interface Diagnosis {
  /** Of ner, Node, ONNX Runtime and the binding of tokenizers; that is undefined where it cannot be loaded. */
  readonly versions: Readonly<Record<'ner' | 'node' | 'onnxruntime', string>> & {
    readonly tokenizers: string | undefined
  }
  readonly processor: {
    readonly model: string
    readonly cores: number
    /** Which of the instructions that make a difference it has; undefined where the system does not say. */
    readonly instructions: Readonly<Record<Instruction, boolean>> | undefined
  }
  readonly hub: {
    readonly endpoint: string
    readonly offline: boolean
    readonly cache: string
    /** Models in the cache. */
    readonly models: number
    /** Where the token is from, never what it is. */
    readonly token: string | undefined
  }
  readonly devices: readonly DeviceDiagnosis[]
}

/** A device that is there, and what a few training steps on it have come to. */
export interface DeviceDiagnosis extends Probe {
  readonly proof?: Proof & {
    /** The largest relative difference of a step's loss from the CPU's. */
    readonly difference: number
  }
}

/** A device's losses may differ so much from the CPU's: its sums have another order. */
const tolerance = 1e-3

type Instruction = 'AVX2' | 'AVX-512' | 'VNNI'

/** As Linux names them in `/proc/cpuinfo`. */
const instructionFlags: Readonly<Record<Instruction, RegExp>> = {
  AVX2: /\bavx2\b/,
  'AVX-512': /\bavx512f\b/,
  VNNI: /\bavx(512)?_vnni\b/,
}

/**
 * Looks at the machine, and trains for a few steps on the CPU and on every other device that is there, each in a process of
 * its own; says what it is at. `device` is looked at beside the first of each kind.
 */
export async function* diagnose(device?: Device): Job<Diagnosis> {
  const devices: DeviceDiagnosis[] = []
  const wanted = device !== undefined && cardOf(device) > 0 ? [...providers, device] : providers
  for (const each of wanted) {
    yield `looking for ${each}`
    const found = await probe(each)
    if (found.usable) yield `training on ${each}`
    devices.push(found.usable ? await prove(found, devices[0]?.proof) : found)
  }
  const { endpoint, offline, token } = hubSettings()
  const { getHFHubCachePath } = await import('@huggingface/hub')
  const cache = getHFHubCachePath()
  return {
    versions: { ...versions(), tokenizers: await tokenizersVersion() },
    processor: processor(),
    hub: { endpoint, offline, cache, models: modelsIn(cache), token: token?.source },
    devices,
  }
}

/** `reference` is the CPU's proof, which the CPU itself has none of. */
async function prove(found: Probe, reference: Proof | undefined): Promise<DeviceDiagnosis> {
  const script = fileURLToPath(new URL('../../dist/doctor/proof-process.js', import.meta.url))
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, found.device], { timeout: 300_000 })
    const proof = JSON.parse(stdout) as Proof
    const difference = Math.max(
      ...proof.losses.map((loss, step) => Math.abs(loss / (reference ?? proof).losses[step]! - 1)),
    )
    const usable = difference < tolerance
    const reason = usable
      ? found.reason
      : `${found.reason}: its losses are not the CPU's, by ${difference.toExponential(1)}`
    return { ...found, usable, reason, proof: { ...proof, difference } }
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string }
    const said = (stderr ?? '').trim().split('\n').at(-1)
    return { ...found, usable: false, reason: `${found.reason}: training fails: ${said === '' ? message : said}` }
  }
}

function processor(): Diagnosis['processor'] {
  const all = cpus()
  let flags: string | undefined
  try {
    flags = /^(flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0]
  } catch {
    // Only Linux has it.
  }
  const has = (instruction: Instruction) => instructionFlags[instruction].test(flags!)
  return {
    model: all[0]?.model.trim() ?? process.arch,
    cores: all.length,
    instructions: flags === undefined ? undefined : { AVX2: has('AVX2'), 'AVX-512': has('AVX-512'), VNNI: has('VNNI') },
  }
}

async function tokenizersVersion(): Promise<string | undefined> {
  try {
    await import('tokenizers')
    const { version } = createRequire(import.meta.url)('tokenizers/package.json') as { version: string }
    return version
  } catch {
    return undefined
  }
}

function modelsIn(cache: string): number {
  try {
    return readdirSync(cache).filter((name) => name.startsWith('models--')).length
  } catch {
    return 0
  }
}
