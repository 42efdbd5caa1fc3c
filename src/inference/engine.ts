import { NerError } from '../errors.js'
import type { Batch } from '../features/batch.js'
import type { Tensor } from '../graph/types.js'
import { createSession, type Session, type SessionOptions } from '../runtime/session.js'

/**
 * Most pieces in a batch, padding included. Enough for the matrix products to be efficient; with more, what a layer
 * leaves for the next no longer stays in the cache.
 */
export const batchPieces = 512

/** What runs a model's graph on batches: in this thread, or elsewhere. */
export interface Engine {
  /**
   * The logits of a batch's words, [sentences, words, labels]; those of padding mean nothing.
   *
   * @throws NerError `model/other-graph` where the graph has another number of labels, `model/not-finite` where a score is
   *   no number, `runtime/failed`, `runtime/out-of-memory`
   */
  run(batch: Batch): Promise<Float32Array>
  close(): Promise<void>
}

/**
 * Loads a served graph (`input_ids`, `attention_mask` … to `logits` of pieces), from its file or its bytes.
 *
 * @throws NerError `runtime/failed`, `runtime/no-device`; `usage/bad-option` for a graph that decodes by itself
 */
export async function loadEngine(
  onnx: Uint8Array | string,
  labels: number,
  options: SessionOptions = {},
): Promise<Engine> {
  const session = await createSession(onnx, options)
  const where = typeof onnx === 'string' ? { where: onnx } : {}
  if (session.inputs.includes('word_index')) {
    await session.release()
    throw new NerError('usage/bad-option', 'The graph decodes by itself: it asks for word_index and word_mask, too.', {
      ...where,
      mend: 'It is for programs that do not decode. Here, name its folder, or another graph in there.',
    })
  }
  return {
    async run(batch) {
      const { logits } = await session.run(pieceFeeds(session, batch))
      const width = logits!.dims.at(-1)
      if (width !== labels) {
        throw new NerError('model/other-graph', `The graph has ${width} labels, and ner.json has ${labels}.`, {
          ...where,
          mend: 'Graph and ner.json are of two models. Copy the whole folder again, or export it again.',
        })
      }
      const emissions = gatherRows(logits!.data as Float32Array, batch.wordIndex, labels)
      if (!emissions.every(Number.isFinite)) {
        throw new NerError('model/not-finite', 'The model gives scores that are no numbers.', {
          ...where,
          mend: 'Its weights are damaged, or have diverged in training: train, quantize or export it again.',
        })
      }
      return emissions
    },
    close: () => session.release(),
  }
}

/** What a served graph takes of a batch. */
export function pieceFeeds(
  { inputs }: Session,
  { sizes, inputIds, attentionMask }: Pick<Batch, 'sizes' | 'inputIds' | 'attentionMask'>,
): Record<string, Tensor> {
  const dims = [sizes.batch, sizes.sequence]
  const int64 = (data: BigInt64Array): Tensor => ({ dtype: 'int64', dims, data })
  return {
    input_ids: int64(inputIds),
    attention_mask: int64(attentionMask),
    ...(inputs.includes('token_type_ids') && { token_type_ids: int64(new BigInt64Array(inputIds.length)) }),
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
