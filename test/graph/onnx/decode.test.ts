import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NerError } from '../../../src/errors.js'
import { Graph } from '../../../src/graph/graph.js'
import { decodeModel } from '../../../src/graph/onnx/decode.js'
import { encodeModel } from '../../../src/graph/onnx/encode.js'
import { onnx } from '../../../src/graph/onnx/proto.js'
import { print } from '../../../src/graph/print.js'
import type { Attribute, DType, Tensor, TensorArray, Value } from '../../../src/graph/types.js'
import { verify } from '../../../src/graph/verify.js'
import { evaluateFile, floats } from '../engine.js'
import { classifier, samples, scan } from '../samples.js'

const { AttributeType } = onnx.AttributeProto
const { DataType } = onnx.TensorProto

describe('a file of ours', () => {
  test.each(Object.entries(samples))('is read back to the byte, and computes the same: %s', async (_, sample) => {
    const { g, feeds } = sample()
    const bytes = encodeModel(g)
    const read = decodeModel(bytes)
    verify(read)
    const again = encodeModel(read)
    expect(Buffer.compare(bytes, again)).toBe(0)
    expect(await evaluateFile(again, feeds)).toEqual(await evaluateFile(bytes, feeds))
  })

  test('keeps its types, symbols and names', () => {
    const { g } = classifier()
    const read = decodeModel(encodeModel(g))
    expect(read.inputs).toEqual(g.inputs)
    expect(read.outputs.map(({ name, value }) => [name, value.dtype, value.shape])).toEqual(
      g.outputs.map(({ name, value }) => [name, value.dtype, value.shape]),
    )
    expect(read.nodes.map(({ name }) => name)).toEqual(g.nodes.map(({ name }) => name).filter(isLive(read)))
  })

  test('can be built on', async () => {
    const { g, feeds } = classifier()
    const read = decodeModel(encodeModel(g))
    const { value } = read.outputs.find(({ name }) => name === 'probabilities')!
    read.output('best', read.argmax(read.mul(value, read.scalar(2)), -1))
    verify(read)
    const { best } = await evaluateFile(encodeModel(read), feeds)
    expect(best!.dims).toEqual([2])
  })

  test('whatever it holds, is read back to the byte', () => {
    fc.assert(
      fc.property(recipe, (steps) => {
        const g = grow(steps)
        verify(g)
        const bytes = encodeModel(g)
        const read = decodeModel(bytes)
        verify(read)
        expect(Buffer.compare(bytes, encodeModel(read))).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('whatever it holds, computes the same', async () => {
    await fc.assert(
      fc.asyncProperty(recipe, async (steps) => {
        const bytes = encodeModel(grow(steps))
        const feeds = { x: floats([2, 3], [0.5, -1, 2, 0.25, 3, -0.75]) }
        const again = encodeModel(decodeModel(bytes))
        expect(await evaluateFile(again, feeds)).toEqual(await evaluateFile(bytes, feeds))
      }),
      { numRuns: 30 },
    )
  })
})

const isLive = (read: Graph) => {
  const names = new Set(read.nodes.map(({ name }) => name))
  return (name: string) => names.has(name)
}

/** Each step takes values made before it, and gives one of the same shape: so any order of steps is a graph. */
const steps = {
  add: (g: Graph, a: Value, b: Value) => g.add(a, b),
  scaled: (g: Graph, a: Value) => g.mul(a, g.initializer('scale', floats([3], [1, 0.5, 2]))),
  tanh: (g: Graph, a: Value) => g.tanh(a),
  softmax: (g: Graph, a: Value) => g.softmax(a, 0),
  sum: (g: Graph, a: Value, b: Value) => g.add(a, g.sum(b, [-1])),
  product: (g: Graph, a: Value) => g.gemm(a, g.initializer('square', floats([3, 3], [...Array(9).keys()]))),
  turned: (g: Graph, a: Value) => g.transpose(g.relu(g.transpose(a, [1, 0])), [1, 0]),
  flat: (g: Graph, a: Value) => g.reshape(g.sigmoid(g.reshape(a, ['3*batch'])), ['batch', 3]),
  slid: (g: Graph, a: Value, b: Value) => g.concat([g.slice(a, 1, 1), g.slice(b, 1, 0, 1)], 1),
  chosen: (g: Graph, a: Value, b: Value) => g.where(g.less(a, b), a, b),
  normal: (g: Graph, a: Value) => {
    const ones = g.initializer('ones', floats([3], [1, 1, 1]))
    return g.layerNorm(a, ones, ones, 1e-5)
  },
  sharpened: (g: Graph, a: Value) =>
    g.applyForeign('QuickGelu', 'com.microsoft', [a], { alpha: 1.5 }, [{ dtype: 'float32', shape: a.shape }])[0]!,
  carried: (g: Graph, a: Value) => {
    const body = new Graph('carry')
    const state = body.input('state', 'float32', [3])
    const next = body.max(body.input('row', 'float32', [3]), state)
    body.output('next', next)
    body.output('row.out', next)
    return g.scan(body, [g.fill([3], 0, 'float32')], [a])[1]!
  },
}

interface Step {
  readonly step: (g: Graph, a: Value, b: Value) => Value
  readonly from: readonly number[]
  readonly isOutput: boolean
}

const recipe = fc.array(
  fc.record({
    step: fc.constantFrom(...Object.values(steps)),
    from: fc.tuple(fc.nat(), fc.nat()),
    isOutput: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
)

function grow(chosen: readonly Step[]): Graph {
  const g = new Graph('grown')
  const values = [g.input('x', 'float32', ['batch', 3])]
  for (const [i, { step, from, isOutput }] of chosen.entries()) {
    const [a, b] = from.map((index) => values[index % values.length]!) as [Value, Value]
    values.push(step(g, a, b))
    // Any value may be an output: the input, one that is an output already, one in the middle.
    if (isOutput) g.output(`out${i}`, a)
  }
  g.output('y', values.at(-1)!)
  return g
}

const value = (name: string, elemType: number, dims: readonly (number | string)[]): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
    },
  },
})

interface FileParts {
  readonly graph?: onnx.IGraphProto
  readonly opset?: number
  readonly model?: onnx.IModelProto
}

/** A file that others could have written: `y = Exp(x)`, with what the test replaces. */
function foreignFile({ graph = {}, opset = 20, model = {} }: FileParts): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 9,
    opsetImport: [
      { domain: 'ai.onnx', version: opset },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'foreign',
      input: [value('x', DataType.FLOAT, ['n', 2])],
      output: [value('y', DataType.FLOAT, ['n', 2])],
      node: [{ opType: 'Exp', input: ['x'], output: ['y'] }],
      ...graph,
    },
    ...model,
  }).finish()
}

describe('a file of others', () => {
  const stored: readonly (readonly [DType, onnx.ITensorProto, TensorArray])[] = [
    ['float32', { floatData: [1, -0.5] }, Float32Array.of(1, -0.5)],
    ['int64', { int64Data: [3, -4] }, BigInt64Array.of(3n, -4n)],
    ['int32', { int32Data: [3, -4] }, Int32Array.of(3, -4)],
    ['int8', { int32Data: [3, -4] }, Int8Array.of(3, -4)],
    ['uint8', { int32Data: [3, 200] }, Uint8Array.of(3, 200)],
    ['bool', { int32Data: [0, 1] }, Uint8Array.of(0, 1)],
    ['float16', { int32Data: [0x3c00, 0xfc00] }, Uint16Array.of(0x3c00, 0xfc00)],
    ['bfloat16', { int32Data: [0x3f80, 0xff80] }, Uint16Array.of(0x3f80, 0xff80)],
    [
      'int64',
      { rawData: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 254, ...Array<number>(7).fill(255)) },
      BigInt64Array.of(1n, -2n),
    ],
    ['float32', { rawData: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 191) }, Float32Array.of(1, -0.5)],
  ]
  const types = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 }

  test.each(stored)('keeps %s elements in its fields', (dtype, fields, data) => {
    const initializer = [{ name: 'stored', dims: [2], dataType: types[dtype], ...fields }]
    const read = decodeModel(foreignFile({ graph: { initializer } }))
    expect(read.initializers.get('stored')!.tensor).toEqual({ dtype, dims: [2], data })
  })

  test('reads tensors that are not aligned in the file', () => {
    // Names of every length move the elements to every offset.
    for (let length = 1; length <= 8; length++) {
      const name = 'w'.repeat(length)
      const tensor = floats([3], [1, 2, 3])
      const rawData = new Uint8Array(tensor.data.buffer)
      const bytes = foreignFile({ graph: { initializer: [{ name, dims: [3], dataType: DataType.FLOAT, rawData }] } })
      for (const file of [bytes, new Uint8Array(bytes)]) {
        expect(decodeModel(file).initializers.get(name)!.tensor.data).toEqual(tensor.data)
      }
    }
  })

  test('has attributes of every kind', () => {
    const tensor: Tensor = { dtype: 'int8', dims: [1], data: Int8Array.of(-1) }
    const inner = new Graph('inner')
    inner.output('Exp', inner.exp(inner.input('element', 'float32', [1])))
    const attributes: Record<string, Attribute> = {
      int: -7,
      float: { float: 0.5 },
      string: 'ĝ',
      ints: [1, -(2 ** 40)],
      floats: Float32Array.of(0.5, 2),
      strings: ['a', 'b'],
      tensor,
      tensors: [tensor, tensor],
      graph: inner,
      graphs: [inner, inner],
    }
    const g = new Graph('kinds')
    const type = { dtype: 'float32', shape: ['batch'] } as const
    g.output('y', g.applyForeign('Op', 'com.example', [g.input('x', 'float32', ['batch'])], attributes, [type])[0]!)
    const bytes = encodeModel(g)
    const read = decodeModel(bytes)
    const { graph: body, graphs, ...rest } = read.nodes[0]!.attributes
    const { graph: _, graphs: __, ...expected } = attributes
    expect(rest).toEqual(expected)
    expect([body, ...(graphs as Graph[])].map((each) => print(each as Graph))).toEqual(Array(3).fill(print(inner)))
    expect(Buffer.compare(encodeModel(read), bytes)).toBe(0)
  })

  test('leaves out attributes, which then mean their defaults', () => {
    const node = [
      { opType: 'Softmax', input: ['x'], output: ['s'] },
      { opType: 'ReduceSum', input: ['s'], output: ['y'] },
    ]
    const output = [value('y', DataType.FLOAT, [1, 1])]
    const read = decodeModel(foreignFile({ graph: { node, output } }))
    verify(read)
    expect(read.nodes.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['Softmax', { axis: -1 }],
      ['ReduceSum', { keepdims: 1 }],
    ])
  })

  test('names the same copy again and again', () => {
    const node = [
      { opType: 'Identity', input: ['x'], output: ['a'] },
      { opType: 'Exp', input: ['a'], output: ['b'] },
      { opType: 'Identity', input: ['b'], output: ['y'] },
    ]
    const read = decodeModel(foreignFile({ graph: { node } }))
    expect(print(read)).toBe(
      ["graph 'foreign'", 'input %x: float32[n, 2]', '%b: float32[n, 2] = Exp(%x)  # Exp', "output 'y' = %b", ''].join(
        '\n',
      ),
    )
  })

  test('leaves dimensions open, and writes products in its own order', () => {
    const input = [value('x', DataType.FLOAT, ['words*batch'])]
    input[0]!.type!.tensorType!.shape!.dim!.push({})
    const read = decodeModel(foreignFile({ graph: { input, output: [value('y', DataType.FLOAT, ['n', 'm'])] } }))
    expect(read.inputs[0]!.shape).toEqual(['batch*words', 'x.1'])
  })

  test('declares the types of operators outside the table', () => {
    const node = [{ opType: 'Celu', input: ['x'], output: ['y'], attribute: [] }]
    const read = decodeModel(foreignFile({ graph: { node } }))
    expect(read.nodes[0]!.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['n', 2] }])
    expect(() => verify(read)).toThrow("Node 'Celu' is of an unknown operator, Celu")
  })

  test('lists initializers as inputs too, as old ones do', () => {
    const initializer = [{ name: 'x', dims: [1, 2], dataType: DataType.FLOAT, floatData: [1, 2] }]
    const read = decodeModel(foreignFile({ graph: { initializer } }))
    expect(read.inputs).toEqual([])
    expect(read.outputs[0]!.value.shape).toEqual([1, 2])
  })
})

const exp = { opType: 'Exp', input: ['x'], output: ['y'] }
const weight = { name: 'w', dims: [2], dataType: DataType.FLOAT }

const refused: Readonly<Record<string, { readonly file: FileParts; readonly says: readonly string[] }>> = {
  'no graph': { file: { model: { graph: null } }, says: ['holds no graph'] },
  functions: { file: { model: { functions: [{ name: 'f' }] } }, says: ['Functions of a model are not supported'] },
  'an old opset': {
    file: { opset: 12 },
    says: ["Version 12 of the operators of '' is not supported, only 18 to 20", "node 'Exp' (Exp)"],
  },
  'operators that it does not import': {
    file: { graph: { node: [{ ...exp, domain: 'com.example' }] } },
    says: ["does not import the operators of 'com.example'"],
  },
  'external data': {
    file: {
      graph: {
        initializer: [
          {
            ...weight,
            dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
            externalData: [{ key: 'location', value: '../w' }],
          },
        ],
      },
    },
    says: ['lies outside the file, as external data', "initializer 'w'", 'Save the model as one file.'],
  },
  'sparse tensors': { file: { graph: { sparseInitializer: [{}] } }, says: ['Sparse tensors'] },
  'elements of another type': {
    file: { graph: { initializer: [{ ...weight, dataType: DataType.DOUBLE, doubleData: [1, 2] }] } },
    says: ['Elements of type DOUBLE are not supported', "initializer 'w' of the graph"],
  },
  'too few elements': {
    file: { graph: { initializer: [{ ...weight, floatData: [1] }] } },
    says: ['A tensor float32[2] has 1 elements, not 2', "initializer 'w'"],
  },
  'bytes that are no whole elements': {
    file: { graph: { initializer: [{ ...weight, rawData: Uint8Array.of(1, 2, 3) }] } },
    says: ['3 bytes are no whole number of float32 elements'],
  },
  'a size that nothing could hold': {
    file: { graph: { initializer: [{ ...weight, dims: [2 ** 40, 2 ** 40], floatData: [1] }] } },
    says: ['is impossible'],
  },
  'a negative size': {
    file: { graph: { initializer: [{ ...weight, dims: [-1, -2], floatData: [1, 2] }] } },
    says: ['The shape [-1, -2] is impossible'],
  },
  'an input of unknown rank': {
    file: { graph: { input: [{ name: 'x', type: { tensorType: { elemType: 1 } } }] } },
    says: ['An input has no tensor type with a shape', "input 'x'"],
  },
  'a value that nothing defines': {
    file: { graph: { node: [{ ...exp, input: ['z'] }] } },
    says: ["A node reads 'z', which nothing before it in its graph defines", "node 'Exp' (Exp)"],
  },
  'a value defined twice': {
    file: { graph: { node: [exp, exp] } },
    says: ["The value 'y' has no name or is defined twice", "node 'Exp.1' (Exp)"],
  },
  'an output that nothing defines': {
    file: { graph: { output: [value('z', 1, [2])] } },
    says: ['Nothing defines an output', "output 'z'"],
  },
  'an attribute given twice': {
    file: {
      graph: {
        node: [{ ...exp, attribute: [1, 2].map((i) => ({ name: 'axis', type: AttributeType.INT, i })) }],
      },
    },
    says: ['An attribute is given twice', "attribute 'axis' of node 'Exp' (Exp)"],
  },
  'an attribute without a kind': {
    file: { graph: { node: [{ ...exp, attribute: [{ name: 'axis', i: 1 }] }] } },
    says: ['Attributes of kind 0 are not supported'],
  },
  'a declared type that the operator does not give': {
    file: { graph: { output: [value('y', DataType.FLOAT, ['n', 3])] } },
    says: ['The file declares float32[n, 3] where the operator gives float32[n, 2]', "node 'Exp' (Exp)"],
  },
  'an operator of the runtime without a declared type': {
    file: {
      graph: {
        node: [
          { opType: 'FastGelu', domain: 'com.microsoft', input: ['x'], output: ['h'] },
          { ...exp, input: ['h'] },
        ],
      },
    },
    says: ['The type of an output is not known', "node 'FastGelu'", 'x float32[n, 2]'],
  },
  'more outputs than the operator has': {
    file: { graph: { node: [{ ...exp, output: ['y', 'z'] }] } },
    says: ['The operator has 1 outputs, not 2'],
  },
}

describe('refused:', () => {
  test.each(Object.entries(refused))('%s', (_, { file, says }) => {
    const error = catchError(() => decodeModel(foreignFile(file)))
    expect(error).toMatchObject({ name: 'NerError', code: 'graph/corrupt' })
    for (const part of says) expect(String(error)).toContain(part)
  })

  test('a node that breaks a rule', () => {
    const node = [
      { opType: 'MatMul', name: 'product', input: ['x', 'x'], output: ['h'] },
      { ...exp, input: ['h'] },
    ]
    expect(() => decodeModel(foreignFile({ graph: { node } }))).toThrow(
      "Node 'product' breaks a rule of MatMul: inner dimensions 2 and n differ",
    )
  })

  test('a body that reads what is around it', () => {
    const body: onnx.IGraphProto = {
      name: 'body',
      input: [value('s', 1, []), value('e', 1, [2])],
      node: [{ opType: 'Add', input: ['s', 'x'], output: ['o'] }],
      output: [value('o', 1, [])],
    }
    const attribute: onnx.IAttributeProto[] = [
      { name: 'body', type: AttributeType.GRAPH, g: body },
      { name: 'num_scan_inputs', type: AttributeType.INT, i: 1 },
    ]
    const initializer = [{ name: 'zero', dims: [], dataType: DataType.FLOAT, floatData: [0] }]
    const node = [{ opType: 'Scan', input: ['zero', 'x'], output: ['y'], attribute }]
    const error = catchError(() => decodeModel(foreignFile({ graph: { node, initializer } })))
    expect(String(error)).toContain("A node reads 'x', which nothing before it in its graph defines")
    expect(String(error)).toContain("node 'Add' (Add) of the body of node 'Scan'")
  })

  test('no file at all', () => {
    expect(() => decodeModel(new Uint8Array())).toThrow('holds no graph')
    expect(() => decodeModel(new TextEncoder().encode('<!doctype html>'))).toThrow('The ONNX file is damaged')
  })
})

describe('a damaged file is refused, or read as what it then says', () => {
  const files = [classifier(), scan(), samples.foreign!()].map(({ g }) => encodeModel(g))

  test('cut anywhere', () => {
    for (const bytes of files) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeModel(bytes.subarray(0, length))).toThrow(NerError)
      }
    }
  })

  test('with bytes changed', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }) }), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(fc.constantFrom(...files), damage, (bytes, changes) => {
        const damaged = new Uint8Array(bytes)
        for (const { at, bits } of changes) damaged[at % damaged.length]! ^= bits
        onlyNerErrors(damaged)
      }),
      { numRuns: 1000 },
    )
  })

  test('of nothing but noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), onlyNerErrors), { numRuns: 1000 })
  })

  function onlyNerErrors(bytes: Uint8Array): void {
    try {
      const read = decodeModel(bytes)
      print(read)
      encodeModel(read)
      verify(read)
    } catch (error) {
      if (!(error instanceof NerError)) throw error
    }
  }
})

function catchError(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
