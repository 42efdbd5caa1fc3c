import { describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { quantizeTables } from '../../../src/graph/rewrite/tables.js'
import { verify } from '../../../src/graph/verify.js'
import { evaluate, floats, integers } from '../engine.js'
import { distance, draw, every, rowsOf } from './layers.js'

const table = draw('table', 6, 4, 2)
// A row of zeros, as of a piece that was never trained.
;(table.data as Float32Array).fill(0, 8, 12)

function lookUp(axis = 0): Graph {
  const g = new Graph('look-up')
  const ids = g.input('ids', 'int64', ['words'])
  g.output('rows', g.gather(g.initializer('pieces', table), ids, axis))
  return g
}

describe('tables in int8', () => {
  test('give their rows back within half a step', async () => {
    const { graph, matches } = quantizeTables(lookUp(), every)
    verify(graph)
    expect(matches).toBe(1)
    const { rows } = await evaluate(graph, { ids: integers([6], [0, 1, 2, 3, 4, 5]) })
    const step = 2 / 127
    expect(distance(rows!, rowsOf(table))).toBeLessThan(step / 2 + 1e-6)
    expect([...rows!.data].slice(8, 12)).toEqual([0, 0, 0, 0])
  })

  test('leave alone other axes, other tables, and tables of other types', () => {
    expect(quantizeTables(lookUp(1), every).matches).toBe(0)
    expect(quantizeTables(lookUp(), (name) => name === 'positions').matches).toBe(0)
    const g = new Graph('integers')
    g.output('rows', g.gather(g.initializer('ids', integers([2, 2], [1, 2, 3, 4])), g.input('i', 'int64', ['n'])))
    g.output('vector', g.gather(g.initializer('v', floats([2], [1, 2])), g.input('j', 'int64', ['m'])))
    expect(quantizeTables(g, every).matches).toBe(0)
  })
})
