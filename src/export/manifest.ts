import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Metrics } from '../data/scoring.js'
import { hashFile } from '../io/hash.js'
import type { Graph } from '../graph/graph.js'
import type { Dim, DType } from '../graph/types.js'
import type { PlannedFile, Precision, Target } from './plan.js'
import type { EngineRecipe } from './profiles.js'
import type { Difference, Tolerance } from './verify.js'

/** `manifest.json`: what a CI job uploads beside the files, and checks them against. */
export interface Manifest {
  readonly target: Target
  readonly opset: number
  /** The model folder that everything was made of. */
  readonly source: { readonly name: string; readonly file: string; readonly sha256: string }
  readonly files: readonly StoredFile[]
  readonly graphs: readonly GraphEntry[]
  /** What the graphs were verified on. */
  readonly sample: { readonly file: string; readonly sha256: string; readonly sentences: number }
  /** Strict scores on that file, where it was given; `before` is the model that was exported. */
  readonly metrics?: { readonly before: Metrics; readonly after: Readonly<Record<string, Metrics>> }
  readonly tensorrt?: { readonly checked: string; readonly engines: readonly EngineRecipe[] }
  /** What the transformers.js that is installed made of the tokenizer: words that were compared, and those of other pieces. */
  readonly transformers_js?:
    { readonly version: string; readonly words: number; readonly differing: number } | undefined
  readonly versions: Readonly<Record<string, string>>
}

/** Any file of the export; paths are relative to it, with `/`. */
export interface StoredFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

export interface GraphEntry {
  readonly path: string
  readonly precision: Precision
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly verified: Difference & { readonly against: string; readonly tolerance: Tolerance }
}

interface Port {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly Dim[]
}

export function graphEntry({ path, precision, graph, tolerance }: PlannedFile, against: string, found: Difference) {
  return { path, precision, ...ports(graph), verified: { against, tolerance, ...found } }
}

function ports({ inputs, outputs }: Graph): Pick<GraphEntry, 'inputs' | 'outputs'> {
  return {
    inputs: inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    outputs: outputs.map(({ name, value: { dtype, shape } }) => ({ name, dtype, shape })),
  }
}

/** Files that are not what they were when they were written, each in a sentence. */
export function damagedFiles(folder: string, files: readonly StoredFile[]): string[] {
  return files.flatMap(({ path, bytes, sha256 }) => {
    if (!existsSync(join(folder, path))) return [`${path} is missing.`]
    const found = storedFile(folder, path)
    if (found.bytes !== bytes) return [`${path} has ${found.bytes} bytes, and ${bytes} when it was written.`]
    return found.sha256 === sha256 ? [] : [`${path} has other content than when it was written.`]
  })
}

export function storedFile(folder: string, path: string): StoredFile {
  return { path, bytes: statSync(join(folder, path)).size, sha256: hashFile(join(folder, path)) }
}
