import type { Document, Sentence, Span } from '../data/document.js'
import { spansFromTags, type Scheme } from '../data/schemes.js'
import type { Batch } from '../features/batch.js'
import { batches } from '../features/batches.js'
import type { Tensor } from '../graph/types.js'
import { decodeSpans, decodingOf, type Emissions } from '../inference/decode.js'
import type { ModelFolder } from '../artifacts/model.js'
import { batchPieces, pieceFeeds } from '../inference/engine.js'
import { prepare } from '../inference/prepare.js'
import { serveModel, type DeviceOptions } from '../inference/tag.js'
import { createSession, type Session } from '../runtime/session.js'

/** What a graph says of documents. */
export interface Reading {
  /** Logits of every document's words, [words × labels]. */
  readonly emissions: readonly Emissions[]
  readonly entities: readonly (readonly Span[])[]
}

/** How far a file may be from the model it was made of. */
export interface Tolerance {
  /** Largest difference of a logit. */
  readonly logits: number
  /** Largest share of entities that only one of the two finds. */
  readonly entities: number
}

/** How far it is. */
export interface Difference {
  readonly maxLogitDifference: number
  readonly meanLogitDifference: number
  /** Entities of the source, and those that only one of the two finds. */
  readonly entities: number
  readonly differingEntities: number
}

/** Reads documents with a graph and our own decoding. */
export async function read(
  model: ModelFolder,
  documents: readonly Document[],
  device: DeviceOptions,
): Promise<Reading & { readonly documents: readonly Document[] }> {
  const loaded = await serveModel(model, device)
  try {
    const tagged = (await loaded.tag(documents)).documents
    const decoding = decodingOf(model)
    return {
      documents: tagged.map(({ document }) => document),
      emissions: tagged.map(({ emissions }) => emissions),
      entities: tagged.map(({ document, emissions }) => decodeSpans(document, emissions, decoding)),
    }
  } finally {
    await loaded.close()
  }
}

/** Reads documents with a graph that decodes by itself: entities are those of its output `tags`. */
export async function readDecoded(
  model: ModelFolder,
  documents: readonly Document[],
  device: DeviceOptions,
): Promise<Reading> {
  const { tagger, tokenizer, ner } = model
  const labels = tagger.tags.length
  const { documents: segmented, examples } = await prepare(documents, model)
  const emissions = segmented.map(({ tokens }) => new Float32Array(tokens.length * labels))
  const paths = segmented.map(({ tokens }) => new Int32Array(tokens.length))
  const session = await createSession(model.onnx, device)
  try {
    for (const batch of batches(examples, { tokens: batchPieces, labels, padId: tokenizer.pad })) {
      const { logits, tags } = await session.run(decodingFeeds(session, batch))
      const rows = logits!.data as Float32Array
      const path = tags!.data as BigInt64Array
      batch.rows.forEach(({ document, firstWord, piece }, sentence) => {
        for (let word = 0; word < piece.length; word++) {
          const at = sentence * batch.sizes.words + word
          const row = Number(batch.wordIndex[at]) * labels
          emissions[document]!.set(rows.subarray(row, row + labels), (firstWord + word) * labels)
          paths[document]![firstWord + word] = Number(path[at])
        }
      })
    }
  } finally {
    await session.release()
  }
  const entities = segmented.map(({ tokens, sentences }, i) =>
    sentences.flatMap((sentence) => entitiesOf(paths[i]!, sentence, tagger.tags, ner.scheme, tokens)),
  )
  return { emissions, entities }
}

function decodingFeeds(session: Session, batch: Batch): Record<string, Tensor> {
  const { sizes, wordIndex, lengths } = batch
  const dims = [sizes.sentences, sizes.words]
  const mask = wordIndex.map((_, i) => (BigInt(i % sizes.words) < lengths[Math.floor(i / sizes.words)]! ? 1n : 0n))
  return {
    ...pieceFeeds(session, batch),
    word_index: { dtype: 'int64', dims, data: wordIndex },
    word_mask: { dtype: 'int64', dims, data: mask },
  }
}

function entitiesOf(
  path: Int32Array,
  { start, end }: Sentence,
  tags: readonly string[],
  scheme: Scheme,
  tokens: readonly { readonly start: number; readonly end: number }[],
): Span[] {
  const named = Array.from(path.subarray(start, end), (tag) => tags[tag] ?? 'O')
  return spansFromTags(named, scheme).map((span) => ({
    start: tokens[start + span.start]!.start,
    end: tokens[start + span.end - 1]!.end,
    label: span.label,
  }))
}

/** How far a reading is from that of the source. */
export function difference(source: Reading, other: Reading): Difference {
  let max = 0
  let sum = 0
  let count = 0
  source.emissions.forEach((emissions, i) => {
    const others = other.emissions[i]!
    for (let k = 0; k < emissions.length; k++) {
      const apart = Math.abs(emissions[k]! - others[k]!)
      if (!(apart <= max)) max = Number.isNaN(apart) ? Infinity : apart
      sum += apart
    }
    count += emissions.length
  })
  const key = ({ start, end, label }: Span) => `${start} ${end} ${label}`
  let differing = 0
  source.entities.forEach((spans, i) => {
    const ours = new Set(spans.map(key))
    const theirs = new Set(other.entities[i]!.map(key))
    differing += [...ours].filter((it) => !theirs.has(it)).length + [...theirs].filter((it) => !ours.has(it)).length
  })
  return {
    maxLogitDifference: max,
    meanLogitDifference: count === 0 ? 0 : sum / count,
    entities: source.entities.reduce((total, spans) => total + spans.length, 0),
    differingEntities: differing,
  }
}

/** What a file misses its tolerance by, in one sentence; undefined where it keeps it. */
export function miss(found: Difference, { logits, entities }: Tolerance): string | undefined {
  if (!(found.maxLogitDifference <= logits)) {
    return `a logit differs by ${found.maxLogitDifference.toPrecision(3)}, and at most ${logits} is allowed`
  }
  if (found.differingEntities > entities * found.entities) {
    return `${found.differingEntities} entities differ, of ${found.entities}`
  }
  return undefined
}
