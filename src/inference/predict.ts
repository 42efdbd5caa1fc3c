import type { Document, Span } from '../data/document.js'
import { decodeSpans, decodingOf } from './decode.js'
import { type DeviceOptions, openModel } from './tag.js'

/** A found entity, as Hugging Face's token-classification pipeline names its parts. */
export interface Entity {
  /** The type, e.g. `PER`. */
  readonly entity_group: string
  /** From 0 to 1: the mean, over the entity's words, of the probability of the word's tag. */
  readonly score: number
  /** `text.slice(start, end)` */
  readonly word: string
  /** UTF-16 code units, half open. */
  readonly start: number
  readonly end: number
}

/** A model ready to find entities. */
export interface Predictor {
  /** The entities of each text, in order, none overlapping. A text of any length; nothing is truncated. */
  predict(texts: readonly string[], signal?: AbortSignal): Promise<Entity[][]>
  /** The same as spans, of documents that may have words and sentences of their own. */
  predictDocuments(documents: readonly Document[], signal?: AbortSignal): Promise<Span[][]>
  close(): Promise<void>
}

/**
 * Loads a model folder, or one of its graphs (`FOLDER/onnx/NAME.onnx`), to predict with. A CRF decodes each sentence's
 * best sequence of tags, with the marginal probabilities of its tags; without one, each word has its likeliest tag, by
 * softmax, and tags that break the scheme are no entity, as in strict scoring.
 *
 * @throws NerError `model/*` for a folder that is incomplete or damaged, `runtime/*` where the engine cannot run it
 */
export async function loadPredictor(modelDir: string, options: DeviceOptions = {}): Promise<Predictor> {
  const loaded = await openModel(modelDir, options)
  const decoding = decodingOf(loaded.model)
  const find = async (documents: readonly Document[], signal?: AbortSignal) => {
    const tagged = await loaded.tag(documents, signal)
    return tagged.documents.map(({ document, emissions }) => decodeSpans(document, emissions, decoding))
  }
  return {
    async predict(texts, signal) {
      const found = await find(
        texts.map((text, i) => ({ id: String(i), text, layers: {} })),
        signal,
      )
      return found.map((spans, i) =>
        spans.map(({ label, score, start, end }) => ({
          entity_group: label,
          score,
          word: texts[i]!.slice(start, end),
          start,
          end,
        })),
      )
    },
    predictDocuments: find,
    close: () => loaded.close(),
  }
}
