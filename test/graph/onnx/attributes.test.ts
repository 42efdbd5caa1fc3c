import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { decodeModel } from '../../../src/graph/onnx/decode.js'
import { encodeModel } from '../../../src/graph/onnx/encode.js'
import { onnx } from '../../../src/graph/onnx/proto.js'
import { schemas, type AttributeSchema } from '../../../src/graph/ops/schema.js'
import type { Attribute, Node } from '../../../src/graph/types.js'

const { AttributeType } = onnx.AttributeProto

/** A body that a file can hold. */
function body(): Graph {
  const g = new Graph('inner')
  g.output('y', g.exp(g.input('element', 'float32', [1])))
  return g
}

const integer = fc.integer({ min: -(2 ** 40), max: 2 ** 40 })
const values: Readonly<Record<AttributeSchema['kind'], fc.Arbitrary<Attribute>>> = {
  int: integer,
  // Whole numbers too: what is a float does not follow from the value.
  float: fc.oneof(fc.integer({ min: -100, max: 100 }), fc.float({ noNaN: true })),
  ints: fc.array(integer, { maxLength: 3 }),
  string: fc.string(),
  type: fc.constantFrom('float32', 'int64', 'bool', 'float16'),
  tensor: fc.float32Array({ minLength: 1, maxLength: 3, noNaN: true }).map((data) => {
    return { dtype: 'float32', dims: [data.length], data }
  }),
  graph: fc.constant(null).map(body),
}

const kinds: Readonly<Record<AttributeSchema['kind'], onnx.AttributeProto.AttributeType>> = {
  int: AttributeType.INT,
  float: AttributeType.FLOAT,
  ints: AttributeType.INTS,
  string: AttributeType.STRING,
  type: AttributeType.INT,
  tensor: AttributeType.TENSOR,
  graph: AttributeType.GRAPH,
}

/** A graph of one node. It reads nothing, so that no rule says what it gives: that is as declared. */
function graphOf(op: string, domain: string, attributes: Node['attributes']): Graph {
  const g = new Graph('one')
  const output = { name: 'y', dtype: 'float32', shape: ['batch'] } as const
  g.insert({ name: 'node', op, domain, inputs: [], outputs: [output], attributes })
  g.output('y', output)
  return g
}

function readBack(op: string, domain: string, attributes: Node['attributes']) {
  const bytes = encodeModel(graphOf(op, domain, attributes))
  const [stored] = onnx.ModelProto.decode(bytes).graph!.node!
  return { stored: stored!.attribute!, read: decodeModel(bytes), bytes }
}

/** Every attribute that a file has; how much a Loop captures is told by names there. */
const declared = Object.entries(schemas).flatMap(([op, { attributes }]) =>
  Object.entries(attributes as Readonly<Record<string, AttributeSchema>>).flatMap(([name, { kind }]) =>
    op === 'Loop' ? [] : [{ op, name, kind }],
  ),
)

describe('attributes', () => {
  test.each(declared)('$op: $name is written and read as $kind', ({ op, name, kind }) => {
    fc.assert(
      fc.property(values[kind], (value) => {
        const { stored, read, bytes } = readBack(op, '', { [name]: value })
        expect(stored.find((attribute) => attribute.name === name)!.type).toBe(kinds[kind])
        const own = read.nodes[0]!.attributes[name]
        if (kind === 'graph') expect(own).toBeInstanceOf(Graph)
        else expect(own).toEqual(kind === 'float' ? Math.fround(value as number) : value)
        if (stored.length === Object.values(read.nodes[0]!.attributes).length)
          expect(Buffer.compare(encodeModel(read), bytes)).toBe(0)
      }),
      { numRuns: 20 },
    )
  })

  test('of operators outside the table are floats where they are no whole numbers, or are written as floats', () => {
    const { stored, read, bytes } = readBack('BatchNormalization', 'com.example', {
      momentum: 0.5,
      epsilon: { float: 1 },
      alpha: 3,
    })
    expect(stored.map(({ name, type }) => [name, type])).toEqual([
      ['momentum', AttributeType.FLOAT],
      ['epsilon', AttributeType.FLOAT],
      ['alpha', AttributeType.INT],
    ])
    expect(read.nodes[0]!.attributes).toEqual({ momentum: { float: 0.5 }, epsilon: { float: 1 }, alpha: 3 })
    expect(Buffer.compare(encodeModel(read), bytes)).toBe(0)
  })
})
