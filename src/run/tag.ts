import type { Document } from '../data/document.js'
import { buildExamples } from '../features/examples.js'
import type { SegmentedDocument } from '../features/segment.js'
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

/** A model folder with its graph loaded. */
export interface LoadedModel {
  readonly model: ModelFolder
  tag(documents: readonly Document[]): Promise<TaggedDocument[]>
  release(): Promise<void>
}

/**
 * Loads a model folder and the graph that is served, `onnx/model.onnx` unless `ner.json` names another: what is evaluated
 * and predicted with is the file that is shipped.
 *
 * @throws NerError as `loadModel`; `runtime/failed`, `runtime/no-device`
 */
export async function openModel(folder: string, options: DeviceOptions = {}): Promise<LoadedModel> {
  const model = await loadModel(folder)
  const { tagger, tokenizer, ner } = model
  const labels = tagger.tags.length
  const graph = await openGraph(model.onnx, labels, options)

  return {
    model,
    async tag(documents) {
      const { documents: segmented, examples } = await buildExamples(documents, tokenizer, { task: 'predict', ...ner })
      const emissions = await documentEmissions(
        examples,
        segmented.map(({ tokens }) => tokens.length),
        (batch) => graph.run(batch),
        { tokens: batchPieces, labels, padId: tokenizer.pad },
      )
      return segmented.map((document, i) => ({ document, emissions: emissions[i]! }))
    },
    release: () => graph.release(),
  }
}
