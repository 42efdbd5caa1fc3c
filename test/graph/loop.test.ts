import { describe, expect, test } from 'vitest'
import { Graph } from '../../src/graph/graph.js'
import { loopStep } from '../../src/graph/loop.js'
import { verify } from '../../src/graph/verify.js'
import { evaluate, floats } from './engine.js'

/** sum′ = sum + scale·x, count′ = count + 1; says sum′. */
function summing(): Graph {
  const g = new Graph('summing')
  const next = g.add(
    g.input('sum', 'float32', [2]),
    g.mul(g.input('x', 'float32', [2]), g.input('scale', 'float32', [])),
  )
  g.output('next sum', next)
  g.output('next count', g.add(g.input('count', 'float32', []), g.scalar(1)))
  g.output('so far', g.mul(next, g.scalar(10)))
  return g
}

const looped = (fromZero: ReadonlySet<string>) =>
  loopStep(summing(), {
    carried: new Map([
      ['sum', 'next sum'],
      ['count', 'next count'],
    ]),
    fromZero,
    fixed: new Set(['scale']),
  })

const feeds = { sum: floats([2], [1, 2]), x: floats([3, 2], [1, 0, 2, 1, 3, 2]), scale: floats([], [2]) }

describe('a step in a loop', () => {
  test('carries state, takes its own part of what differs, and says what each step said', async () => {
    const g = looped(new Set())
    verify(g)
    const results = await evaluate(g, { ...feeds, count: floats([], [5]) })
    expect([...results['next sum']!.data]).toEqual([13, 8])
    expect([...results['next count']!.data]).toEqual([8])
    expect(results['so far']).toMatchObject({ dims: [3, 2], data: Float32Array.of(30, 20, 70, 40, 130, 80) })
  })

  test('runs as many steps as it is given', async () => {
    const results = await evaluate(looped(new Set()), {
      ...feeds,
      count: floats([], [0]),
      x: floats([1, 2], [1, 1]),
    })
    expect([...results['next sum']!.data]).toEqual([3, 4])
    expect([...results['next count']!.data]).toEqual([1])
  })

  test('keeps to itself what starts at 0', async () => {
    const g = looped(new Set(['count']))
    expect(g.inputs.map(({ name }) => name)).not.toContain('count')
    expect(Object.keys(await evaluate(g, feeds))).toEqual(['next sum', 'so far'])
  })

  test('refuses to carry what the step does not take', () => {
    const carried = new Map([['mean', 'next sum']])
    expect(() => loopStep(summing(), { carried, fixed: new Set() })).toThrow("has no input 'mean'")
  })
})
