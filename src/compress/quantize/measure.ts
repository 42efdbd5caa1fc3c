import { basename } from 'node:path'
import { goldLayer, type Document } from '../../data/document.js'
import { readDocuments } from '../../data/read.js'
import type { Scores } from '../../data/scoring.js'
import { tagLabels } from '../../data/schemes.js'
import type { Example } from '../../features/batch.js'
import { buildExamples } from '../../features/examples.js'
import { misalignedSpans } from '../../features/labels.js'
import type { Graph } from '../../graph/graph.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import type { Emissions } from '../../models/decode.js'
import { documentEmissions } from '../../models/emissions.js'
import type { ModelFolder } from '../../models/folder.js'
import { batchPieces, openGraph } from '../../models/serving.js'
import { checkGold } from '../../data/labelled.js'
import { evaluateEmissions } from '../../evaluation/emissions.js'

/** Labelled documents in a model's windows. */
export interface LabelledSet {
  readonly path: string
  /** As a lineage names it. */
  readonly file: string
  readonly sha256: string
  readonly documents: readonly Document[]
  readonly examples: readonly Example[]
}

/**
 * Reads a file to calibrate or to measure on.
 *
 * @throws NerError `file/unreadable`, `data/*`: also where it has labels that the model does not know, or none
 */
export async function readLabelled({ tagger, tokenizer, ner }: ModelFolder, path: string): Promise<LabelledSet> {
  const { documents, hash } = await readDocuments(path)
  checkGold(documents, goldLayer, tagLabels(tagger.tags), path)
  const built = await buildExamples(documents, tokenizer, { ...ner, task: 'predict' })
  misalignedSpans(built.documents, { layer: goldLayer, onMisaligned: 'error', path })
  return { path, file: basename(path), sha256: hash, documents: built.documents, examples: built.examples }
}

/** Every n-th document of a set, so that there are about so many words. Documents stay whole: they are the context. */
export async function sampleOf(model: ModelFolder, set: LabelledSet, words: number): Promise<LabelledSet> {
  const total = set.documents.reduce((sum, { tokens }) => sum + tokens!.length, 0)
  const step = Math.max(1, Math.round(total / words))
  if (step === 1) return set
  const documents = set.documents.filter((_, i) => i % step === 0)
  return { ...set, ...(await buildExamples(documents, model.tokenizer, { ...model.ner, task: 'predict' })) }
}

/** What a graph says of a set. */
export interface Measurement {
  /** By the model's own decoding, strict spans. */
  readonly scores: Scores
  readonly emissions: readonly Emissions[]
}

/** Runs a served graph on a labelled set and scores it. */
export async function measure(
  graph: Graph,
  { tagger, tokenizer, ner, chain }: ModelFolder,
  { documents, examples }: LabelledSet,
  threads: number,
): Promise<Measurement> {
  const labels = tagger.tags.length
  const served = await openGraph(encodeModel(graph), labels, { threads })
  try {
    const words = documents.map(({ tokens }) => tokens!.length)
    const options = { tokens: batchPieces, labels, padId: tokenizer.pad }
    const emissions = await documentEmissions(examples, words, (batch) => served.run(batch), options)
    const decoding = { tags: tagger.tags, scheme: ner.scheme, chain }
    const { evaluation } = evaluateEmissions(documents, emissions, goldLayer, decoding, 1)
    return { scores: (evaluation.crf ?? evaluation.argmax).scores, emissions }
  } finally {
    await served.release()
  }
}
