import { expect, test } from 'vitest'
import { toHalf } from '../../src/graph/half.js'

/** By the standard's definition. */
function value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

const finite = Array.from({ length: 0x7c00 }, (_, bits) => bits)

test('every half stays what it is, with either sign', () => {
  for (const sign of [0, 0x8000]) {
    const all = finite.map((bits) => bits | sign)
    expect([...toHalf(Float32Array.from(all, value))]).toEqual(all)
  }
})

test('between two halves the nearer one is taken, in the middle the even one', () => {
  const next = new Float32Array(1)
  const step = new Int32Array(next.buffer)
  const wrong = finite.slice(0, -1).filter((bits) => {
    const middle = (value(bits) + value(bits + 1)) / 2
    next[0] = middle
    step[0]!--
    const below = next[0]
    step[0]! += 2
    const above = next[0]
    return String(toHalf(Float32Array.of(below, middle, above))) !== String([bits, bits + (bits & 1), bits + 1])
  })
  expect(wrong).toEqual([])
})

test('what is out of range saturates, and what is no number stays none', () => {
  expect([...toHalf(Float32Array.of(65519, 65520, 1e6, Infinity, -1e6, NaN, 1e-9, -0))]).toEqual([
    0x7bff, 0x7bff, 0x7bff, 0x7bff, 0xfbff, 0x7e00, 0, 0x8000,
  ])
})
