import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NerError } from '../errors.js'
import { readMetadata, readSafetensors, writeSafetensors, type StoredTensor } from '../models/safetensors.js'

/** Where a run stands between two steps. */
export interface Progress {
  /** Optimizer steps done. */
  readonly step: number
  readonly epoch: number
  /** Steps done of the epoch. */
  readonly stepInEpoch: number
  readonly best: { readonly f1: number; readonly step: number } | undefined
  /** Evaluations since the best. */
  readonly stale: number
  /** Sum and number of the losses since the last evaluation. */
  readonly lossSum: number
  readonly lossCount: number
  readonly log: readonly LogEntry[]
  /** Milliseconds of training so far, over all the processes that took part. */
  readonly elapsed: number
}

/** A line of `train.log.jsonl`; of HF's Trainer's `log_history`. */
export interface LogEntry {
  readonly step: number
  readonly epoch: number
  readonly loss?: number
  readonly learning_rate?: number
  readonly grad_norm?: number
  readonly eval_overall_f1?: number
  readonly eval_overall_precision?: number
  readonly eval_overall_recall?: number
}

export interface Checkpoint {
  readonly progress: Progress
  /** Weights and moments by name; the best weights under `best.` where they are not the current ones. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** What the run is of: two runs with the same go the same way. */
  readonly fingerprint: Readonly<Record<string, string>>
}

const fileOf = (output: string) => join(output, 'checkpoint', 'state.safetensors')

/** Replaces the output folder's checkpoint; until the new one is whole, the old one stays. */
export function saveCheckpoint(output: string, { progress, tensors, fingerprint }: Checkpoint): void {
  writeSafetensors(fileOf(output), tensors, {
    progress: JSON.stringify(progress),
    fingerprint: JSON.stringify(fingerprint),
  })
}

/**
 * The checkpoint of an output folder, if it has one.
 *
 * @throws NerError `training/corrupt-checkpoint`; `training/different-run` naming what differs
 */
export function loadCheckpoint(output: string, fingerprint: Checkpoint['fingerprint']): Checkpoint | undefined {
  const path = fileOf(output)
  if (!existsSync(path)) return undefined
  const { progress, stored, tensors } = readState(path)
  const key = Object.keys({ ...stored, ...fingerprint }).find((name) => stored[name] !== fingerprint[name])
  if (key !== undefined) {
    throw new NerError('training/different-run', `The run in this folder has another ${key}.`, {
      where: `${output}: ${stored[key] ?? 'none'} there, ${fingerprint[key] ?? 'none'} now`,
      mend: 'Resume with the configuration and data it was started with, or name another folder with --out.',
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
      mend: 'Start the run again without --resume, in another folder or after removing this one.',
      cause,
    })
  }
}

/** A finished run keeps its model, not its state. */
export function removeCheckpoint(output: string): void {
  rmSync(join(output, 'checkpoint'), { recursive: true, force: true })
}
