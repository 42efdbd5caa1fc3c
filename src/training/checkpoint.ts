import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NerError } from '../errors.js'
import { unwritable } from '../io/write.js'
import type { StoredTensor } from '../models/safetensors.js'
import type { LogEntry } from './log.js'
import type { Position } from './loop.js'
import { readSealed, writeSealed } from './sealed.js'

/** Where a run is between two steps, and what came before. */
export interface Progress extends Position {
  readonly log: readonly LogEntry[]
  /** Milliseconds of training so far, over all the processes that took part. */
  readonly elapsed: number
}

export interface Checkpoint {
  readonly progress: Progress
  /** Weights and moments by name; the best weights under `best.` where they are not the current ones. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** What the run is of: two runs with the same go the same way. */
  readonly fingerprint: Readonly<Record<string, string>>
}

const fileOf = (output: string, name: string) => join(output, 'checkpoint', `${name}.safetensors`)

/** The checkpoint before, of the same name. */
const beforeOf = (name: string) => `${name}.before`

/** Replaces the output folder's checkpoint of a name. The one before it is kept, and stays whole whatever happens. */
export function saveCheckpoint(output: string, { progress, tensors, fingerprint }: Checkpoint, name: string): void {
  const path = fileOf(output, name)
  try {
    if (existsSync(path)) renameSync(path, fileOf(output, beforeOf(name)))
  } catch (error) {
    throw unwritable(path, error)
  }
  writeSealed(path, tensors, { progress: JSON.stringify(progress), fingerprint: JSON.stringify(fingerprint) })
}

/**
 * The output folder's checkpoint of a name, if it has one; the one before it where the last was never finished.
 *
 * @throws NerError `training/corrupt-checkpoint`; `training/different-run` naming what differs
 */
export function loadCheckpoint(
  output: string,
  fingerprint: Checkpoint['fingerprint'],
  name: string,
): Checkpoint | undefined {
  const [path, before] = [fileOf(output, name), fileOf(output, beforeOf(name))]
  if (!existsSync(path) && !existsSync(before)) return undefined
  const saved = existsSync(path) ? readState(path, before) : readState(before)
  const stored = saved.fingerprint
  const key = Object.keys({ ...stored, ...fingerprint }).find((name) => stored[name] !== fingerprint[name])
  if (key !== undefined) {
    throw new NerError('training/different-run', `The run in this folder has another ${key}.`, {
      where: `${output}: ${stored[key] ?? 'none'} there, ${fingerprint[key] ?? 'none'} now`,
      mend: 'Resume with the configuration and data it was started with, or name another folder with `out`.',
    })
  }
  return saved
}

function readState(path: string, before?: string): Checkpoint {
  try {
    return parseState(path)
  } catch (cause) {
    throw new NerError('training/corrupt-checkpoint', 'The checkpoint is damaged.', {
      where: path,
      mend: `${offered(before)}Or start the run again without \`resume\`, in another folder or after removing this one.`,
      cause,
    })
  }
}

function parseState(path: string): Checkpoint {
  const { tensors, metadata } = readSealed(path)
  return {
    progress: JSON.parse(metadata['progress']!) as Progress,
    fingerprint: JSON.parse(metadata['fingerprint']!) as Checkpoint['fingerprint'],
    tensors,
  }
}

/** What to do where the checkpoint before a damaged one is whole. */
function offered(before: string | undefined): string {
  if (before === undefined || !existsSync(before)) return ''
  try {
    const { step } = parseState(before).progress
    return `The one before it, of step ${step}, is whole: remove the damaged file, and \`resume\` goes on from there. `
  } catch {
    return ''
  }
}

/** Removes one of them, where it is there. */
export function dropCheckpoint(output: string, name: string): void {
  for (const one of [name, beforeOf(name)]) rmSync(fileOf(output, one), { force: true })
}

/** A finished run keeps its model, not its state. */
export function removeCheckpoint(output: string): void {
  rmSync(join(output, 'checkpoint'), { recursive: true, force: true })
}
