import { finishedRun } from '../../artifacts/run-file.js'
import { weightsHash } from './teachers.js'

/** Whether a folder holds a student of these teachers that has learnt all it is to learn. */
export function isTaughtBy(output: string, teachers: readonly string[]): boolean {
  const known = finishedRun(output)
    ?.teachers?.map(({ sha256 }) => sha256)
    .join()
  return known !== undefined && known === teachers.map(weightsHash).join()
}
