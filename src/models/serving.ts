import { NerError } from '../errors.js'
import type { Batch } from '../features/batch.js'
import { Graph } from '../graph/graph.js'
import type { Tensor } from '../graph/types.js'
import { createSession, type Session, type SessionOptions } from '../runtime/session.js'
import type { RunBatch } from './emissions.js'
import { parameterTensor, type ParameterData } from './parameters.js'
import { pieceLogits, taggerParameters, type Tagger } from './tagger.js'

/**
 * Most pieces in a batch, padding included. Enough for the matrix products to be efficient; with more, what a layer
 * leaves for the next no longer stays in the cache.
 */
export const batchPieces = 512

/** The forward pass with its weights baked in: `input_ids`, `attention_mask` (and `token_type_ids`) to `logits`. */
export function servingGraph(tagger: Tagger, weights: ParameterData): Graph {
  const g = new Graph('ner')
  const inputIds = g.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = g.input('attention_mask', 'int64', ['batch', 'sequence'])
  const inputs = tagger.encoder.takesTokenTypes
    ? { inputIds, attentionMask, tokenTypeIds: g.input('token_type_ids', 'int64', ['batch', 'sequence']) }
    : { inputIds, attentionMask }
  const values = new Map(
    taggerParameters(tagger)
      .filter(({ group }) => group !== 'crf')
      .map((parameter) => [
        parameter.name,
        g.initializer(parameter.name, parameterTensor(parameter, weights.get(parameter.name)!), parameter.purpose),
      ]),
  )
  g.output(
    'logits',
    pieceLogits(g, tagger, inputs, (name) => values.get(name)!),
  )
  return g
}

/** A served graph (`input_ids`, `attention_mask` … to `logits` of pieces), loaded. */
export interface ServedGraph {
  readonly run: RunBatch
  release(): Promise<void>
}

/**
 * Loads a served graph, from its file or its bytes.
 *
 * @throws NerError `runtime/failed`, `runtime/no-device`; `usage/bad-option` for a graph that decodes by itself
 */
export async function openGraph(
  onnx: Uint8Array | string,
  labels: number,
  options: SessionOptions = {},
): Promise<ServedGraph> {
  const session = await createSession(onnx, options)
  if (session.inputs.includes('word_index')) {
    await session.release()
    throw new NerError('usage/bad-option', 'The graph decodes by itself: it asks for word_index and word_mask, too.', {
      ...(typeof onnx === 'string' && { where: onnx }),
      mend: 'It is for programs that do not decode. Here, name its folder, or another graph in there.',
    })
  }
  return {
    async run(batch) {
      const { logits } = await session.run(pieceFeeds(session, batch))
      return gatherRows(logits!.data as Float32Array, batch.wordIndex, labels)
    },
    release: () => session.release(),
  }
}

/** What a served graph takes of a batch. */
export function pieceFeeds({ inputs }: Session, { sizes, inputIds, attentionMask }: Batch): Record<string, Tensor> {
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
