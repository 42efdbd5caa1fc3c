import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, Example, ExampleSentence } from '../../features/batch.js'
import { batches } from '../../features/batches.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import type { Tensor } from '../../graph/types.js'
import { servingGraph } from '../../models/folder.js'
import { readMetadata, readSafetensors, writeSafetensors } from '../../models/safetensors.js'
import { batchPieces, openGraph } from '../../models/serving.js'
import type { Teacher } from './teachers.js'

/** What a teacher says of every word that is trained on. */
export interface CachedLogits {
  /** Those of a batch, [sentences, words, labels]; 0 on padding. */
  of(batch: Batch): Tensor
}

/** Where a run keeps a teacher's logits until it is finished, so that a resumed one need not ask again. */
export const logitsFile = (output: string, teacher: number) =>
  join(output, 'checkpoint', `teacher-${teacher}.safetensors`)

/**
 * Runs a teacher on all examples, or reads what it said from `file`. Yields how many sentences are done, to be shown.
 *
 * @throws NerError `runtime/failed`, `file/*`
 */
export async function* teacherLogits(
  { model, weights, hash }: Teacher,
  examples: readonly Example[],
  options: { readonly file: string; readonly threads: number },
): AsyncGenerator<number, CachedLogits> {
  const labels = model.tagger.tags.length
  const places = new Map<ExampleSentence, number>()
  let words = 0
  for (const { sentences } of examples) {
    for (const sentence of sentences) {
      places.set(sentence, words)
      words += sentence.piece.length
    }
  }
  const kept = readKept(options.file, hash, words * labels)
  const all = kept ?? new Float32Array(words * labels)
  if (!kept) {
    const graph = await openGraph(encodeModel(servingGraph(model.tagger, weights)), labels, options)
    try {
      let done = 0
      for (const batch of batches(examples, { tokens: batchPieces, labels, padId: model.tokenizer.pad })) {
        const logits = await graph.run(batch)
        batch.rows.forEach((sentence, row) => {
          const from = row * batch.sizes.words * labels
          all.set(logits.subarray(from, from + sentence.piece.length * labels), places.get(sentence)! * labels)
        })
        done += batch.rows.length
        yield done
      }
    } finally {
      await graph.release()
    }
    writeSafetensors(options.file, new Map([['logits', { shape: [words, labels], data: all }]]), { teacher: hash })
  }
  return {
    of({ sizes, rows }) {
      const data = new Float32Array(sizes.sentences * sizes.words * labels)
      rows.forEach((sentence, row) => {
        const from = places.get(sentence)! * labels
        data.set(all.subarray(from, from + sentence.piece.length * labels), row * sizes.words * labels)
      })
      return { dtype: 'float32', dims: [sizes.sentences, sizes.words, labels], data }
    },
  }
}

function readKept(file: string, hash: string, size: number): Float32Array | undefined {
  if (!existsSync(file) || readMetadata(file)['teacher'] !== hash) return undefined
  const logits = readSafetensors(file).get('logits')?.data
  return logits?.length === size ? logits : undefined
}
