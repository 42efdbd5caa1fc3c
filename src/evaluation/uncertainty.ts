import { diversify } from '../agreement/diversify.js'
import type { Document, Span } from '../data/document.js'
import { type SentenceProbabilities, sentenceProbabilities } from '../inference/probabilities.js'
import { type DeviceOptions, openModel } from '../inference/tag.js'

/** A sentence as a document of its own. */
export interface UncertainSentence {
  readonly document: Document
  /** The mean over its words of −ln p of the likeliest tag: 0 where the model is sure. */
  readonly uncertainty: number
}

/**
 * The sentences that a model is least sure of, the least sure first, none much like another: what to label next. The
 * measure is the length-normalised log-probability of Shen et al. 2018 (“Deep Active Learning for Named Entity
 * Recognition”), from each word's own probabilities.
 *
 * @throws NerError as `openModel`
 */
export async function leastSure(
  modelDir: string,
  documents: readonly Document[],
  count: number,
  device: DeviceOptions = {},
): Promise<UncertainSentence[]> {
  const loaded = await openModel(modelDir, device)
  try {
    const { tagger } = loaded.model
    const tagged = (await loaded.tag(documents)).documents
    const sentences = [...sentenceProbabilities(loaded.model, tagged)].map((sentence) => ({
      document: sentenceDocument(sentence),
      uncertainty: uncertaintyOf(sentence.probabilities, tagger.tags.length),
    }))
    const candidates = sentences.map(({ document: { text, tokens }, uncertainty }) => ({
      words: tokens!.map(({ start, end }) => text.slice(start, end)),
      worth: uncertainty,
    }))
    return diversify(candidates, count).map((index) => sentences[index]!)
  } finally {
    await loaded.close()
  }
}

/** Mean of −ln of each row's largest probability. */
export function uncertaintyOf(probabilities: Float64Array, width: number): number {
  let sum = 0
  for (let at = 0; at < probabilities.length; at += width) {
    sum -= Math.log(probabilities.subarray(at, at + width).reduce((a, b) => Math.max(a, b)))
  }
  return probabilities.length === 0 ? 0 : (sum * width) / probabilities.length
}

/** A document's only sentence keeps its id; of several, each has its number behind it. */
function sentenceDocument({ document, start, end }: SentenceProbabilities): Document {
  const { id, text, tokens, sentences, layers } = document
  const [from, to] = sentences.length === 1 ? [0, text.length] : [tokens[start]!.start, tokens[end - 1]!.end]
  const inside = <T extends { readonly start: number; readonly end: number }>(items: readonly T[]): T[] =>
    items
      .filter((item) => from <= item.start && item.end <= to)
      .map((item) => ({ ...item, start: item.start - from, end: item.end - from }))
  const own = Object.entries(layers).map(([name, spans]): [string, Span[]] => [name, inside(spans)])
  const place = sentences.findIndex((sentence) => sentence.start === start) + 1
  return {
    id: sentences.length === 1 ? id : `${id}#s${place}`,
    text: text.slice(from, to),
    tokens: inside(tokens),
    layers: Object.fromEntries(own),
  }
}
