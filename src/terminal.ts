/*
 * What a terminal is told. Texts, labels, ids, names of files and keys come from others: none of them may steer it.
 */

/** Control characters but line feeds and tabs, and those that turn the direction of writing. */
// eslint-disable-next-line no-control-regex
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A text as it can be shown: what would steer a terminal is written as JSON writes it, `\u001b`. */
export const printable = (text: string): string => text.replace(steering, escape)

/** The same of what stands in a line with others. */
export const printableLine = (text: string): string =>
  printable(text).replaceAll('\t', ' ').replaceAll('\n', escape('\n'))

/** Says something on standard error. */
export function tell(text: string): void {
  process.stderr.write(printable(text))
}
