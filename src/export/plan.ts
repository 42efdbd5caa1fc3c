import { join } from 'node:path'
import { failedGates, quantizationOf, quantizedGraph } from '../compress/quantize/save.js'
import { NerError } from '../errors.js'
import { hashFile } from '../io/hash.js'
import type { Graph } from '../graph/graph.js'
import { readModelFile } from '../graph/onnx/file.js'
import { nodesWithin } from '../graph/onnx/opsets.js'
import { halve } from '../graph/rewrite/half.js'
import { loadModel, type ModelFolder } from '../artifacts/model.js'
import { exportGraph, viterbiGraph } from './onnx.js'
import type { Tolerance } from './verify.js'

export const targets = ['onnx', 'tensorrt', 'transformers.js', 'all'] as const
export type Target = (typeof targets)[number]

export type Precision = 'float32' | 'float16' | 'int8'

/** A file to write, and what it is held to. */
export interface PlannedFile {
  /** In the exported folder. */
  readonly path: string
  readonly precision: Precision
  readonly graph: Graph
  /** The folder that the file must agree with, and how closely. */
  readonly source: ModelFolder
  readonly tolerance: Tolerance
  /** Whether the file decodes by itself. */
  readonly decodes: boolean
  /** Whether it is meant for TensorRT. */
  readonly tensorRt: boolean
}

export interface PlanOptions {
  readonly target: Target
  readonly fp16: boolean
  readonly viterbi: boolean
  /** A folder of `ner quantize`, made from this model. */
  readonly int8?: string | undefined
}

/**
 * Float32 has to give the same entities and, up to the order of sums, the same logits. Halves keep 11 bits: of entities
 * that are a coin's toss, some fall the other way.
 */
const tolerances: Readonly<Record<Precision, Tolerance>> = {
  float32: { logits: 1e-4, entities: 0 },
  float16: { logits: 0.1, entities: 0.005 },
  // Its loss was measured and gated by ner quantize; here it is held to the file that was.
  int8: { logits: 1e-4, entities: 0 },
}

/**
 * The files of an export. Names under `onnx/` are those that transformers.js looks for; what its loaders could not use
 * has a name or a folder that they do not look for.
 *
 * @throws NerError `usage/bad-option` where an option does not fit the model, `model/*`, `graph/*`
 */
export async function planFiles(model: ModelFolder, options: PlanOptions): Promise<PlannedFile[]> {
  const { target, fp16, viterbi } = options
  if (quantizationOf(model) !== undefined) {
    if (fp16 || viterbi || options.int8 !== undefined) {
      throw new NerError('usage/bad-option', 'The model is quantized: it has no float weights to export.', {
        where: model.folder,
        mend: 'Export the model that it was made from, with `int8` for this folder.',
      })
    }
    return int8Files(model, target, true)
  }
  const file = (path: string, precision: Precision, graph: Graph, decodes = false): PlannedFile => ({
    path,
    precision,
    graph,
    source: model,
    tolerance: tolerances[precision],
    decodes,
    tensorRt: target === 'tensorrt' || target === 'all',
  })
  const float = exportGraph(model)
  return [
    file('onnx/model.onnx', 'float32', float),
    ...(fp16 ? [file('onnx/model_fp16.onnx', 'float16', halve(float).graph)] : []),
    ...(viterbi ? [file('onnx/model_viterbi.onnx', 'float32', decodingGraph(model, target), true)] : []),
    ...(options.int8 === undefined ? [] : int8Files(await loadInt8(model, options.int8), target, false)),
  ]
}

function decodingGraph(model: ModelFolder, target: Target): Graph {
  if (model.chain === undefined) {
    throw new NerError('usage/bad-option', '`viterbi` decodes a CRF, and this model has none.', {
      where: model.folder,
      mend: 'Export without `viterbi`: the argmax of the logits is the model’s own decoding.',
    })
  }
  if (target === 'transformers.js') {
    throw new NerError(
      'usage/bad-option',
      'transformers.js has no use for `viterbi`: its pipeline reads logits alone.',
      {
        mend: 'Give `target` onnx, tensorrt or all.',
      },
    )
  }
  return viterbiGraph(model, model.chain)
}

async function loadInt8(model: ModelFolder, folder: string): Promise<ModelFolder> {
  const int8 = await loadModel(folder)
  const quantization = quantizationOf(int8) as { source?: { sha256?: string } } | undefined
  if (quantization === undefined) {
    throw new NerError('usage/bad-option', '`int8` takes a folder of ner quantize.', {
      where: folder,
      mend: `Make one with ner quantize ${model.folder}, and name that.`,
    })
  }
  // Tokenizer, windows and CRF are shipped once, for all graphs.
  if (quantization.source?.sha256 === hashFile(join(model.folder, 'model.safetensors'))) return int8
  throw new NerError('usage/bad-option', 'The int8 folder was made of another model.', {
    where: folder,
    mend: `Quantize ${model.folder}, or export the model that the folder was made of.`,
  })
}

/** `isServed`: it is the graph that the exported `ner.json` names, and without it nothing could load the folder. */
function int8Files(source: ModelFolder, target: Target, isServed: boolean): PlannedFile[] {
  requireGates(source)
  const graph = readModelFile(source.onnx)
  const isDynamic = nodesWithin(graph).some(({ op }) => op === 'MatMulInteger')
  const file = (path: string, tensorRt: boolean): PlannedFile => ({
    path,
    precision: 'int8',
    graph,
    source,
    tolerance: tolerances.int8,
    decodes: false,
    tensorRt,
  })
  return [
    ...(isServed || target !== 'tensorrt' ? [file(quantizedGraph, false)] : []),
    // Of a dynamic graph, what TensorRT cannot take of it is said only to those who ask for TensorRT alone.
    ...(target === 'tensorrt' || (target === 'all' && !isDynamic) ? [file('tensorrt/model_qdq.onnx', true)] : []),
  ]
}

function requireGates({ folder }: ModelFolder): void {
  const failures = failedGates(folder)
  if (failures.length === 0) return
  throw new NerError('usage/bad-option', `The int8 model failed its gates: ${failures.join(' ')}`, {
    where: join(folder, 'run.json'),
    mend: 'Quantize again with `method` auto, which leaves the costliest layers in float, or with a larger `max-f1-drop`.',
  })
}
