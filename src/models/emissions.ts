import type { Batch, Example } from '../features/batch.js'
import { batches, type BatchOptions } from '../features/batches.js'
import type { Emissions } from './decode.js'

/** Runs a model on a batch: logits of every word, [sentences, words, labels]. */
export type RunBatch = (batch: Batch) => Promise<Float32Array>

/**
 * The emissions of every sentence, put back in the documents' order: for each document those of its words, [words ×
 * labels]. `documentWords` has the number of words of each document.
 */
export async function documentEmissions(
  examples: readonly Example[],
  documentWords: readonly number[],
  run: RunBatch,
  options: BatchOptions,
): Promise<Emissions[]> {
  const { labels } = options
  const all = documentWords.map((words) => new Float32Array(words * labels))
  for (const batch of batches(examples, options)) {
    const logits = await run(batch)
    batch.rows.forEach(({ document, firstWord, piece }, row) => {
      const from = row * batch.sizes.words * labels
      all[document]!.set(logits.subarray(from, from + piece.length * labels), firstWord * labels)
    })
  }
  return all
}
