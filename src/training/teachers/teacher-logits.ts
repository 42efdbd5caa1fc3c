import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, Example, ExampleSentence } from '../../features/batch.js'
import { batches } from '../../features/batches.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import type { Tensor } from '../../graph/types.js'
import type { ParameterData } from '../../models/parameters.js'
import { batchPieces, loadEngine } from '../../inference/engine.js'
import { servingGraph } from '../../models/serving.js'
import type { Tagger } from '../../models/tagger.js'
import type { TrainEvent } from '../events.js'
import { readSealed, writeSealed } from '../sealed.js'

/** A model that another one, or the same in its next round, is to learn from. */
export interface Asked {
  readonly name: string
  readonly tagger: Tagger
  readonly weights: ParameterData
  /** Of the weights. */
  readonly hash: string
  readonly padId: number
}

/** What a teacher says of every word that is trained on. */
export interface CachedLogits {
  /** Those of a batch, [sentences, words, labels]; 0 on padding. */
  of(batch: Batch): Tensor
  /** Those of a sentence of the examples, [words, labels]; not to be written to. */
  sentence(sentence: ExampleSentence): Float32Array
}

export interface AskingOptions {
  /** The run's folder, which keeps a teacher's logits until it is finished, so that a resumed one need not ask again. */
  readonly output: string
  /** Which of the run's teachers this is. */
  readonly index: number
  readonly threads: number
  /** Aborted, the teacher is asked no more. */
  readonly signal: AbortSignal | undefined
}

/**
 * Runs a teacher on all examples, or reads what it said before the run was resumed. Gives undefined where it was
 * interrupted: then it is asked again from the start.
 *
 * @throws NerError `runtime/failed`, `file/*`
 */
export async function* teacherLogits(
  { name, tagger, weights, hash, padId }: Asked,
  examples: readonly Example[],
  { output, index, threads, signal }: AskingOptions,
): AsyncGenerator<TrainEvent, CachedLogits | undefined> {
  const file = join(output, 'checkpoint', `teacher-${index}.safetensors`)
  const labels = tagger.tags.length
  const places = new Map<ExampleSentence, number>()
  let words = 0
  for (const { sentences } of examples) {
    for (const sentence of sentences) {
      places.set(sentence, words)
      words += sentence.piece.length
    }
  }
  const of = { teacher: hash, examples: hashOf(examples) }
  const kept = readKept(file, of, words * labels)
  const all = kept ?? new Float32Array(words * labels)
  if (!kept) {
    const engine = await loadEngine(encodeModel(servingGraph(tagger, weights)), labels, { threads })
    try {
      let done = 0
      for (const batch of batches(examples, { tokens: batchPieces, labels, padId })) {
        if (signal?.aborted === true) return undefined
        const logits = await engine.run(batch)
        batch.rows.forEach((sentence, row) => {
          const from = row * batch.sizes.words * labels
          all.set(logits.subarray(from, from + sentence.piece.length * labels), places.get(sentence)! * labels)
        })
        done += batch.rows.length
        yield { kind: 'teaching', teacher: name, sentences: done, of: places.size }
      }
    } finally {
      await engine.close()
    }
    writeSealed(file, new Map([['logits', { shape: [words, labels], data: all }]]), of)
  }
  const ofSentence = (sentence: ExampleSentence) => {
    const from = places.get(sentence)! * labels
    return all.subarray(from, from + sentence.piece.length * labels)
  }
  return {
    sentence: ofSentence,
    of({ sizes, rows }) {
      const data = new Float32Array(sizes.sentences * sizes.words * labels)
      rows.forEach((sentence, row) => data.set(ofSentence(sentence), row * sizes.words * labels))
      return { dtype: 'float32', dims: [sizes.sentences, sizes.words, labels], data }
    },
  }
}

/** What logits are of, by hashes: those of another teacher, or of other text, are not read. */
type LogitsOf = Readonly<Record<'teacher' | 'examples', string>>

function readKept(file: string, { teacher, examples }: LogitsOf, size: number): Float32Array | undefined {
  if (!existsSync(file)) return undefined
  try {
    const { tensors, metadata } = readSealed(file)
    if (metadata['teacher'] !== teacher || metadata['examples'] !== examples) return undefined
    const logits = tensors.get('logits')?.data
    return logits?.length === size ? logits : undefined
  } catch {
    // Damaged: the teacher is asked again.
    return undefined
  }
}

/** Of what a teacher is shown, and of which words it is asked. */
function hashOf(examples: readonly Example[]): string {
  const hash = createHash('sha256')
  const add = (numbers: Int32Array) => hash.update(Int32Array.of(numbers.length)).update(numbers)
  for (const { windows, sentences } of examples) {
    hash.update(Int32Array.of(windows.length, sentences.length))
    for (const pieces of windows) add(pieces)
    for (const { window, piece } of sentences) add(window).update(piece)
  }
  return hash.digest('hex')
}
