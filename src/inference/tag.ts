import { dirname, resolve } from 'node:path'
import type { Document } from '../data/document.js'
import type { SegmentedDocument } from '../data/segment.js'
import { loadModel, type ModelFolder } from '../artifacts/model.js'
import { readFolder } from '../io/replace.js'
import type { SessionOptions } from '../runtime/session.js'
import type { Emissions } from './decode.js'
import { documentEmissions } from './emissions.js'
import { batchPieces, loadEngine } from './engine.js'
import { prepare } from './prepare.js'

export type DeviceOptions = Pick<SessionOptions, 'device' | 'threads'>

/** A document with its words and sentences, and the logits of its words, [words × labels]. */
export interface TaggedDocument {
  readonly document: SegmentedDocument
  readonly emissions: Emissions
}

/** Milliseconds, by stage. */
export interface StageTimes {
  /** Words to windows of pieces. */
  readonly tokenizing: number
  /** Inside the engine alone. */
  readonly engine: number
}

export interface Tagged {
  readonly documents: readonly TaggedDocument[]
  /** What this call took. */
  readonly times: StageTimes
}

/** A model folder with its graph loaded. */
export interface LoadedModel {
  readonly model: ModelFolder
  /** @throws NerError as `Engine.run`; the signal's reason where it is aborted */
  tag(documents: readonly Document[], signal?: AbortSignal): Promise<Tagged>
  close(): Promise<void>
}

/**
 * Loads a model folder and the graph that is served, `onnx/model.onnx` unless `ner.json` names another, or the graph of a
 * folder that the path itself names: what is evaluated and predicted with is the file that is shipped. Where an export
 * replaces the folder meanwhile, what is loaded is all of the old or all of the new one.
 *
 * @throws NerError as `loadModel`; `runtime/failed`, `runtime/no-device`
 */
export async function openModel(path: string, options: DeviceOptions = {}): Promise<LoadedModel> {
  const folder = path.endsWith('.onnx') ? dirname(dirname(resolve(path))) : path
  const open = async () => serveModel(await loadModel(path), options)
  return readFolder(folder, open, (opened) => opened.close())
}

/** As {@link openModel}, of a model whose folder is read already. */
export async function serveModel(model: ModelFolder, options: DeviceOptions = {}): Promise<LoadedModel> {
  const labels = model.tagger.tags.length
  const batching = { tokens: batchPieces, labels, padId: model.tokenizer.pad }
  const engine = await loadEngine(model.onnx, labels, options)
  return {
    model,
    async tag(documents, signal) {
      const began = performance.now()
      const prepared = await prepare(documents, model)
      const tokenizing = performance.now() - began
      let inEngine = 0
      const emissions = await documentEmissions(
        prepared.examples,
        prepared.documents.map(({ tokens }) => tokens.length),
        async (batch) => {
          const started = performance.now()
          const result = await engine.run(batch)
          inEngine += performance.now() - started
          return result
        },
        batching,
        signal,
      )
      return {
        documents: prepared.documents.map((document, i) => ({ document, emissions: emissions[i]! })),
        times: { tokenizing, engine: inEngine },
      }
    },
    close: () => engine.close(),
  }
}
