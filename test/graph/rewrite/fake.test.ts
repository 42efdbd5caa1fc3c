import { describe, expect, test } from 'vitest'
import { gradients } from '../../../src/graph/autodiff.js'
import { Graph } from '../../../src/graph/graph.js'
import { quantizeDynamic } from '../../../src/graph/rewrite/dynamic.js'
import { fakeQuantize } from '../../../src/graph/rewrite/fake.js'
import { verify } from '../../../src/graph/verify.js'
import { evaluate } from '../engine.js'
import { distance, draw, every, layers, rowsOf, times, transpose, weights, width, x } from './layers.js'

describe('fake quantization', () => {
  test('computes in float what int8 will', async () => {
    const options = { limit: 64, includes: every } as const
    const { graph, matches } = fakeQuantize(layers(), options)
    verify(graph)
    expect(matches).toBe(3)
    const fake = await evaluate(graph, { x })
    const int8 = await evaluate(quantizeDynamic(layers(), options).graph, { x })
    for (const name of ['query', 'mixed', 'out']) {
      const scale = Math.max(1, ...rowsOf(int8[name]!).flat().map(Math.abs))
      expect(distance(fake[name]!, rowsOf(int8[name]!)) / scale, name).toBeLessThan(1e-4)
    }
  })

  test('passes gradients straight through: those of a product of the rounded operands', async () => {
    const old = new Graph('one layer')
    const input = old.input('x', 'float32', ['rows', width])
    const weight = old.input('key.weight', 'float32', [6, width])
    old.output('y', old.gemm(input, weight, { transB: 1 }))
    const { graph: g } = fakeQuantize(old, { limit: 64, includes: every })
    const y = g.outputs[0]!.value
    const cotangent = g.input('dy', 'float32', ['rows', 6])
    const loss = g.sum(g.mul(y, cotangent), [0, 1], 0)
    const [dx, dw] = gradients(g, loss, [input, weight])
    g.output('dx', dx!)
    g.output('dw', dw!)
    const rounded = g.nodes.find(({ op }) => op === 'Gemm')!.inputs
    g.output('rounded x', rounded[0]!)
    g.output('rounded w', rounded[1]!)
    verify(g)
    const dy = draw('dy', 5, 6)
    const results = await evaluate(g, { x, 'key.weight': weights.key, dy })
    expect(distance(results['dx']!, times(rowsOf(dy), rowsOf(results['rounded w']!)))).toBeLessThan(1e-5)
    expect(distance(results['dw']!, times(transpose(rowsOf(dy)), rowsOf(results['rounded x']!)))).toBeLessThan(1e-5)
    expect(distance(results['rounded w']!, rowsOf(weights.key))).toBeGreaterThan(1e-4)
  })

  test('leaves alone what is not included', () => {
    const { graph, matches } = fakeQuantize(layers(), { limit: 64, includes: () => false })
    expect(matches).toBe(0)
    expect(graph.nodes.map(({ op }) => op)).toEqual(layers().nodes.map(({ op }) => op))
  })
})
