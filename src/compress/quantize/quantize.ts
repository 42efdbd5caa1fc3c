import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { NerError } from '../../errors.js'
import { toMetrics, type Scores } from '../../data/scoring.js'
import { claimOutput, writeFileAtomically } from '../../files.js'
import type { Graph } from '../../graph/graph.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import { quantizeDynamic } from '../../graph/rewrite/dynamic.js'
import { quantizeTables } from '../../graph/rewrite/tables.js'
import { verify } from '../../graph/verify.js'
import { hashFile, loadModel, loadWeights, servingGraph, type ModelFolder } from '../../models/folder.js'
import { versions } from '../../runtime/versions.js'
import { cpus, detectCpu, type Cpu } from './cpu.js'
import { dropsBetween, overBudget, type Budget, type Drops } from './gates.js'
import { quantizableLayers } from './layers.js'
import { measure, readLabelled } from './measure.js'
import { quantizationOf, saveQuantized } from './save.js'

export type Method = 'dynamic'

export interface QuantizeOptions extends Budget {
  readonly method: Method
  /** The processor that the file is for; this one's kind where absent. */
  readonly cpu?: Cpu | undefined
  /** Also the table that pieces are looked up in. */
  readonly embeddings: boolean
  /** Labelled text to measure the loss on. */
  readonly dev?: string | undefined
  /** The folder to write; the model's name with `-int8` where absent. */
  readonly out?: string | undefined
  readonly threads: number
}

/** A quantized model, written. */
export interface Quantized {
  readonly output: string
  readonly method: Method
  readonly cpu: Cpu
  /** Layers in int8, and those that stayed in float. */
  readonly quantized: readonly string[]
  readonly float: readonly string[]
  /** Sizes of the graphs, in bytes. */
  readonly bytes: { readonly before: number; readonly after: number }
  /** On the dev file, where there is one. */
  readonly dev?: { readonly before: Scores; readonly after: Scores; readonly drops: Drops }
  /** The gates that failed, each in a sentence. */
  readonly failures: readonly string[]
}

/**
 * Writes a model folder whose linear layers run in int8. Yields what it is doing, a line each.
 *
 * @throws NerError `quantize/already` for a quantized model; `model/*` for a folder that is incomplete or damaged, `data/*`
 *   for bad data, `output/occupied`, `file/*`, `runtime/*`
 */
export async function* quantize(modelDir: string, options: QuantizeOptions): AsyncGenerator<string, Quantized> {
  const began = performance.now()
  const { method, cpu = detectCpu(), threads } = options
  const model = await loadModel(modelDir)
  refuseQuantized(model)
  const dev = options.dev === undefined ? undefined : await readLabelled(model, options.dev)
  const output = options.out ?? `${modelDir.replace(/\/+$/, '')}-int8`
  claimOutput(output)

  const float = servingGraph(model.tagger, loadWeights(model))
  const layers = quantizableLayers(float, model)
  yield `quantizing ${layers.length} layers`
  const chosen = new Set(layers)
  let graph: Graph = quantizeDynamic(float, { limit: cpus[cpu], includes: (layer) => chosen.has(layer) }).graph
  if (options.embeddings) graph = quantizeTables(graph, (table) => table === model.tagger.encoder.pieceTable).graph
  verify(graph)

  let scores: Quantized['dev']
  if (dev) {
    yield 'measuring in float'
    const before = await measure(float, model, dev, threads)
    yield 'measuring in int8'
    const after = await measure(graph, model, dev, threads)
    scores = { before: before.scores, after: after.scores, drops: dropsBetween(before.scores, after.scores) }
  }

  const onnx = encodeModel(graph)
  const description = {
    method,
    cpu,
    largest_weight: cpus[cpu],
    embeddings: options.embeddings ? 'int8' : 'float32',
    float_layers: layers.filter((layer) => !chosen.has(layer)),
    source: { name: basename(modelDir), sha256: hashFile(join(modelDir, 'model.safetensors')) },
    ...(dev && { dev: { file: dev.file, sha256: dev.sha256 } }),
    versions: versions(),
  }
  saveQuantized(output, model, onnx, description)
  const result: Quantized = {
    output,
    method,
    cpu,
    quantized: layers.filter((layer) => chosen.has(layer)),
    float: description.float_layers,
    bytes: { before: statSync(model.onnx).size, after: onnx.length },
    ...(scores && { dev: scores }),
    failures: scores ? overBudget(scores.drops, options) : [],
  }
  writeRun(output, description, result, options, (performance.now() - began) / 1000)
  return result
}

function refuseQuantized(model: ModelFolder): void {
  if (quantizationOf(model) === undefined) return
  throw new NerError('quantize/already', 'The model is quantized already.', {
    where: model.folder,
    mend: 'Quantize the model it was made from; ner.json names that one under lineage.quantization.source.',
  })
}

function writeRun(
  output: string,
  description: object,
  { bytes, dev, failures }: Quantized,
  { maxF1Drop, perTypeMaxDrop }: Budget,
  seconds: number,
): void {
  const run = {
    finished: true,
    ...description,
    device: 'cpu',
    bytes,
    metrics: dev && { before: toMetrics(dev.before), after: toMetrics(dev.after), drops: dev.drops },
    gates: { max_f1_drop: maxF1Drop, per_type_max_drop: perTypeMaxDrop, failures },
    seconds,
  }
  writeFileAtomically(join(output, 'run.json'), `${JSON.stringify(run, null, 2)}\n`)
}
