import { Graph } from '../graph.js'
import type { Attribute, Node } from '../types.js'
import type { OpAttributes, OpName } from './attributes.js'
import { isKnownOp } from './table.js'

export interface AttributeSchema {
  readonly kind: 'int' | 'float' | 'ints' | 'string' | 'type' | 'tensor' | 'graph'
  /** The only values that the table's rules are written for. */
  readonly among?: readonly (number | string)[]
  /** What a file means that leaves the attribute out. */
  readonly absent?: Attribute
  readonly required?: true
}

interface OpSchema<A> {
  /** The most inputs that the operator takes. */
  readonly inputs: number
  readonly attributes: { readonly [Name in keyof A]-?: AttributeSchema }
}

const unary = { inputs: 1, attributes: {} }
const binary = { inputs: 2, attributes: {} }
const float = (absent: number): AttributeSchema => ({ kind: 'float', absent })
const axis = (absent: number): AttributeSchema => ({ kind: 'int', absent })
const flag = (absent: 0 | 1): AttributeSchema => ({ kind: 'int', among: [0, 1], absent })
const reduction: AttributeSchema = { kind: 'string', among: ['none', 'add'], absent: 'none' }
const int: AttributeSchema = { kind: 'int' }
const zero: Attribute = { dtype: 'float32', dims: [1], data: Float32Array.of(0) }

/** Inputs and attributes of every operator, as the ONNX operator list declares them for opset 20. */
export const schemas: { readonly [K in OpName]: OpSchema<OpAttributes[K]> } = {
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Max: binary,
  Neg: unary,
  Exp: unary,
  Log: unary,
  Sqrt: unary,
  Reciprocal: unary,
  Tanh: unary,
  Sigmoid: unary,
  Relu: unary,
  Erf: unary,
  Gelu: unary,
  HardSigmoid: { inputs: 1, attributes: { alpha: float(0.2), beta: float(0.5) } },
  Where: { inputs: 3, attributes: {} },
  Cast: { inputs: 1, attributes: { to: { kind: 'type', required: true } } },
  Equal: binary,
  Less: binary,
  And: binary,
  Not: unary,
  MatMul: binary,
  Gemm: {
    inputs: 3,
    attributes: {
      alpha: { kind: 'float' },
      beta: { kind: 'float' },
      transA: { kind: 'int', among: [0, 1] },
      transB: { kind: 'int', among: [0, 1] },
    },
  },
  QuantizeLinear: { inputs: 3, attributes: { axis: axis(1) } },
  DequantizeLinear: { inputs: 3, attributes: { axis: axis(1) } },
  DynamicQuantizeLinear: unary,
  MatMulInteger: { inputs: 4, attributes: {} },
  ReduceSum: { inputs: 2, attributes: { keepdims: flag(1) } },
  ReduceMax: { inputs: 2, attributes: { keepdims: flag(1) } },
  ArgMax: { inputs: 1, attributes: { axis: axis(0), keepdims: flag(1) } },
  Softmax: { inputs: 1, attributes: { axis: axis(-1) } },
  LogSoftmax: { inputs: 1, attributes: { axis: axis(-1) } },
  LayerNormalization: { inputs: 3, attributes: { axis: axis(-1), epsilon: float(1e-5) } },
  Reshape: binary,
  Transpose: { inputs: 1, attributes: { perm: { kind: 'ints', required: true } } },
  Expand: binary,
  Concat: { inputs: Infinity, attributes: { axis: { kind: 'int', required: true } } },
  Split: { inputs: 2, attributes: { axis: axis(0) } },
  Slice: { inputs: 5, attributes: {} },
  Shape: { inputs: 1, attributes: { start: int, end: int } },
  ConstantOfShape: { inputs: 1, attributes: { value: { kind: 'tensor', absent: zero } } },
  Gather: { inputs: 2, attributes: { axis: axis(0) } },
  GatherElements: { inputs: 2, attributes: { axis: axis(0) } },
  ScatterElements: { inputs: 3, attributes: { axis: axis(0), reduction } },
  ScatterND: { inputs: 3, attributes: { reduction } },
  ReverseSequence: { inputs: 2, attributes: { batch_axis: flag(1), time_axis: flag(0) } },
  Scan: {
    inputs: Infinity,
    attributes: {
      body: { kind: 'graph', required: true },
      num_scan_inputs: { kind: 'int', required: true },
      scan_input_directions: { kind: 'ints' },
      scan_output_directions: { kind: 'ints' },
    },
  },
  Loop: {
    inputs: Infinity,
    attributes: { body: { kind: 'graph', required: true }, captures: { kind: 'int', absent: 0 } },
  },
}

/** The attributes of a node in a file, with those that it leaves out. */
export function withDefaults(
  op: OpName,
  attributes: Readonly<Record<string, Attribute | undefined>>,
): Record<string, Attribute | undefined> {
  const absent = Object.entries(attributesOf(op)).flatMap(([name, schema]) =>
    schema.absent !== undefined && attributes[name] === undefined ? [[name, schema.absent] as const] : [],
  )
  return { ...attributes, ...Object.fromEntries(absent) }
}

/** Why a node is not one that the table's rules are written for, or undefined where it is. */
export function misfit({ op, domain, inputs, attributes }: Omit<Node, 'name' | 'outputs'>): string | undefined {
  if (domain !== '' || !isKnownOp(op)) return 'it is not an operator of the table'
  if (inputs.length > schemas[op].inputs) return `it takes at most ${schemas[op].inputs} inputs, not ${inputs.length}`
  const known = attributesOf(op)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue
    const schema = Object.hasOwn(known, name) ? known[name] : undefined
    if (!schema) return `it has no attribute '${name}'`
    if (!isKind[schema.kind](value)) return `attribute '${name}' is of kind ${schema.kind}`
    if (schema.among && !schema.among.includes(value as number | string))
      return `attribute '${name}' is one of ${schema.among.join(', ')}`
  }
  const missing = Object.keys(known).find((name) => known[name]!.required && attributes[name] === undefined)
  return missing === undefined ? undefined : `attribute '${missing}' is required`
}

/** The kind of an attribute, where the operator is in the table and has one of this name. */
export function attributeKind(op: string, domain: string, name: string): AttributeSchema['kind'] | undefined {
  const known = domain === '' && isKnownOp(op) ? attributesOf(op) : {}
  return Object.hasOwn(known, name) ? known[name]!.kind : undefined
}

function attributesOf(op: OpName): Readonly<Record<string, AttributeSchema>> {
  return schemas[op].attributes
}

const isKind: Readonly<Record<AttributeSchema['kind'], (value: Attribute) => boolean>> = {
  int: Number.isSafeInteger,
  float: (value) => typeof value === 'number',
  ints: (value) => Array.isArray(value) && value.every(Number.isSafeInteger),
  string: (value) => typeof value === 'string',
  type: (value) => typeof value === 'string',
  tensor: (value) => typeof value === 'object' && 'dims' in value,
  graph: (value) => value instanceof Graph,
}
