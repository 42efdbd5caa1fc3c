import { suggestLabels } from '../agreement/confident.js'
import { type Disagreement, findDisagreements } from '../agreement/disagreements.js'
import { labelUnits, typeOfCode } from '../agreement/labels.js'
import { type SharedCorpus, tidied } from '../agreement/match.js'
import { goldLayer } from '../data/document.js'
import { readDocuments } from '../data/read.js'
import { tagLabel } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { checkTypes } from '../data/labelled.js'
import { decodeSpans, decodingOf } from '../inference/decode.js'
import { sentenceProbabilities } from '../inference/probabilities.js'
import { type DeviceOptions, openModel } from '../inference/tag.js'

/** A word that confident learning doubts. `O` is outside all types. */
export interface DoubtedWord {
  /** Offsets into the document's text. */
  readonly start: number
  readonly end: number
  readonly given: string
  readonly suggested: string
  /** What the model gives the label as it stands. */
  readonly probability: number
}

/** A stretch where the model reads other spans than there are, with a doubted word in it. */
export interface Doubt {
  readonly disagreement: Disagreement
  /** At least one. */
  readonly words: readonly DoubtedWord[]
  /** The least probability of its words: the lower, the likelier an error. */
  readonly probability: number
}

export interface DoubtedCorpus {
  /** The labels as they are, `given`, and the model's, `model`, laid over each other. */
  readonly corpus: SharedCorpus
  /** The likeliest errors first. */
  readonly doubts: readonly Doubt[]
  readonly words: number
}

/**
 * Likely errors in labels, by a model that was not trained on them: confident learning over words and their types, put
 * together where spans differ.
 *
 * @throws NerError `model/in-sample` where the model was trained on this file; `data/*`, `model/*`, `file/*`, `runtime/*`
 */
export async function doubtLabels(modelDir: string, path: string, device: DeviceOptions = {}): Promise<DoubtedCorpus> {
  const loaded = await openModel(modelDir, device)
  try {
    const { tagger, ner } = loaded.model
    const { documents, hash } = await readDocuments(path)
    if (ner.lineage.data?.train?.sha256 === hash) throw inSample(modelDir, path)
    const classOf = tagger.tags.map((tag) => tagLabel(tag) ?? outside)
    const types = [...new Set(classOf)].filter((type) => type !== outside).sort()
    checkTypes(documents, goldLayer, new Set(types), path)

    const tagged = (await loaded.tag(documents)).documents
    const decoding = decodingOf(loaded.model)
    const corpus: SharedCorpus = {
      annotators: ['given', 'model'],
      documents: tagged.map((one) => ({
        document: one.document,
        spans: [
          tidied(one.document.text, one.document.layers[goldLayer] ?? []),
          decodeSpans(one.document, one.emissions, decoding),
        ],
      })),
      alone: [[], []],
    }
    const classes = [outside, ...types]
    const given = givenClasses(corpus, types)
    const probabilities = new Float64Array(given.length * classes.length)
    const columns = classOf.map((name) => classes.indexOf(name))
    let word = 0
    for (const sentence of sentenceProbabilities(loaded.model, tagged)) {
      for (const [i, share] of sentence.probabilities.entries()) {
        probabilities[(word + Math.floor(i / columns.length)) * classes.length + columns[i % columns.length]!]! += share
      }
      word += sentence.end - sentence.start
    }
    return { corpus, doubts: doubtsOf(corpus, classes, given, probabilities), words: given.length }
  } finally {
    await loaded.close()
  }
}

const outside = 'O'

/** The class of every word of the corpus as it is labelled: 0 is outside, then the types. */
function givenClasses(corpus: SharedCorpus, types: readonly string[]): Int32Array {
  const index = new Map(types.map((type, i) => [type, i]))
  return Int32Array.from(
    corpus.documents.flatMap(({ document, spans }) =>
      Array.from(labelUnits({ document, spans: [spans[0]] }, index, 'token')[0]!, typeOfCode),
    ),
  )
}

function doubtsOf(
  corpus: SharedCorpus,
  classes: readonly string[],
  given: Int32Array,
  probabilities: Float64Array,
): Doubt[] {
  const suggested = suggestLabels(given, probabilities, classes.length)
  const firstWord = [0]
  for (const { document } of corpus.documents) firstWord.push(firstWord.at(-1)! + document.tokens.length)
  const doubts = findDisagreements(corpus).flatMap((disagreement): Doubt[] => {
    const first = firstWord[disagreement.document]!
    const words = corpus.documents[disagreement.document]!.document.tokens.flatMap(
      ({ start, end }, i): DoubtedWord[] => {
        const word = first + i
        const isHere = start < disagreement.end && disagreement.start < end
        if (!isHere || given[word] === suggested[word]) return []
        const probability = probabilities[word * classes.length + given[word]!]!
        return [{ start, end, given: classes[given[word]!]!, suggested: classes[suggested[word]!]!, probability }]
      },
    )
    const probability = Math.min(...words.map((word) => word.probability))
    return words.length === 0 ? [] : [{ disagreement, words, probability }]
  })
  return doubts.sort((a, b) => a.probability - b.probability)
}

const inSample = (modelDir: string, path: string) =>
  new NerError('model/in-sample', 'The model was trained on this very file, and believes it.', {
    where: `${path}, in the lineage of ${modelDir}`,
    mend: 'Train on one half of the data and doubt the other, then the other way round (ner data split).',
  })
