import { describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { encodeModel } from '../../../src/graph/onnx/encode.js'
import { onnx } from '../../../src/graph/onnx/proto.js'
import { evaluateFile, floats } from '../engine.js'

function graph(build: (g: Graph, x: ReturnType<Graph['input']>) => ReturnType<Graph['input']>): Graph {
  const g = new Graph('opsets')
  g.output('y', build(g, g.input('x', 'float32', ['rows', 2])))
  return g
}
const one = floats([2], [1, 1])
const gelu = graph((g, x) => g.gelu(x))
const norm = graph((g, x) => g.layerNorm(x, g.initializer('scale', one), g.initializer('bias', one), 1e-5))

function versions(bytes: Uint8Array) {
  const model = onnx.ModelProto.decode(bytes)
  return { opset: Number(model.opsetImport[0]!.version), ir: Number(model.irVersion) }
}

describe('an opset', () => {
  test.each([
    ['Gelu', gelu, 19, 20],
    ['LayerNormalization', norm, 16, 17],
    ['ReduceMax', graph((g, x) => g.maximum(x, [1])), 17, 18],
    ['Softmax', graph((g, x) => g.softmax(x)), 12, 13],
  ])('too old for %s is refused by its name', (op, g, old, enough) => {
    expect(() => encodeModel(g, { opset: old })).toThrow(
      expect.objectContaining({
        code: 'graph/old-opset',
        what: `Opset ${old} is too old for ${op}, which came with opset ${enough}.`,
      }),
    )
    expect(() => encodeModel(g, { opset: enough })).not.toThrow()
  })

  test('is refused for the newest operator of all, also where it is in a body', () => {
    const body = new Graph('body')
    const state = body.input('state', 'float32', [2])
    const element = body.input('element', 'float32', [2])
    body.output('next', body.gelu(body.add(state, element)))
    const g = graph((g, x) => g.scan(body, [g.fill([2], 0, 'float32')], [x])[0]!)
    expect(() => encodeModel(g, { opset: 17 })).toThrow(/too old for Gelu/)
  })

  test('that does not exist yet is refused', () => {
    expect(() => encodeModel(gelu, { opset: 99 })).toThrow('Opset 99 is newer than what is written here, 20')
  })

  test('is what the file says, with the IR version of its time, and runs', async () => {
    const bytes = encodeModel(norm, { opset: 17 })
    expect(versions(bytes)).toEqual({ opset: 17, ir: 8 })
    const { y } = await evaluateFile(bytes, { x: floats([1, 2], [1, 3]) })
    expect(Array.from(y!.data as Float32Array).map((value) => value.toFixed(3))).toEqual(['0.000', '2.000'])
  })

  test('without one, it is the newest', () => {
    expect(versions(encodeModel(norm))).toEqual({ opset: 20, ir: 9 })
  })
})
