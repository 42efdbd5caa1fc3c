import type { Example } from '../features/batch.js'
import { batches, type BatchOptions } from '../features/batches.js'
import type { Emissions } from './decode.js'
import type { Engine } from './engine.js'

/**
 * The emissions of every sentence, put back in the documents' order: for each document those of its words, [words ×
 * labels]. `documentWords` has the number of words of each document. Throws the signal's reason where it is aborted.
 */
export async function documentEmissions(
  examples: readonly Example[],
  documentWords: readonly number[],
  run: Engine['run'],
  options: BatchOptions,
  signal?: AbortSignal,
): Promise<Emissions[]> {
  const { labels } = options
  const all = documentWords.map((words) => new Float32Array(words * labels))
  for (const batch of batches(examples, options)) {
    signal?.throwIfAborted()
    const logits = await run(batch)
    batch.rows.forEach(({ document, firstWord, piece }, row) => {
      const from = row * batch.sizes.words * labels
      all[document]!.set(logits.subarray(from, from + piece.length * labels), firstWord * labels)
    })
  }
  return all
}
