import { workerData } from 'piscina'
import type { Part } from '../data/parts.js'
import { NerError } from '../errors.js'
import { type FailedPart, type LabelledPart, partLabeller, type WorkerData } from './apply.js'

/* A thread of `applyFunctions`. */

const { prepared, options } = workerData as WorkerData
const opened = partLabeller(prepared, options)
// The first task tells of a failure.
opened.catch(() => undefined)

export default async function (task: Part | 'finish'): Promise<LabelledPart | FailedPart | undefined> {
  try {
    const { label, close } = await opened
    if (task !== 'finish') return await label(task)
    await close()
    return undefined
  } catch (error) {
    if (!(error instanceof NerError)) throw error
    const { code, what, detail } = error
    const { where, mend } = detail
    return {
      error: { code, what, detail: { ...(where !== undefined && { where }), ...(mend !== undefined && { mend }) } },
    }
  }
}
