import type { Loss } from '../data/losses.js'
import type { Format } from '../data/read.js'
import { thousands } from '../report/numbers.js'

/** What a file of a format does not have of what was read, for people; nothing where it has all. */
export function lossList(format: Format, losses: readonly Loss[]): string {
  if (losses.length === 0) return ''
  const lines = losses.map(({ what, count, first }) => `  ${what} (${thousands(count)}, first at ${first})\n`)
  return [`not carried over to ${format}:\n`, ...lines].join('')
}
