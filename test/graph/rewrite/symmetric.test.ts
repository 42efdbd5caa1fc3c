import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quantizeColumns } from '../../../src/graph/rewrite/symmetric.js'
import { draw, rowsOf, transpose } from './layers.js'
import { floats } from '../engine.js'

const shape = fc.record({
  rows: fc.integer({ min: 1, max: 6 }),
  columns: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer(),
  limit: fc.constantFrom(64 as const, 127 as const),
  alpha: fc.constantFrom(1, 0.25, -2),
})

describe('columns as bytes', () => {
  test('are within half a step, use the whole range, and no more', () => {
    fc.assert(
      fc.property(shape, ({ rows, columns, seed, limit, alpha }) => {
        const matrix = draw(String(seed), rows, columns, 10)
        const { matrix: bytes, scales } = quantizeColumns(matrix, { transposed: false, alpha, limit })
        rowsOf(matrix).forEach((row, i) =>
          row.forEach((value, j) => {
            const byte = Number(bytes.data[i * columns + j])
            const scale = Number(scales.data[j])
            expect(Math.abs(byte)).toBeLessThanOrEqual(limit)
            expect(Math.abs(byte * scale - alpha * value)).toBeLessThanOrEqual(Math.abs(scale) * 0.5001)
          }),
        )
        for (let j = 0; j < columns; j++) expect(Math.max(...rowsOf(bytes).map((row) => Math.abs(row[j]!)))).toBe(limit)
      }),
    )
  })

  test('are the same of a transposed matrix', () => {
    fc.assert(
      fc.property(shape, ({ rows, columns, seed, limit, alpha }) => {
        const matrix = draw(String(seed), rows, columns)
        const turned = floats([columns, rows], transpose(rowsOf(matrix)).flat())
        expect(quantizeColumns(turned, { transposed: true, alpha, limit })).toEqual(
          quantizeColumns(matrix, { transposed: false, alpha, limit }),
        )
      }),
    )
  })

  test('of zeros are zeros', () => {
    const { matrix, scales } = quantizeColumns(floats([2, 1], [0, 0]), { transposed: false, alpha: 1, limit: 64 })
    expect([...matrix.data, ...scales.data]).toEqual([0, 0, 1])
  })
})
