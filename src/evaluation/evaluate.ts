import { basename } from 'node:path'
import { goldLayer } from '../data/document.js'
import { tagLabels } from '../data/schemes.js'
import { misalignedSpans } from '../features/labels.js'
import { segment } from '../data/segment.js'
import { writeFileAtomically } from '../io/write.js'
import { originOf } from '../hub/name.js'
import { evaluationReport } from '../report/report.js'
import { versions } from '../runtime/versions.js'
import { checkGold, readLabelledFile, type Reading } from '../data/labelled.js'
import { evaluateEmissions, evaluationData, type Evaluation } from './emissions.js'
import { writeMisaligned } from './misaligned.js'
import { openModel, type DeviceOptions } from '../inference/tag.js'

export type { Evaluation } from './emissions.js'

export interface EvaluateOptions extends DeviceOptions, Reading {
  /** Gold spans that are no run of words: an error (the default), or a list in a file. */
  readonly onMisaligned?: 'error' | 'skip' | undefined
  /** An HTML file to write. */
  readonly report?: string | undefined
}

/** A model scored on a file. */
export interface FileEvaluation extends Evaluation {
  /** Gold spans that were not scored, and the file beside the data that lists them. */
  readonly skipped?: { readonly spans: number; readonly file: string }
}

/** The intervals of one evaluation are the same every time. */
const bootstrapSeed = 1

/**
 * Scores a model folder on labelled text, by its CRF, where it has one, and by plain argmax. Every sentence is scored
 * once, however long; words are those of the data, where it has them.
 *
 * @throws NerError `data/*` for bad data, a label that the model does not know or, unless they are skipped, spans that cut
 *   words; `model/*` for a folder that is incomplete or damaged; `file/*`, `runtime/*`
 */
export async function evaluate(
  modelDir: string,
  dataPath: string,
  options: EvaluateOptions = {},
): Promise<FileEvaluation> {
  const { format, scheme, layer = goldLayer, onMisaligned = 'error', report, ...device } = options
  const began = performance.now()
  const loaded = await openModel(modelDir, device)
  try {
    const { tagger, ner, chain } = loaded.model
    const { tags } = tagger
    const corpus = await readLabelledFile(dataPath, { format, layer, scheme })
    const documents = corpus.documents.map(segment)
    checkGold(documents, layer, tagLabels(tags), dataPath)
    const misaligned = misalignedSpans(documents, { layer, onMisaligned, path: dataPath })

    const tagged = await loaded.tag(documents)
    const { evaluation, predictions } = evaluateEmissions(
      documents,
      tagged.map(({ emissions }) => emissions),
      layer,
      { tags, scheme: ner.scheme, chain },
      bootstrapSeed,
    )
    const skipped = { spans: misaligned.length, file: `${dataPath}.misaligned.jsonl` }
    if (skipped.spans > 0) writeMisaligned(skipped.file, misaligned)
    if (report !== undefined) {
      const title = `${originOf(modelDir).name} on ${basename(dataPath)}`
      const run = {
        model: modelDir,
        data: `${dataPath} (SHA-256 ${corpus.hash})`,
        ...(skipped.spans > 0 && { 'spans left out': `${skipped.spans}, listed in ${skipped.file}` }),
        device: device.device ?? 'cpu',
        seconds: ((performance.now() - began) / 1000).toFixed(1),
        ...versions(),
      }
      writeFileAtomically(report, evaluationReport(title, evaluationData(evaluation, predictions), run))
    }
    return skipped.spans > 0 ? { ...evaluation, skipped } : evaluation
  } finally {
    await loaded.release()
  }
}
