import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import type { Encoder } from '../../models/encoder.js'
import type { Teacher } from './teachers.js'

/**
 * The teacher's embeddings in the student's width: E ≈ E·V·Vᵀ with V the right singular vectors of the piece table's
 * largest singular values (Eckart & Young, 1936), so that E·V keeps what a table of that width can keep of the distances
 * between pieces. Positions and token types, which are added to pieces, are seen from the same side.
 */
export function narrowed({ model, weights }: Teacher, student: Encoder): Map<string, Float32Array> {
  const { encoder } = model.tagger
  const [from, to] = [encoder.sizes.embeddingSize, student.sizes.embeddingSize]
  const tables = student.parameters.filter(({ purpose, shape }) => purpose && 'table' in purpose && shape[1] === to)
  if (from === to) return new Map(tables.map(({ name }) => [name, weights.get(name)!]))
  const basis = principalAxes(weights.get(encoder.pieceTable)!, from, to)
  return new Map(tables.map(({ name }) => [name, multiply(weights.get(name)!, basis, from, to)]))
}

/** The right singular vectors of the `count` largest singular values of rows `width` wide: [width × count]. */
function principalAxes(rows: Float32Array, width: number, count: number): Float64Array {
  // EᵀE, whose eigenvectors they are: the table has tens of thousands of rows, and this a few hundred.
  const data = Array.from({ length: width }, () => new Float64Array(width))
  for (let at = 0; at < rows.length; at += width) {
    for (let i = 0; i < width; i++) {
      const x = rows[at + i]!
      const row = data[i]!
      for (let j = i; j < width; j++) row[j]! += x * rows[at + j]!
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) data[i]![j] = data[j]![i]!
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(new Matrix(data), {
    assumeSymmetric: true,
  })
  const largest = [...realEigenvalues.keys()].sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!).slice(0, count)
  const axes = new Float64Array(width * count)
  for (let i = 0; i < width; i++)
    largest.forEach((column, j) => (axes[i * count + j] = eigenvectorMatrix.get(i, column)))
  return axes
}

/** [rows × from] · [from × to] */
function multiply(rows: Float32Array, axes: Float64Array, from: number, to: number): Float32Array {
  const result = new Float32Array((rows.length / from) * to)
  const sums = new Float64Array(to)
  for (let row = 0; row * from < rows.length; row++) {
    sums.fill(0)
    for (let i = 0; i < from; i++) {
      const x = rows[row * from + i]!
      for (let j = 0; j < to; j++) sums[j]! += x * axes[i * to + j]!
    }
    result.set(sums, row * to)
  }
  return result
}
