import { goldLayer } from '../data/document.js'
import { checkGold, readLabelledFile, type Reading } from '../data/labelled.js'
import { tagLabels } from '../data/schemes.js'
import { segment } from '../data/segment.js'
import { misalignedSpans, type MisalignedSpan } from '../features/labels.js'
import { decodingOf } from '../inference/decode.js'
import { openModel, type DeviceOptions } from '../inference/tag.js'
import { evaluateEmissions, evaluationData, type EvaluationData } from './emissions.js'

export type { Evaluation } from './emissions.js'

export interface EvaluateOptions extends DeviceOptions, Reading {
  /** Gold spans that are no run of words: an error (the default), or missed entities. */
  readonly onMisaligned?: 'error' | 'skip' | undefined
}

/** A model scored on a file. */
export interface FileEvaluation extends EvaluationData {
  /** Gold spans that are no run of words. They count as missed. */
  readonly unreachable: readonly MisalignedSpan[]
  /** SHA-256 of the file. */
  readonly dataHash: string
}

/** The intervals of one evaluation are the same every time. */
const bootstrapSeed = 1

/**
 * Scores a model folder on labelled text, by its CRF, where it has one, and by plain argmax. Every sentence is scored
 * once, however long; words are those of the data, where it has them.
 *
 * @throws NerError `data/*` for bad data, a label that the model does not know or, unless they are to be missed, spans that
 *   cut words; `model/*` for a folder that is incomplete or damaged; `file/*`, `runtime/*`
 */
export async function evaluate(
  modelDir: string,
  dataPath: string,
  options: EvaluateOptions = {},
): Promise<FileEvaluation> {
  const { format, scheme, columns, layer = goldLayer, onMisaligned = 'error', ...device } = options
  const loaded = await openModel(modelDir, device)
  try {
    const corpus = await readLabelledFile(dataPath, { format, layer, scheme, columns })
    const documents = corpus.documents.map(segment)
    checkGold(documents, layer, tagLabels(loaded.model.tagger.tags), dataPath)
    const unreachable = misalignedSpans(documents, { layer, onMisaligned, path: dataPath })
    const tagged = await loaded.tag(documents)
    const { evaluation, predictions } = evaluateEmissions(
      documents,
      tagged.documents.map(({ emissions }) => emissions),
      layer,
      decodingOf(loaded.model),
      bootstrapSeed,
    )
    return { ...evaluationData(evaluation, predictions), unreachable, dataHash: corpus.hash }
  } finally {
    await loaded.close()
  }
}
