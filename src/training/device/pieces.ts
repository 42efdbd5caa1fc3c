import type { Batch } from '../../features/batch.js'

/** The distinct pieces of a step, in the order they come, and how to write a padded batch as places among them. */
export function touchedPieces(batches: readonly Batch[]) {
  const placeOf = new Map<number, number>()
  for (const { inputIds, attentionMask } of batches)
    inputIds.forEach((id, i) => {
      if (attentionMask[i] === 1n && !placeOf.has(Number(id))) placeOf.set(Number(id), placeOf.size)
    })
  return {
    touched: [...placeOf.keys()],
    // Padding reads any row: it is nobody's context, so its gradient is 0.
    places: ({ inputIds, attentionMask }: Batch) =>
      Int32Array.from(inputIds, (id, i) => (attentionMask[i] === 1n ? placeOf.get(Number(id))! : 0)),
  }
}

/** Fills a list of distinct pieces up to `rows` with others, each once: what is put back of them is what was there. */
export function filledUp(touched: readonly number[], rows: number): Int32Array {
  const filled = new Int32Array(rows)
  filled.set(touched)
  const known = new Set(touched)
  for (let at = touched.length, other = 0; at < rows; other++) if (!known.has(other)) filled[at++] = other
  return filled
}
