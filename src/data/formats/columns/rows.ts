import { parse } from 'csv-parse/sync'

/*
 * Rows of columns: separated by tabs where a line has one, else by spaces. Only ASCII spaces and tabs divide: a no-break
 * space may be a word, or in one.
 */

export const isBlankRow = (line: string): boolean => /^[\t ]*$/.test(line)

/** Walks by hand, since a row is split for every word of a corpus: `split` and expressions take three times as long. */
export function splitRow(line: string): string[] {
  const divider = line.includes('\t') ? '\t' : ' '
  const cells: string[] = []
  for (let from = 0; ;) {
    const at = line.indexOf(divider, from)
    const cell = at < 0 ? line.slice(from) : line.slice(from, at)
    if (cell !== '' || divider === '\t') cells.push(cell)
    if (at < 0) return cells
    from = at + 1
  }
}

/** Rows separated by commas, as rows separated by tabs, where the first line names columns so. */
export function withoutCommas(
  lines: Iterable<string>,
  isHeader: (cells: readonly string[]) => boolean,
): Iterator<string> {
  const rest = lines[Symbol.iterator]()
  const first = rest.next()
  if (first.done === true) return rest
  const all = chain([first.value], rest)
  if (first.value.includes('\t') || !isHeader(first.value.split(','))) return all[Symbol.iterator]()
  const rows: string[][] = parse([...all].join('\n'), {
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: false,
  })
  return rows.map((row) => row.join('\t'))[Symbol.iterator]()
}

/** Lines that were looked at, before those that were not. */
export function chain(first: readonly string[], rest: Iterator<string>): Iterable<string> {
  let at = 0
  const next = (): IteratorResult<string> => (at < first.length ? { value: first[at++]!, done: false } : rest.next())
  return { [Symbol.iterator]: () => ({ next }) }
}
