import { availableParallelism } from 'node:os'
import { NerError } from './errors.js'

/** More than any machine has cores; all of them would be started, and the work never end. */
const most = 1024

/** How many threads are wanted: every core where there is no number, or 0. @throws NerError `config/bad-value` */
export function threadCount(threads = 0): number {
  if (Number.isInteger(threads) && threads >= 0 && threads <= most) return threads || availableParallelism()
  throw new NerError('config/bad-value', `There cannot be ${threads} threads.`, {
    where: 'threads',
    mend: `Give a whole number up to ${most}; 0 takes every core.`,
  })
}
