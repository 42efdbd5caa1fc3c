import { parse } from 'csv-parse/sync'

/*
 * Rows of columns: separated by tabs where a line has one, else by spaces. Only ASCII spaces and tabs divide: a no-break
 * space may be a word, or in one.
 */

export const isBlankRow = (line: string): boolean => /^[\t ]*$/.test(line)

export function splitRow(line: string): string[] {
  if (line.includes('\t')) return line.split('\t')
  return line.replace(/^ +| +$/g, '').split(/ +/)
}

/** Rows separated by commas, as rows separated by tabs, where the first line names columns so. */
export function* withoutCommas(
  lines: Iterable<string>,
  isHeader: (cells: readonly string[]) => boolean,
): Generator<string> {
  const rest = lines[Symbol.iterator]()
  const first = rest.next()
  if (first.done === true) return
  const all = { [Symbol.iterator]: () => rest }
  if (first.value.includes('\t') || !isHeader(first.value.split(','))) {
    yield first.value
    yield* all
    return
  }
  const rows: string[][] = parse([first.value, ...all].join('\n'), {
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: false,
  })
  for (const row of rows) yield row.join('\t')
}
