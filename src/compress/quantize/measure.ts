import { basename } from 'node:path'
import { goldLayer } from '../../data/document.js'
import type { SegmentedDocument } from '../../data/segment.js'
import { readDocuments } from '../../data/read.js'
import type { Scores } from '../../data/scoring.js'
import { tagLabels } from '../../data/schemes.js'
import type { Example } from '../../features/batch.js'
import { misalignedSpans } from '../../features/labels.js'
import type { Graph } from '../../graph/graph.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import { decodingOf, type Emissions } from '../../inference/decode.js'
import { documentEmissions } from '../../inference/emissions.js'
import type { ModelFolder } from '../../artifacts/model.js'
import { batchPieces, loadEngine } from '../../inference/engine.js'
import { prepare } from '../../inference/prepare.js'
import { checkGold } from '../../data/labelled.js'
import { evaluateEmissions } from '../../evaluation/emissions.js'

/** Labelled documents in a model's windows. */
export interface LabelledSet {
  readonly path: string
  /** As a lineage names it. */
  readonly file: string
  readonly sha256: string
  readonly documents: readonly SegmentedDocument[]
  readonly examples: readonly Example[]
}

/**
 * Reads a file to calibrate or to measure on.
 *
 * @throws NerError `file/unreadable`, `data/*`: also where it has labels that the model does not know, or none
 */
export async function readLabelled(model: ModelFolder, path: string): Promise<LabelledSet> {
  const { documents, hash } = await readDocuments(path)
  checkGold(documents, goldLayer, tagLabels(model.tagger.tags), path)
  const built = await prepare(documents, model)
  misalignedSpans(built.documents, { layer: goldLayer, onMisaligned: 'error', path })
  return { path, file: basename(path), sha256: hash, documents: built.documents, examples: built.examples }
}

/** Every n-th document of a set, so that there are about so many words. Documents stay whole: they are the context. */
export async function sampleOf(model: ModelFolder, set: LabelledSet, words: number): Promise<LabelledSet> {
  const total = set.documents.reduce((sum, { tokens }) => sum + tokens.length, 0)
  const step = Math.max(1, Math.round(total / words))
  if (step === 1) return set
  const documents = set.documents.filter((_, i) => i % step === 0)
  return { ...set, ...(await prepare(documents, model)) }
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
  model: ModelFolder,
  { documents, examples }: LabelledSet,
  threads: number,
): Promise<Measurement> {
  const labels = model.tagger.tags.length
  const engine = await loadEngine(encodeModel(graph), labels, { threads })
  try {
    const words = documents.map(({ tokens }) => tokens.length)
    const options = { tokens: batchPieces, labels, padId: model.tokenizer.pad }
    const emissions = await documentEmissions(examples, words, (batch) => engine.run(batch), options)
    const { evaluation } = evaluateEmissions(documents, emissions, goldLayer, decodingOf(model), 1)
    return { scores: (evaluation.crf ?? evaluation.argmax).scores, emissions }
  } finally {
    await engine.close()
  }
}
