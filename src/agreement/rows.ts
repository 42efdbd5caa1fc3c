/**
 * A row of sums for every document, of which few columns are not zero (compressed sparse rows). Kappa, alpha and F1 are
 * all functions of such sums, so that a resample of documents costs one pass over these rows and none over the text.
 */
export interface Rows {
  readonly columns: number
  /** Row r has the entries from `starts[r]` up to `starts[r + 1]`. */
  readonly starts: Int32Array
  readonly column: Int32Array
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
  const row = new Float64Array(columns)
  const isTouched = new Uint8Array(columns)
  const touched: number[] = []
  const starts = [0]
  const column: number[] = []
  const value: number[] = []
  return {
    add(at, by) {
      row[at]! += by
      if (isTouched[at] === 1) return
      isTouched[at] = 1
      touched.push(at)
    },
    end() {
      for (const at of touched) {
        column.push(at)
        value.push(row[at]!)
        row[at] = isTouched[at] = 0
      }
      touched.length = 0
      starts.push(column.length)
    },
    rows: () => ({
      columns,
      starts: Int32Array.from(starts),
      column: Int32Array.from(column),
      value: Float64Array.from(value),
    }),
  }
}

/** Sums of all rows, each as often as `weights` says, once unless said. `sums` is overwritten and returned. */
export function sumRows(
  { columns, starts, column, value }: Rows,
  weights?: Uint32Array,
  sums: Float64Array = new Float64Array(columns),
): Float64Array {
  sums.fill(0)
  for (let row = 0; row + 1 < starts.length; row++) {
    const weight = weights ? weights[row]! : 1
    if (weight === 0) continue
    for (let entry = starts[row]!; entry < starts[row + 1]!; entry++) sums[column[entry]!]! += weight * value[entry]!
  }
  return sums
}
