import type { Document, Span } from '../data/document.js'
import { spansFromTags } from '../data/schemes.js'
import { confidence, decodeArgmax, decodeChain, type Decoded, type Emissions } from '../models/decode.js'
import type { ModelFolder } from '../models/folder.js'
import { type DeviceOptions, openModel, type TaggedDocument } from './tag.js'

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
  predict(texts: readonly string[]): Promise<Entity[][]>
  /** The same as spans, of documents that may have words and sentences of their own. */
  predictDocuments(documents: readonly Document[]): Promise<Span[][]>
  release(): Promise<void>
}

/**
 * Loads a model folder, or one of its graphs (`FOLDER/onnx/NAME.onnx`), to predict with. A CRF decodes each sentence's best sequence of tags, with the marginal
 * probabilities of its tags; without one, each word has its likeliest tag, by softmax, and tags that break the scheme
 * are no entity, as in strict scoring.
 *
 * @throws NerError `model/*` for a folder that is incomplete or damaged, `runtime/*` where the engine cannot run it
 */
export async function loadPredictor(modelDir: string, options: DeviceOptions = {}): Promise<Predictor> {
  const loaded = await openModel(modelDir, options)
  const spansOf = spanDecoder(loaded.model)
  return {
    async predict(texts) {
      const tagged = await loaded.tag(texts.map((text, i) => ({ id: String(i), text, layers: {} })))
      return tagged.map((document) =>
        spansOf(document).map(({ label, score, start, end }) => ({
          entity_group: label,
          score,
          word: document.document.text.slice(start, end),
          start,
          end,
        })),
      )
    },
    predictDocuments: async (documents) => (await loaded.tag(documents)).map(spansOf),
    release: () => loaded.release(),
  }
}

type ScoredSpan = Span & { readonly score: number }

/** What turns the emissions of a model's words into entities. */
export function spanDecoder({ tagger: { tags }, ner: { scheme }, chain }: ModelFolder) {
  const labels = tags.length
  const decode = (sentence: Emissions): Decoded =>
    chain ? decodeChain(sentence, chain) : decodeArgmax(sentence, labels)
  return ({ document: { tokens, sentences }, emissions }: TaggedDocument): ScoredSpan[] =>
    sentences.flatMap((sentence) => {
      const { tags: path, probabilities } = decode(emissions.subarray(sentence.start * labels, sentence.end * labels))
      const named = Array.from(path, (tag) => tags[tag]!)
      return spansFromTags(named, scheme).map((span) => ({
        start: tokens[sentence.start + span.start]!.start,
        end: tokens[sentence.start + span.end - 1]!.end,
        label: span.label,
        score: confidence(span, probabilities),
      }))
    })
}
