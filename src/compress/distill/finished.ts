import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFinished } from '../../training/results.js'
import { weightsHash } from './teachers.js'

/** Whether a folder holds a student of these teachers that has learnt all it is to learn. */
export function isTaughtBy(output: string, teachers: readonly string[]): boolean {
  if (!isFinished(output)) return false
  const run = JSON.parse(readFileSync(join(output, 'run.json'), 'utf8')) as { teachers?: readonly { sha256: string }[] }
  const known = run.teachers?.map(({ sha256 }) => sha256).join()
  return known !== undefined && known === teachers.map(weightsHash).join()
}
