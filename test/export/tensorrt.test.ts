import { describe, expect, test } from 'vitest'
import { requireTensorRt } from '../../src/export/tensorrt.js'
import { Graph } from '../../src/graph/graph.js'
import type { Value } from '../../src/graph/types.js'
import { floats, integers } from '../graph/engine.js'

function graph(build: (g: Graph, x: Value) => Value | undefined): Graph {
  const g = new Graph('graph')
  g.output('y', build(g, g.input('x', 'float32', ['rows', 4]))!)
  return g
}

const scalar = (dtype: 'int8' | 'uint8', value: number) =>
  dtype === 'int8' ? { dtype, dims: [], data: Int8Array.of(value) } : { dtype, dims: [], data: Uint8Array.of(value) }

function quantized(dtype: 'int8' | 'uint8', zero: number): Graph {
  return graph((g, x) => {
    const scale = g.initializer('scale', floats([], [0.1]))
    const point = g.initializer('zero', scalar(dtype, zero))
    return g.dequantize(g.quantize(x, scale, point), scale, point)
  })
}

const body = (op: (g: Graph, x: Value) => Value) => {
  const step = new Graph('step')
  const state = step.input('state', 'float32', [4])
  const element = step.input('element', 'float32', [4])
  step.output('next', op(step, step.add(state, element)))
  return step
}

describe("TensorRT's parser", () => {
  test.each([
    ['explicit Q/DQ pairs of int8 around 0', quantized('int8', 0)],
    ['norms, softmax, GELU', graph((g, x) => g.softmax(g.gelu(x)))],
    [
      'scans',
      graph(
        (g, x) =>
          g.scan(
            body((s, v) => s.tanh(v)),
            [g.fill([4], 0, 'float32')],
            [x],
          )[0]!,
      ),
    ],
  ])('takes %s', (_, g) => {
    expect(() => requireTensorRt(g, 'model.onnx')).not.toThrow()
  })

  test.each([
    [
      'a dynamic quantization',
      graph((g, x) => g.apply('DynamicQuantizeLinear', [x], {})[0]),
      'DynamicQuantizeLinear: it is not in',
    ],
    ['another zero point', quantized('int8', 3), 'QuantizeLinear: its zero point is not 0'],
    ['unsigned bytes', quantized('uint8', 0), 'DequantizeLinear: it is of uint8'],
    [
      "an operator of ONNX Runtime's own",
      graph((g, x) => g.applyForeign('FastGelu', 'com.microsoft', [x], {}, [{ dtype: 'float32', shape: x.shape }])[0]),
      'FastGelu: it is of the domain com.microsoft',
    ],
    [
      'an operator that nobody knows',
      graph((g, x) => g.applyForeign('Frobnicate', '', [x], {}, [{ dtype: 'float32', shape: x.shape }])[0]),
      'Frobnicate: it is not in the list',
    ],
    [
      'rows that are added up',
      graph((g, x) => g.scatterAdd(x, g.initializer('rows', integers([1], [0])), g.slice(x, 0, 0, 1))),
      'ScatterND: it reduces',
    ],
    [
      'a quantization within a body',
      graph(
        (g, x) =>
          g.scan(
            body((s, v) => s.cast(s.apply('DynamicQuantizeLinear', [v], {})[0]!, 'float32')),
            [g.fill([4], 0, 'float32')],
            [x],
          )[0],
      ),
      'DynamicQuantizeLinear',
    ],
  ])('does not take %s', (_, g, message) => {
    expect(() => requireTensorRt(g, 'model.onnx')).toThrow(message)
    expect(() => requireTensorRt(g, 'model.onnx')).toThrow(
      expect.objectContaining({ code: 'export/not-tensorrt' }) as Error,
    )
  })
})
