/**
 * Sums of every document, of which few are not zero, by column (compressed sparse columns). Kappa, alpha and F1 are all
 * functions of such sums, so that a resample of documents costs one pass over these numbers and none over the text.
 */
export interface Rows {
  /** How many rows, which are documents. */
  readonly count: number
  /** Column c has the entries from `starts[c]` up to `starts[c + 1]`, in the order of the rows. */
  readonly starts: Int32Array
  readonly row: Int32Array
  readonly value: Float64Array
}

/** Collects rows, one document after the other. */
export interface RowBuilder {
  add(column: number, value: number): void
  /** Closes the row of a document. */
  end(): void
  rows(): Rows
}

export function rowBuilder(columns: number): RowBuilder {
  const sums = new Float64Array(columns)
  const isTouched = new Uint8Array(columns)
  const touched: number[] = []
  const entries: { readonly row: number[]; readonly value: number[] }[] = Array.from({ length: columns }, () => ({
    row: [],
    value: [],
  }))
  let count = 0
  return {
    add(column, value) {
      sums[column]! += value
      if (isTouched[column] === 1) return
      isTouched[column] = 1
      touched.push(column)
    },
    end() {
      for (const column of touched) {
        entries[column]!.row.push(count)
        entries[column]!.value.push(sums[column]!)
        sums[column] = isTouched[column] = 0
      }
      touched.length = 0
      count++
    },
    rows() {
      const starts = new Int32Array(columns + 1)
      for (const [column, { row }] of entries.entries()) starts[column + 1] = starts[column]! + row.length
      const row = new Int32Array(starts[columns]!)
      const value = new Float64Array(row.length)
      for (const [column, entry] of entries.entries()) {
        row.set(entry.row, starts[column])
        value.set(entry.value, starts[column])
      }
      return { count, starts, row, value }
    },
  }
}

/** Sums of all rows by column, each row as often as `weights` says, once unless said. */
export function sumRows({ starts, row, value }: Rows, weights?: Uint32Array): Float64Array {
  const sums = new Float64Array(starts.length - 1)
  for (let column = 0; column < sums.length; column++) {
    let sum = 0
    for (let entry = starts[column]!; entry < starts[column + 1]!; entry++) {
      sum += weights ? weights[row[entry]!]! * value[entry]! : value[entry]!
    }
    sums[column] = sum
  }
  return sums
}
