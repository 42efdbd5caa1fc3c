import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factors, product, quotient, sameShape, shift } from '../../src/graph/dims.js'
import type { Dim } from '../../src/graph/types.js'
import { sizeOf } from './engine.js'

const sizes = { batch: 2, sequence: 3, words: 5 }
const dim = fc.oneof(fc.integer({ min: 1, max: 7 }), fc.constantFrom(...Object.keys(sizes)))
const shape = fc.array(dim, { maxLength: 5 })

const count = (dims: readonly Dim[]) => dims.reduce<number>((total, each) => total * sizeOf(each, sizes), 1)

describe('products', () => {
  test('are canonical: symbols in order, one number before them', () => {
    expect(product(['sequence', 3, 'batch', 4])).toBe('12*batch*sequence')
    expect(product(['batch'])).toBe('batch')
    expect(product([2, 3])).toBe(6)
    expect(product([])).toBe(1)
    expect(product(['batch', 0])).toBe(0)
  })

  test('do not depend on the order', () => {
    fc.assert(
      fc.property(shape, (dims) => {
        expect(product(dims.toReversed())).toBe(product(dims))
      }),
    )
  })

  test('count the elements of a shape', () => {
    fc.assert(
      fc.property(shape, (dims) => {
        expect(sizeOf(product(dims), sizes)).toBe(count(dims))
      }),
    )
  })

  test('fall apart into factors that make them up again', () => {
    fc.assert(
      fc.property(shape, (dims) => {
        expect(product(factors(product(dims)))).toBe(product(dims))
      }),
    )
  })
})

describe('quotients', () => {
  test('undo products', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        expect(quotient(product([...a, ...b]), product(b))).toBe(product(a))
      }),
    )
  })

  test('are undefined where they do not come out even', () => {
    expect(quotient(6, 4)).toBeUndefined()
    expect(quotient('batch', 'words')).toBeUndefined()
    expect(quotient('batch', 2)).toBeUndefined()
    expect(quotient('batch', 'batch*batch')).toBeUndefined()
    expect(quotient(0, 0)).toBeUndefined()
  })
})

describe('shifts', () => {
  test('of numbers and symbols', () => {
    expect(shift(3, -1)).toBe(2)
    expect(shift('words', -1)).toBe('words-1')
    expect(shift('words-1', 3)).toBe('words+2')
    expect(shift('words+2', -2)).toBe('words')
  })

  test('of products cannot be written down', () => expect(shift('2*words', 1)).toBeUndefined())

  test('add up', () => {
    const amount = fc.integer({ min: -9, max: 9 })
    fc.assert(
      fc.property(dim, amount, amount, (d, a, b) => {
        expect(shift(shift(d, a)!, b)).toBe(shift(d, a + b))
      }),
    )
  })
})

test('shapes are the same dimension by dimension', () => {
  expect(sameShape(['batch', 2], ['batch', 2])).toBe(true)
  expect(sameShape(['batch', 2], ['words', 2])).toBe(false)
  expect(sameShape([2], [2, 1])).toBe(false)
})
