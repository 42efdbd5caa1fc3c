import { describe, expect, test } from 'vitest'
import { gradients } from '../../src/graph/autodiff.js'
import { Graph } from '../../src/graph/graph.js'
import type { Tensor, Value } from '../../src/graph/types.js'
import { evaluate, floats, integers } from './engine.js'

/** Σ value, as a loss. */
const total = (g: Graph, value: Value) => g.sum(value, [...value.shape.keys()], 0)

/** The gradients of `loss` as numbers. */
async function slopes(g: Graph, loss: Value, wanted: readonly Value[], feeds: Record<string, Tensor>) {
  gradients(g, loss, wanted).forEach((value, i) => g.output(`gradient ${i}`, value))
  const results = await evaluate(g, feeds)
  return wanted.map((_, i) => Array.from(results[`gradient ${i}`]!.data, Number))
}

describe('cotangents', () => {
  test('are summed over the axes a value was broadcast along', async () => {
    const g = new Graph('broadcast')
    const matrix = g.input('matrix', 'float32', ['batch', 'words'])
    const row = g.input('row', 'float32', ['words'])
    const column = g.input('column', 'float32', ['batch', 1])
    const scalar = g.input('scalar', 'float32', [])
    const loss = total(g, g.mul(g.mul(g.add(matrix, row), column), scalar))
    const feeds = {
      matrix: floats([2, 3], [1, 2, 3, 4, 5, 6]),
      row: floats([3], [10, 20, 30]),
      column: floats([2, 1], [2, 3]),
      scalar: floats([], [0.5]),
    }
    expect(await slopes(g, loss, [matrix, row, column, scalar], feeds)).toEqual([
      [1, 1, 1, 1.5, 1.5, 1.5],
      [2.5, 2.5, 2.5],
      [33, 37.5],
      [66 * 2 + 75 * 3],
    ])
  })

  test('of a value used more than once add up', async () => {
    const g = new Graph('twice')
    const x = g.input('x', 'float32', ['batch'])
    const square = g.mul(x, x)
    const loss = total(g, g.add(g.mul(square, x), square))
    expect(await slopes(g, loss, [x], { x: floats([2], [2, -1]) })).toEqual([[3 * 4 + 2 * 2, 3 - 2]])
  })

  test('of equal maxima are shared', async () => {
    const g = new Graph('ties')
    const x = g.input('x', 'float32', ['batch', 3])
    const loss = total(g, g.maximum(x, [1]))
    expect(await slopes(g, loss, [x], { x: floats([2, 3], [1, 4, 4, 7, 2, 3]) })).toEqual([[0, 0.5, 0.5, 1, 0, 0]])
  })

  test('do not flow through comparisons, whose other inputs still count', async () => {
    const g = new Graph('mask')
    const x = g.input('x', 'float32', [3])
    const loss = total(g, g.mul(g.cast(g.less(g.scalar(0), x), 'float32'), x))
    expect(await slopes(g, loss, [x], { x: floats([3], [-1, 2, 3]) })).toEqual([[0, 1, 1]])
  })

  test('of rows looked up more than once add up', async () => {
    const g = new Graph('rows')
    const table = g.input('table', 'float32', [3, 2])
    const ids = g.input('ids', 'int64', ['words'])
    const loss = total(g, g.mul(g.gather(table, ids), g.input('weights', 'float32', ['words', 2])))
    const feeds = {
      table: floats([3, 2], [0, 0, 0, 0, 0, 0]),
      ids: integers([3], [2, 0, 2]),
      weights: floats([3, 2], [1, 2, 3, 4, 5, 6]),
    }
    expect(await slopes(g, loss, [table], feeds)).toEqual([[3, 4, 0, 0, 6, 8]])
  })
})

describe('gradients', () => {
  test('with respect to a value between parameters and the loss', async () => {
    const g = new Graph('between')
    const x = g.input('x', 'float32', [2])
    const hidden = g.exp(x)
    const loss = total(g, g.mul(hidden, hidden))
    const [atHidden, atInput] = await slopes(g, loss, [hidden, x], { x: floats([2], [0, 1]) })
    expect(atHidden).toEqual([2, expect.closeTo(2 * Math.E, 5)])
    expect(atInput).toEqual([2, expect.closeTo(2 * Math.E ** 2, 4)])
  })

  test('of an intermediate value leave what is before it alone', () => {
    const g = new Graph('between')
    const before = g.log(g.input('x', 'float32', [2]))
    const loss = total(g, g.tanh(before))
    gradients(g, loss, [before])
    const visited = g.nodes.filter(({ name }) => name.startsWith('gradient/')).map(({ op }) => op)
    expect(visited).not.toContain('Div')
  })

  test('of the loss itself are 1', async () => {
    const g = new Graph('itself')
    const loss = total(g, g.input('x', 'float32', [2]))
    expect(await slopes(g, loss, [loss], { x: floats([2], [1, 2]) })).toEqual([[1]])
  })

  test('take a closed form in place of the rules', async () => {
    const g = new Graph('custom')
    const x = g.input('x', 'float32', [2])
    const square = total(g, g.mul(x, x))
    // Not the derivative, so that it shows which one is taken.
    const marked = g.withGradient(square, [x], (dy) => [g.mul(g.expandTo(dy, x), g.scalar(7))])
    const loss = g.mul(marked, g.scalar(10))
    expect(await slopes(g, loss, [x], { x: floats([2], [1, 2]) })).toEqual([[70, 70]])
  })

  test('take a closed form through what has no rule', async () => {
    const g = new Graph('custom scan')
    const x = g.input('x', 'float32', ['words'])
    const body = new Graph('sum')
    const sum = body.add(body.input('sum', 'float32', []), body.input('element', 'float32', []))
    body.output('next', sum)
    const [last] = g.scan(body, [g.scalar(0)], [x])
    const loss = g.mul(
      g.withGradient(last!, [x], (dy) => [g.expandTo(dy, x)]),
      g.scalar(3),
    )
    expect(await slopes(g, loss, [x], { x: floats([2], [1, 2]) })).toEqual([[3, 3]])
  })
})

describe('refusals', () => {
  const g = new Graph('refused')
  const x = g.input('x', 'float32', [2, 3])
  const y = g.input('y', 'float32', [2])
  const sum = total(g, x)

  test('a loss of more than one element', () => {
    expect(() => gradients(g, x, [x])).toThrow('A loss has one element, not the shape [2, 3]')
  })

  test('a value that the loss does not depend on', () => {
    expect(() => gradients(g, sum, [x, y])).toThrow("The loss does not depend on 'y'")
  })

  test('a value that only a comparison of reaches the loss', () => {
    const loss = total(g, g.cast(g.less(x, g.scalar(0)), 'float32'))
    expect(() => gradients(g, loss, [x])).toThrow("The loss depends on 'x' only through what is not differentiable")
  })

  test('an operator of the runtime, by name', () => {
    const [fast] = g.scoped('block', () =>
      g.applyForeign('FastGelu', 'com.microsoft', [x], {}, [{ dtype: 'float32', shape: [2, 3] }]),
    )
    expect(() => gradients(g, total(g, fast!), [x])).toThrow("Node 'block/FastGelu': FastGelu is not differentiable")
  })

  test('the mean that a normalisation also gives', () => {
    const ones = g.initializer('ones', floats([3], [1, 1, 1]))
    const [, mean] = g.apply('LayerNormalization', [x, ones], { axis: -1, epsilon: 1e-5 })
    expect(() => gradients(g, total(g, mean!), [x])).toThrow(
      "Node 'LayerNormalization' breaks a rule of LayerNormalization: nothing is differentiated through the mean",
    )
  })
})
