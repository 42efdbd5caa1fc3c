import { workerData } from 'piscina'
import type { Part } from '../data/parts.js'
import { NerError } from '../errors.js'
import { type FailedPart, type LabelledPart, partLabeller, type WorkerData } from './apply.js'

/* A thread of `applyFunctions`. */

const { prepared, options } = workerData as WorkerData
const label = partLabeller(prepared, options)

export default async function (part: Part): Promise<LabelledPart | FailedPart> {
  try {
    return await (
      await label
    )(part)
  } catch (error) {
    if (!(error instanceof NerError)) throw error
    const { code, what, detail } = error
    const { where, mend } = detail
    return {
      error: { code, what, detail: { ...(where !== undefined && { where }), ...(mend !== undefined && { mend }) } },
    }
  }
}
