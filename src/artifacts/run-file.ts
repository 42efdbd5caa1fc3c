import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { NerError } from '../errors.js'
import { readJson } from '../models/folder.js'
import { writeJson } from './json.js'
import type { Lineage, Quantization } from './lineage.js'

const runFile = z.looseObject({
  /** A folder with `run.json` in it holds a run that came to its end. */
  finished: z.boolean().default(false),
  /** Of a distillation. */
  teachers: z.array(z.looseObject({ sha256: z.string() })).optional(),
  /** Of a quantization: what it was held to, and each gate that failed in a sentence. */
  gates: z.looseObject({ failures: z.array(z.string()).default([]) }).optional(),
})

/** What later commands read of a `run.json`. */
export type RunFile = Readonly<z.output<typeof runFile>>

/** `run.json` of a training or a distillation. */
export interface TrainingRunFile extends Lineage {
  readonly device: string
  readonly parameters: number
  readonly steps: number
  readonly best: { readonly f1: number; readonly step: number } | null
  /** As `all_results.json` has them. */
  readonly metrics: Readonly<Record<string, unknown>>
  readonly seconds: number
}

/** `run.json` of a quantization. */
export interface QuantizationRunFile extends Quantization {
  readonly device: string
  readonly bytes: { readonly before: number; readonly after: number }
  readonly gates: {
    readonly max_f1_drop: number
    readonly per_type_max_drop: number
    readonly failures: readonly string[]
  }
  readonly seconds: number
}

const name = 'run.json'

/** Writes `run.json`, the last file of a run: with it the run is finished. @throws NerError `file/*` */
export function writeRunFile(folder: string, run: TrainingRunFile | QuantizationRunFile): void {
  writeJson(join(folder, name), { finished: true, ...run })
}

/** A folder's `run.json`, where it has one. @throws NerError `training/corrupt-checkpoint` */
export function readRunFile(folder: string): RunFile | undefined {
  if (!existsSync(join(folder, name))) return undefined
  try {
    return runFile.parse(readJson(folder, name))
  } catch (cause) {
    throw new NerError(
      'training/corrupt-checkpoint',
      'run.json is damaged, so whether the run is finished is unknown.',
      {
        where: join(folder, name),
        mend: 'Remove the file to go on from the checkpoint, or name another folder with `out`.',
        cause,
      },
    )
  }
}

/** The run.json of a folder whose run has come to its end. @throws NerError `training/corrupt-checkpoint` */
export function finishedRun(folder: string): RunFile | undefined {
  const run = readRunFile(folder)
  return run?.finished === true ? run : undefined
}
