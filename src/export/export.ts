import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Metrics } from '../data/scoring.js'
import { NerError } from '../errors.js'
import { writeFileAtomically } from '../io/write.js'
import { writeModelFile } from '../graph/onnx/file.js'
import { newestOpset, requireOpset } from '../graph/onnx/opsets.js'
import { countNodes, print } from '../graph/print.js'
import { verify } from '../graph/verify.js'
import { loadModel, nerFileOf, type ModelFolder } from '../artifacts/model.js'
import { boundFiles, nerFileName, rebindNerFile, writeNerFile } from '../artifacts/ner-file.js'
import type { DeviceOptions } from '../inference/tag.js'
import { gapWarning } from '../training/outcome/warnings.js'
import { versions } from '../runtime/versions.js'
import { damagedFiles, graphEntry, storedFile, type GraphEntry, type Manifest, type StoredFile } from './manifest.js'
import { planFiles, type PlannedFile, type PlanOptions } from './plan.js'
import { engineRecipe, type EngineRecipe } from './profiles.js'
import { readSample, type Sample } from './sample.js'
import { manifestFile, openStage, readManifest } from './stage.js'
import { requireTensorRt, tensorRtSource } from './tensorrt.js'
import { checkTokenizer, shippedModel } from './tokenizer.js'
import { difference, miss, read, readDecoded, type Reading } from './verify.js'
import type { Job } from '../job.js'

export interface ExportOptions extends PlanOptions, DeviceOptions {
  readonly opset?: number | undefined
  /** Labelled text to verify on and to score; without it the sample that comes along, which is not scored. */
  readonly data?: string | undefined
  /** The folder to write; the model's own where absent. */
  readonly out?: string | undefined
}

export interface Exported {
  readonly folder: string
  readonly manifest: Manifest
  /** Files that are not what they should be, each in a sentence; with any, nothing was written. */
  readonly misses: readonly string[]
  /** What is not to be overlooked, a sentence or two each. */
  readonly warnings: readonly string[]
}

/**
 * Writes a model's graphs for other tools to run. Each is verified against the model before any of them is there: its
 * logits within a tolerance, its entities on a sample. Yields what it is doing.
 *
 * The folder is complete by itself: transformers.js, Python and this toolkit load it as it is.
 *
 * @throws NerError `usage/bad-option`, `model/*`, `graph/old-opset`, `graph/corrupt`, `graph/external-data`,
 *   `export/not-tensorrt`, `export/not-transformers-js`, `data/*`, `output/occupied`, `file/*`
 */
export async function* exportModel(modelDir: string, options: ExportOptions): Job<Exported> {
  const { opset = newestOpset, out = modelDir, target } = options
  const model = await loadModel(modelDir)
  const sample = await readSample(model, options.data)
  const planned = await planFiles(model, options)
  for (const { graph, path, tensorRt } of planned) {
    verify(graph)
    requireOpset(graph, opset)
    if (tensorRt) requireTensorRt(graph, path)
  }

  const inPlace = resolve(out) === resolve(model.folder)
  const shipped = shippedModel(model, target, inPlace)
  const stage = openStage(out, inPlace ? filesOf(model) : undefined)
  try {
    const files: string[] = []
    const verified: VerifiedFile[] = []
    const sources = readOnce(sample, options)
    for (const file of planned) {
      yield `writing ${file.path}`
      const names = writeModelFile(join(stage.folder, file.path), file.graph, { opset })
      files.push(...names.map((name) => join(dirname(file.path), name)))
      yield `verifying ${file.path}`
      verified.push(await verifyFile(file, stage.folder, await sources(file.source), sample, options))
    }
    const isLarge = files.some((path) => path.endsWith('_data'))
    if (!inPlace || isLarge) files.push(...copyModel(shipped, stage.folder, files))
    if (boundFiles(model.folder)) {
      rebindNerFile(model.folder, stage.folder, inPlace)
      if (!files.includes(nerFileName)) files.push(nerFileName)
    }
    const engines = planned
      .filter(({ tensorRt }) => tensorRt)
      .map(({ graph, path }) => engineRecipe(graph, path, model.ner.window))
    if (engines.length > 0) files.push(...writeEngines(stage.folder, engines))

    const tokenizer = await checkTokenizer(model, inPlace ? out : stage.folder, sample.documents, target)

    const before = sample.score?.(await sources(model))
    const manifest: Manifest = {
      target,
      opset,
      source: sourceOf(model),
      files: files.map((path) => storedFile(stage.folder, path)),
      graphs: verified.map(({ entry }) => entry),
      sample: sample.facts,
      ...(before && {
        metrics: { before, after: Object.fromEntries(verified.map(({ entry, scores }) => [entry.path, scores!])) },
      }),
      ...(engines.length > 0 && { tensorrt: { checked: tensorRtSource, engines } }),
      ...(tokenizer.loaded && { transformers_js: tokenizer.loaded }),
      versions: versions(),
    }
    const misses = [
      ...verified.flatMap(({ reason }) => reason ?? []),
      ...tokenizer.misses,
      ...damagedFiles(stage.folder, manifest.files),
    ]
    if (misses.length === 0) {
      writeFileAtomically(join(stage.folder, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`)
      stage.publish(files)
    }
    const { scores } = model.ner.lineage
    return { folder: out, manifest, misses, warnings: scores ? gapWarning(scores.f1, scores.argmax_f1) : [] }
  } finally {
    stage.close()
  }
}

/**
 * The graphs that an export of these options would write, as text: nothing is run or written.
 *
 * @throws NerError as {@link exportModel}
 */
export async function printModel(modelDir: string, options: PlanOptions): Promise<string> {
  const planned = await planFiles(await loadModel(modelDir), options)
  return planned.map(({ path, graph }) => `# ${path}, ${countNodes(graph)}\n${print(graph)}`).join('\n')
}

/**
 * What of an exported folder is not what its manifest says, or of a model folder not what its ner.json does, each in a
 * sentence.
 *
 * @throws NerError `model/missing-file` for a folder that has neither
 */
export function verifyExport(folder: string): string[] {
  const files = readManifest(folder) ?? boundTo(folder)
  if (files) return damagedFiles(folder, files)
  throw new NerError(
    'model/missing-file',
    `The folder has no ${manifestFile} of an export, nor a ner.json that names files.`,
    {
      where: folder,
      mend: 'Name a folder that ner export, train, distill or quantize wrote.',
    },
  )
}

function boundTo(folder: string): StoredFile[] | undefined {
  const files = boundFiles(folder)
  return files && Object.entries(files).map(([path, file]) => ({ path, ...file }))
}

/** Reads the sample once with every model folder that files are compared with. */
function readOnce(sample: Sample, device: DeviceOptions): (source: ModelFolder) => Promise<Reading> {
  const readings = new Map<ModelFolder, Promise<Reading>>()
  return (source) => {
    const reading = readings.get(source) ?? read(source, sample.documents, device)
    readings.set(source, reading)
    return reading
  }
}

interface VerifiedFile {
  readonly entry: GraphEntry
  readonly scores: Metrics | undefined
  readonly reason: string | undefined
}

async function verifyFile(
  file: PlannedFile,
  folder: string,
  source: Reading,
  sample: Sample,
  device: DeviceOptions,
): Promise<VerifiedFile> {
  const staged = { ...file.source, onnx: join(folder, file.path) }
  const reading = await (file.decodes ? readDecoded : read)(staged, sample.documents, device)
  const found = difference(source, reading)
  const reason = miss(found, file.tolerance)
  return {
    entry: graphEntry(file, basename(file.source.onnx), found),
    scores: sample.score?.(reading),
    reason: reason && `${file.path} is not the model that it was made of: ${reason}.`,
  }
}

/** What says of a model what it is. */
const descriptions = ['config.json', 'ner.json', 'README.md']

/** The files of a model that an export in its folder may have written too. */
const filesOf = ({ folder, tokenizer, onnx }: ModelFolder) => [
  ...descriptions,
  ...Object.keys(tokenizer.files),
  relative(folder, onnx),
]

/** What a loader needs beside the graphs. */
function copyModel(model: ModelFolder, to: string, graphs: readonly string[]): string[] {
  const { folder, tokenizer } = model
  const copied = descriptions.filter((name) => existsSync(join(folder, name)) || name === 'ner.json')
  for (const name of copied) {
    // A classifier of others has none.
    if (name === 'ner.json' && !existsSync(join(folder, name))) writeNerFile(to, { ...nerFileOf(model), lineage: {} })
    else writeFileAtomically(join(to, name), readFileSync(join(folder, name)))
  }
  for (const [name, content] of Object.entries(tokenizer.files)) writeFileAtomically(join(to, name), content)
  const external = graphs.filter((path) => path.endsWith('_data')).map((path) => basename(path, '_data'))
  if (external.length > 0) declareExternalData(join(to, 'config.json'), external)
  return [...copied, ...Object.keys(tokenizer.files)]
}

/** transformers.js fetches a graph's external data only where config.json says that there is some. */
function declareExternalData(path: string, graphs: readonly string[]): void {
  const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  const declared = { use_external_data_format: Object.fromEntries(graphs.map((name) => [name, true])) }
  writeFileAtomically(path, `${JSON.stringify({ ...config, 'transformers.js_config': declared }, null, 2)}\n`)
}

/** The shapes and commands that build TensorRT's engines, for machines and for people. */
function writeEngines(folder: string, engines: readonly EngineRecipe[]): string[] {
  const profiles = 'tensorrt/profiles.json'
  const script = 'tensorrt/trtexec.sh'
  writeFileAtomically(join(folder, profiles), `${JSON.stringify({ checked: tensorRtSource, engines }, null, 2)}\n`)
  const lines = ['#!/bin/sh', '# Builds the engines of this export, on the GPU that will run them.', 'set -e']
  const commands = ['cd "$(dirname "$0")/.."', ...engines.map(({ command }) => command)]
  writeFileAtomically(join(folder, script), `${[...lines, ...commands].join('\n')}\n`)
  return [profiles, script]
}

/** The weights that everything was made of. */
function sourceOf({ folder, onnx }: ModelFolder): Manifest['source'] {
  const weights = join(folder, 'model.safetensors')
  const { path, sha256 } = storedFile(folder, existsSync(weights) ? 'model.safetensors' : join('onnx', basename(onnx)))
  return { name: basename(resolve(folder)), file: path, sha256 }
}
