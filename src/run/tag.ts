import type { Document } from '../data/document.js'
import type { Batch } from '../features/batch.js'
import { buildExamples } from '../features/examples.js'
import type { SegmentedDocument } from '../features/segment.js'
import type { Tensor } from '../graph/types.js'
import type { Emissions } from '../models/decode.js'
import { documentEmissions } from '../models/emissions.js'
import { loadModel, type ModelFolder } from '../models/folder.js'
import { createSession, type SessionOptions } from '../runtime/session.js'

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
 * Most pieces in a batch, padding included. Enough for the matrix products to be efficient; with more, what a layer
 * leaves for the next no longer stays in the cache.
 */
const batchPieces = 512

/**
 * Loads a model folder and the graph that is served, `onnx/model.onnx`: what is evaluated and predicted with is the file
 * that is shipped.
 *
 * @throws NerError as `loadModel`; `runtime/failed`, `runtime/no-device`
 */
export async function openModel(folder: string, options: DeviceOptions = {}): Promise<LoadedModel> {
  const model = await loadModel(folder)
  const { tagger, tokenizer, ner } = model
  const labels = tagger.tags.length
  const session = await createSession(model.onnx, options)
  const tokenTypes = session.inputs.includes('token_type_ids') ? zeros() : undefined

  const run = async ({ sizes, inputIds, attentionMask, wordIndex }: Batch): Promise<Float32Array> => {
    const dims = [sizes.batch, sizes.sequence]
    const int64 = (data: BigInt64Array): Tensor => ({ dtype: 'int64', dims, data })
    const { logits } = await session.run({
      input_ids: int64(inputIds),
      attention_mask: int64(attentionMask),
      ...(tokenTypes && { token_type_ids: int64(tokenTypes(inputIds.length)) }),
    })
    return gatherRows(logits!.data as Float32Array, wordIndex, labels)
  }

  return {
    model,
    async tag(documents) {
      const { documents: segmented, examples } = await buildExamples(documents, tokenizer, { task: 'predict', ...ner })
      const emissions = await documentEmissions(
        examples,
        segmented.map(({ tokens }) => tokens.length),
        run,
        { tokens: batchPieces, labels, padId: tokenizer.pad },
      )
      return segmented.map((document, i) => ({ document, emissions: emissions[i]! }))
    },
    release: () => session.release(),
  }
}

/** The rows of a matrix, `width` wide, that the words are read off: [words × width]. */
function gatherRows(matrix: Float32Array, rows: BigInt64Array, width: number): Float32Array {
  const gathered = new Float32Array(rows.length * width)
  for (let i = 0; i < rows.length; i++) {
    const from = Number(rows[i]) * width
    for (let k = 0; k < width; k++) gathered[i * width + k] = matrix[from + k]!
  }
  return gathered
}

/** Zeros of any length, all views of one array. */
function zeros(): (length: number) => BigInt64Array {
  let array = new BigInt64Array(batchPieces)
  return (length) => {
    if (length > array.length) array = new BigInt64Array(length)
    return array.subarray(0, length)
  }
}
