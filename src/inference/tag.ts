import type { Document } from '../data/document.js'
import { buildExamples } from '../features/examples.js'
import type { SegmentedDocument } from '../data/segment.js'
import type { Emissions } from '../models/decode.js'
import { documentEmissions } from '../models/emissions.js'
import { loadModel, type ModelFolder } from '../models/folder.js'
import { batchPieces, openGraph } from '../models/serving.js'
import type { SessionOptions } from '../runtime/session.js'

export type DeviceOptions = Pick<SessionOptions, 'device' | 'threads'>

/** A document with its words and sentences, and the logits of its words, [words × labels]. */
export interface TaggedDocument {
  readonly document: SegmentedDocument
  readonly emissions: Emissions
}

/** Milliseconds, by stage. */
export interface StageTimes {
  /** Words to windows of pieces. */
  tokenizing: number
  /** Inside the engine alone. */
  engine: number
}

/** A model folder with its graph loaded. */
export interface LoadedModel {
  readonly model: ModelFolder
  /** What tagging has taken since the model was loaded. */
  readonly spent: Readonly<StageTimes>
  tag(documents: readonly Document[]): Promise<TaggedDocument[]>
  release(): Promise<void>
}

/**
 * Loads a model folder and the graph that is served, `onnx/model.onnx` unless `ner.json` names another, or the graph of a
 * folder that the path itself names: what is evaluated and predicted with is the file that is shipped.
 *
 * @throws NerError as `loadModel`; `runtime/failed`, `runtime/no-device`
 */
export async function openModel(path: string, options: DeviceOptions = {}): Promise<LoadedModel> {
  return serveModel(await loadModel(path), options)
}

/** As {@link openModel}, of a model whose folder is read already. */
export async function serveModel(model: ModelFolder, options: DeviceOptions = {}): Promise<LoadedModel> {
  const { tagger, tokenizer, ner } = model
  const labels = tagger.tags.length
  const graph = await openGraph(model.onnx, labels, options)
  const spent: StageTimes = { tokenizing: 0, engine: 0 }
  const timed = async <T>(stage: keyof StageTimes, work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const result = await work()
    spent[stage] += performance.now() - began
    return result
  }

  return {
    model,
    spent,
    async tag(documents) {
      const { documents: segmented, examples } = await timed('tokenizing', () =>
        buildExamples(documents, tokenizer, { task: 'predict', ...ner }),
      )
      const emissions = await documentEmissions(
        examples,
        segmented.map(({ tokens }) => tokens.length),
        (batch) => timed('engine', () => graph.run(batch)),
        { tokens: batchPieces, labels, padId: tokenizer.pad },
      )
      return segmented.map((document, i) => ({ document, emissions: emissions[i]! }))
    },
    release: () => graph.release(),
  }
}
