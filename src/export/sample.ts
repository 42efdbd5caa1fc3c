import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { goldLayer } from '../data/document.js'
import { readDocuments } from '../data/read.js'
import { tagLabels } from '../data/schemes.js'
import { toMetrics, type Metrics } from '../data/scoring.js'
import { misalignedSpans } from '../features/labels.js'
import { segment, type SegmentedDocument } from '../data/segment.js'
import { NerError } from '../errors.js'
import type { ModelFolder } from '../artifacts/model.js'
import { checkTypes } from '../data/labelled.js'
import { evaluateEmissions } from '../evaluation/emissions.js'
import type { Manifest } from './manifest.js'
import type { Reading } from './verify.js'

/** What files are verified on. */
export interface Sample {
  readonly documents: readonly SegmentedDocument[]
  readonly facts: Manifest['sample']
  /** Strict scores of what a model reads there; absent where the labels are not the model's. */
  readonly score: ((reading: Reading) => Metrics) | undefined
}

/** The sample that comes along: any text does to compare two graphs, but only labelled text of the model's kind scores. */
const ownSample = fileURLToPath(new URL('../../data/sample/dev.conll', import.meta.url))

/** @throws NerError `data/*`, `file/unreadable` */
export async function readSample({ tagger: { tags }, ner, chain }: ModelFolder, path?: string): Promise<Sample> {
  const corpus = await readDocuments(path ?? ownSample)
  const documents = corpus.documents.map(segment)
  const facts = {
    file: basename(path ?? ownSample),
    sha256: corpus.hash,
    sentences: documents.reduce((sum, { sentences }) => sum + sentences.length, 0),
  }
  if (path === undefined) return { documents, facts, score: undefined }
  if (documents.every(({ tokens }) => tokens.length === 0)) {
    throw new NerError('data/empty', 'The file has no word to verify on.', { where: path, mend: 'Give labelled text.' })
  }
  checkTypes(documents, goldLayer, tagLabels(tags), path)
  misalignedSpans(documents, { layer: goldLayer, onMisaligned: 'error', path })
  const score = ({ emissions }: Reading): Metrics => {
    const { evaluation } = evaluateEmissions(documents, emissions, goldLayer, { tags, scheme: ner.scheme, chain }, 1)
    return toMetrics((evaluation.crf ?? evaluation.argmax).scores)
  }
  return { documents, facts, score }
}
