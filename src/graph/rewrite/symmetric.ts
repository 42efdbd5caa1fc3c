import type { Tensor } from '../types.js'

/** A matrix as bytes, with a scale for each of its columns: W ≈ q·diag(s). */
export interface QuantizedMatrix {
  /** int8 [in, out] */
  readonly matrix: Tensor
  /** float32 [out] */
  readonly scales: Tensor
}

/** The largest byte. Full range; or 7 bits, for kernels that add two products of 8 × 8 bits in 16 (see `dynamic.ts`). */
export type Limit = 127 | 64

/**
 * Quantizes a matrix symmetrically by column: s = max|W|/limit, q = round(W/s). The matrix is [in, out], or [out, in]
 * where it is `transposed`, times `alpha`.
 */
export function quantizeColumns(
  { dims, data }: Tensor,
  { transposed, alpha, limit }: { readonly transposed: boolean; readonly alpha: number; readonly limit: Limit },
): QuantizedMatrix {
  const [rows, columns] = (transposed ? [...dims].reverse() : dims) as [number, number]
  const weights = data as Float32Array
  const [perColumn, perRow] = transposed ? [rows, 1] : [1, columns]
  const bytes = new Int8Array(rows * columns)
  const scales = new Float32Array(columns)
  for (let column = 0; column < columns; column++) {
    const start = column * perColumn
    let largest = 0
    for (let row = 0; row < rows; row++) largest = Math.max(largest, Math.abs(weights[start + row * perRow]!))
    // A column of zeros has any scale.
    const step = largest === 0 ? 1 : largest / limit
    scales[column] = step * alpha
    for (let row = 0; row < rows; row++)
      bytes[row * columns + column] = Math.round(weights[start + row * perRow]! / step)
  }
  return {
    matrix: { dtype: 'int8', dims: [rows, columns], data: bytes },
    scales: { dtype: 'float32', dims: [columns], data: scales },
  }
}

/** Quantizes a table by row: s = max|row|/127. */
export function quantizeRows({ dims, data }: Tensor): QuantizedMatrix {
  const [rows, width] = dims as [number, number]
  const table = data as Float32Array
  const bytes = new Int8Array(table.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const own = table.subarray(row * width, (row + 1) * width)
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const step = largest === 0 ? 1 : largest / 127
    scales[row] = step
    own.forEach((value, i) => (bytes[row * width + i] = Math.round(value / step)))
  }
  return {
    matrix: { dtype: 'int8', dims, data: bytes },
    scales: { dtype: 'float32', dims: [rows, 1], data: scales },
  }
}
