import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createArena, type Region } from '../../../src/training/cpu/arena.js'

const parameter = (name: string, length: number) => ({ name, shape: [length], initial: 0, group: 'head' }) as const
const regions = ['weights', 'gradients', 'addend'] as const satisfies Region[]
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 })

function arenaOf(lengths: readonly number[]) {
  const parameters = lengths.map((length, i) => parameter(`p${i}`, length))
  return { arena: createArena(parameters, regions), names: parameters.map(({ name }) => name) }
}

test('places overlap nowhere and start at multiples of 16', () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const { arena, names } = arenaOf(lengths)
      const places = regions.flatMap((region) => names.map((name) => arena.place(region, name)))
      let end = 0
      for (const { pointer, size } of places) {
        expect(pointer % 16).toBe(0)
        expect(pointer).toBeGreaterThanOrEqual(end)
        end = pointer + size
      }
    }),
  )
})

test('a span reaches from its first parameter to its last, and no further', () => {
  const { arena } = arenaOf([3, 5, 8])
  expect(arena.span('gradients', 'p0', 'p1').size).toBe(16 + 32)
  expect(arena.span('gradients', 'p1', 'p2').pointer).toBe(arena.place('gradients', 'p1').pointer)
})

test('views show what the kernels work on', () => {
  fc.assert(
    fc.property(sizes, fc.integer(), (lengths, seed) => {
      const { arena, names } = arenaOf(lengths)
      const expected = names.map((name, n) => {
        const [total, addend] = [arena.view('gradients', name), arena.view('addend', name)]
        for (let i = 0; i < lengths[n]!; i++) [total[i], addend[i]] = [Math.sin(seed + i), Math.cos(seed * n + i)]
        return total.map((value, i) => Math.fround(value + addend[i]!))
      })
      const span = (region: Region) => arena.span(region, names[0]!, names.at(-1)!)
      const { pointer, size } = span('gradients')
      arena.kernels.accumulate(pointer, span('addend').pointer, size)
      names.forEach((name, n) => expect(arena.view('gradients', name)).toEqual(expected[n]))
      const squares = expected.flatMap((values) => [...values]).reduce((sum, x) => sum + x * x, 0)
      expect(arena.kernels.sumOfSquares(pointer, size)).toBeCloseTo(squares, 10)
    }),
  )
})

test('the initial weights are copied in', () => {
  const given = new Map([['p0', Float32Array.of(1, 2, 3)]])
  const arena = createArena([parameter('p0', 3)], ['first', 'weights'], given)
  expect([...arena.view('weights', 'p0')]).toEqual([1, 2, 3])
  expect([...arena.view('first', 'p0')]).toEqual([0, 0, 0])
})
