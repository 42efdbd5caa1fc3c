import { describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { encodeModel } from '../../../src/graph/onnx/encode.js'
import { onnx } from '../../../src/graph/onnx/proto.js'
import { evaluate, floats } from '../engine.js'
import { copies, foreign, scan } from '../samples.js'

const file = (g: Graph) => onnx.ModelProto.decode(encodeModel(g)).graph!
const numbers = (tensor: { data: ArrayLike<unknown> }) => Array.from(tensor.data, Number)

describe('outputs', () => {
  test('that are an input, an initializer or an output already are copies', async () => {
    const { g, feeds } = copies()
    const results = await evaluate(g, feeds)
    expect(Object.keys(results)).toEqual(['same', 'weights', 'normal', 'again'])
    expect(numbers(results.same!)).toEqual(numbers(feeds.x!))
    expect(numbers(results.weights!)).toEqual([1, 2])
    expect(numbers(results.again!)).toEqual(numbers(results.normal!))
    expect(file(g).node!.map(({ opType, output }) => [opType, output])).toEqual([
      ['LayerNormalization', ['normal']],
      ['Identity', ['same']],
      ['Identity', ['weights']],
      ['Identity', ['again']],
    ])
  })

  test('that nobody reads are left out, those between read ones are empty', () => {
    const g = new Graph('statistics')
    const x = g.input('x', 'float32', ['batch', 2])
    const ones = g.initializer('ones', floats([2], [1, 1]))
    const [, , inverse] = g.apply('LayerNormalization', [x, ones], { axis: -1, epsilon: 1e-5 })
    g.output('inverse', inverse!)
    expect(file(g).node![0]!.output).toEqual(['LayerNormalization', '', 'inverse'])
  })
})

test('what no output needs is not in the file', () => {
  const g = new Graph('live')
  const x = g.input('x', 'float32', [2])
  g.exp(g.mul(x, g.initializer('unused', floats([], [2]))))
  g.applyForeign('Unused', 'com.example', [x], {}, [{ dtype: 'float32', shape: [2] }])
  g.output('y', g.neg(x))
  const { node, initializer } = file(g)
  expect(node!.map(({ opType }) => opType)).toEqual(['Neg'])
  expect(initializer).toEqual([])
  expect(onnx.ModelProto.decode(encodeModel(g)).opsetImport).toHaveLength(1)
})

test('a body takes no name of the graph around it, which the engine would refuse', async () => {
  const { g, feeds } = scan()
  const outer = file(g)
  const body = outer.node!.find(({ opType }) => opType === 'Scan')!.attribute![0]!.g!
  const names = ({ input, initializer, node }: onnx.IGraphProto) =>
    [...input!, ...initializer!].map(({ name }) => name!).concat(node!.flatMap(({ output }) => output!))
  expect(names(outer).filter((name) => names(body).includes(name))).toEqual([])

  // state ← state/2 + x + 1, from 1
  const { last, each } = await evaluate(g, feeds)
  expect(numbers(each!)).toEqual([2.5, 3.5, 5.25, 6.75, 8.625, 10.375])
  expect(numbers(last!)).toEqual([17.25, 20.75])
})

test('operators of the runtime bring their domain, also from within a body', async () => {
  const { g, feeds } = foreign()
  // relu(x·wᵀ/2)
  expect(numbers((await evaluate(g, feeds)).y!)).toEqual([0, 0, 0, 5.5, 12.5, 19.5])

  const around = new Graph('around')
  const body = new Graph('body')
  const state = body.input('state', 'float32', [1])
  const element = body.input('element', 'float32', [1])
  const [fast] = body.applyForeign('FastGelu', 'com.microsoft', [element], {}, [{ dtype: 'float32', shape: [1] }])
  body.output('next', body.add(state, fast!))
  around.output(
    'y',
    around.scan(body, [around.fill([1], 1, 'float32')], [around.input('x', 'float32', ['words', 1])])[0]!,
  )
  const { y } = await evaluate(around, { x: floats([2, 1], [0, 20]) })
  expect(numbers(y!)).toEqual([21])
})
