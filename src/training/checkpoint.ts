import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NerError } from '../errors.js'
import { readMetadata, readSafetensors, writeSafetensors, type StoredTensor } from '../models/safetensors.js'
import type { LogEntry } from './log.js'
import type { Position } from './loop.js'

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

/** Replaces the output folder's checkpoint of a name; until the new one is whole, the old one stays. */
export function saveCheckpoint(output: string, { progress, tensors, fingerprint }: Checkpoint, name: string): void {
  writeSafetensors(fileOf(output, name), tensors, {
    progress: JSON.stringify(progress),
    fingerprint: JSON.stringify(fingerprint),
  })
}

/**
 * The output folder's checkpoint of a name, if it has one.
 *
 * @throws NerError `training/corrupt-checkpoint`; `training/different-run` naming what differs
 */
export function loadCheckpoint(
  output: string,
  fingerprint: Checkpoint['fingerprint'],
  name: string,
): Checkpoint | undefined {
  const path = fileOf(output, name)
  if (!existsSync(path)) return undefined
  const { progress, stored, tensors } = readState(path)
  const key = Object.keys({ ...stored, ...fingerprint }).find((name) => stored[name] !== fingerprint[name])
  if (key !== undefined) {
    throw new NerError('training/different-run', `The run in this folder has another ${key}.`, {
      where: `${output}: ${stored[key] ?? 'none'} there, ${fingerprint[key] ?? 'none'} now`,
      mend: 'Resume with the configuration and data it was started with, or name another folder with `out`.',
    })
  }
  return { progress, tensors, fingerprint }
}

function readState(path: string) {
  try {
    const metadata = readMetadata(path)
    return {
      progress: JSON.parse(metadata['progress']!) as Progress,
      stored: JSON.parse(metadata['fingerprint']!) as Checkpoint['fingerprint'],
      tensors: readSafetensors(path),
    }
  } catch (cause) {
    throw new NerError('training/corrupt-checkpoint', 'The checkpoint is damaged.', {
      where: path,
      mend: 'Start the run again without `resume`, in another folder or after removing this one.',
      cause,
    })
  }
}

/** Removes one of them, where it is there. */
export function dropCheckpoint(output: string, name: string): void {
  rmSync(fileOf(output, name), { force: true })
}

/** A finished run keeps its model, not its state. */
export function removeCheckpoint(output: string): void {
  rmSync(join(output, 'checkpoint'), { recursive: true, force: true })
}
