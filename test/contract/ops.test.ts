import { describe, expect, test } from 'vitest'
import { NerError } from '../../src/errors.js'
import { gradients } from '../../src/graph/autodiff.js'
import { formatShape } from '../../src/graph/dims.js'
import { Graph } from '../../src/graph/graph.js'
import { encodeModel } from '../../src/graph/onnx/encode.js'
import type { OpAttributes, OpName } from '../../src/graph/ops/attributes.js'
import { endOfAxis } from '../../src/graph/ops/movement.js'
import { rules } from '../../src/graph/ops/table.js'
import type { DType, Shape, Tensor, TensorArray, Value } from '../../src/graph/types.js'
import { verify } from '../../src/graph/verify.js'
import { random } from '../../src/random.js'
import { createSession, type Session } from '../../src/runtime/session.js'
import { sizeOf } from '../graph/engine.js'

/**
 * What every operator of the table has to keep, checked in ONNX Runtime: the inferred types are the engine's, the
 * gradient is that of finite differences, and inputs that break a rule are refused by name. The table is total:
 * an operator without its cases does not compile.
 */
interface Contract<A> {
  readonly cases: Readonly<Record<string, Case<A>>>
  /** By the rule that the inputs break, as the message says it. */
  readonly refusals: Readonly<Record<string, Refusal<A>>>
}

interface Case<A> {
  readonly inputs: readonly (Feed | undefined)[]
  readonly attributes: A
  /** The rule that a gradient breaks here, of an operator that has one elsewhere. */
  readonly undifferentiable?: string
}

interface Refusal<A> {
  readonly inputs: readonly (Feed | undefined)[]
  readonly attributes: A
}

interface Feed {
  readonly dtype: DType
  readonly shape: Shape
  /** Numbers drawn from a range where they are not given. */
  readonly values: readonly number[] | readonly [low: number, high: number, drawn: true]
  /** Part of the graph, so that the rules see what it holds. */
  readonly known?: true
}

const symbols = { batch: 2, sequence: 3, words: 4 }

const float = (shape: Shape, values?: readonly number[], range: readonly [number, number] = [-1.5, 1.5]): Feed => ({
  dtype: 'float32',
  shape,
  values: values ?? [...range, true],
})
const positive = (shape: Shape): Feed => float(shape, undefined, [0.5, 2])
const int = (shape: Shape, values: readonly number[]): Feed => ({ dtype: 'int64', shape, values })
const uint8 = (shape: Shape, values: readonly number[]): Feed => ({ dtype: 'uint8', shape, values })
const int8 = (shape: Shape, values: readonly number[]): Feed => ({ dtype: 'int8', shape, values })
const bool = (shape: Shape, values: readonly number[]): Feed => ({ dtype: 'bool', shape, values })
const known = (...values: number[]): Feed => ({ dtype: 'int64', shape: [values.length], values, known: true })

// Away from 0 and from each other by more than the differences' step, for functions with a kink.
const kinked = [-1.2, -0.7, 0.3, 0.6, 1.1, -0.2]

const unary = (input: Feed): Contract<OpAttributes['Exp']> => ({
  cases: {
    'a matrix': { inputs: [input], attributes: {} },
    'a symbolic axis': { inputs: [{ ...input, shape: ['batch', ...input.shape.slice(1)] }], attributes: {} },
  },
  refusals: {
    'operands are floats, not int64': { inputs: [int([2], [1, 2])], attributes: {} },
    'input 0 is required': { inputs: [], attributes: {} },
  },
})

const broadcasting = (a: (shape: Shape) => Feed, b: (shape: Shape) => Feed): Contract<OpAttributes['Add']> => ({
  cases: {
    'one shape': { inputs: [a([2, 3]), b([2, 3])], attributes: {} },
    'a row on a matrix': { inputs: [a([2, 3]), b([3])], attributes: {} },
    'a matrix on a column': { inputs: [a([3, 1]), b([3, 2])], attributes: {} },
    'both ways': { inputs: [a([2, 1, 2]), b([3, 1])], attributes: {} },
    'a scalar': { inputs: [a([]), b(['batch', 2])], attributes: {} },
    'symbolic axes': { inputs: [a(['batch', 'sequence']), b(['batch', 1])], attributes: {} },
  },
  refusals: {
    'shapes [2, 3] and [2] do not broadcast': { inputs: [a([2, 3]), b([2])], attributes: {} },
    'shapes [batch] and [sequence] do not broadcast': { inputs: [a(['batch']), b(['sequence'])], attributes: {} },
    'operands have one element type, not float32 and int64': {
      inputs: [a([2]), int([2], [1, 2])],
      attributes: {},
    },
    'operands are numbers, not bool': { inputs: [bool([1], [1]), bool([1], [0])], attributes: {} },
  },
})

const comparison = (refused: Contract<OpAttributes['Less']>['refusals']): Contract<OpAttributes['Less']> => ({
  cases: {
    floats: { inputs: [float([2, 3], kinked), float([3], [0.3, 0.3, 0.3])], attributes: {} },
    integers: { inputs: [int(['batch'], [1, 2]), int([], [2])], attributes: {} },
  },
  refusals: {
    'shapes [2] and [3] do not broadcast': { inputs: [float([2]), float([3])], attributes: {} },
    'operands have one element type, not float32 and int64': { inputs: [float([1]), int([1], [0])], attributes: {} },
    ...refused,
  },
})

const normalising: Contract<OpAttributes['Softmax']> = {
  cases: {
    'the last axis': { inputs: [float([2, 3])], attributes: { axis: -1 } },
    'the first axis': { inputs: [float([3, 2])], attributes: { axis: 0 } },
    'a middle axis, symbolic': { inputs: [float(['batch', 'sequence', 2])], attributes: { axis: 1 } },
  },
  refusals: {
    'axis 2 is outside rank 2': { inputs: [float([2, 3])], attributes: { axis: 2 } },
    'floats are normalised, not int64': { inputs: [int([2], [1, 2])], attributes: { axis: 0 } },
  },
}

const reducing: Contract<OpAttributes['ReduceSum']> = {
  cases: {
    'the last axis, kept': { inputs: [float([2, 3], kinked), known(-1)], attributes: { keepdims: 1 } },
    'the first axis, dropped': { inputs: [float([2, 3], kinked), known(0)], attributes: { keepdims: 0 } },
    'two axes, dropped': { inputs: [float([1, 2, 3], kinked), known(0, 2)], attributes: { keepdims: 0 } },
    'all axes': { inputs: [float([2, 3], kinked)], attributes: { keepdims: 0 } },
    'no axes named, which means all': { inputs: [float([2, 3], kinked), known()], attributes: { keepdims: 1 } },
    'a symbolic axis': { inputs: [float(['batch', 3], kinked), known(0)], attributes: { keepdims: 0 } },
    'beside symbolic axes': {
      inputs: [float(['sequence', 'batch', 1], kinked), known(1, -1)],
      attributes: { keepdims: 0 },
    },
  },
  refusals: {
    'axis 3 is outside rank 2': { inputs: [float([2, 3]), known(3)], attributes: { keepdims: 1 } },
    'axes must be known when the graph is built': { inputs: [float([2]), int([1], [0])], attributes: { keepdims: 1 } },
    'numbers are reduced, not bool': { inputs: [bool([2], [0, 1])], attributes: { keepdims: 1 } },
  },
}

/** states: a running sum; scanned: x; outputs: the sums, and each one doubled. */
function runningSum(): Graph {
  const body = new Graph('sum')
  const sum = body.input('sum', 'float32', ['batch'])
  const element = body.input('element', 'float32', ['batch'])
  const next = body.add(sum, element)
  body.output('next', next)
  body.output('doubled', body.add(next, next))
  body.output('echo', element)
  return body
}

/** state: a running sum; captured: rows, of which every iteration adds its own; output: the sums so far. */
function summedRows(): Graph {
  const body = new Graph('rows')
  const iteration = body.input('iteration', 'int64', [])
  const going = body.input('going', 'bool', [])
  const sum = body.input('sum', 'float32', ['batch'])
  const rows = body.input('rows', 'float32', [4, 'batch'])
  const next = body.add(sum, body.gather(rows, iteration))
  body.output('still going', going)
  body.output('next', next)
  body.output('so far', next)
  return body
}

function narrowingState(): Graph {
  const body = new Graph('narrowing')
  const state = body.input('state', 'float32', [2])
  body.input('element', 'float32', [])
  body.output('next', body.sum(state, [0]))
  return body
}

const contracts: { readonly [K in OpName]: Contract<OpAttributes[K]> } = {
  Add: broadcasting(float, float),
  Sub: broadcasting(float, float),
  Mul: broadcasting(float, float),
  Div: broadcasting(float, positive),
  Max: broadcasting(
    (shape) => float(shape, undefined, [-0.1, 0.2]),
    (shape) => float(shape, [0.9, -0.9, 0.6, -0.5, 1.3, -1.1].slice(0, elements(shape))),
  ),
  Neg: {
    ...unary(float([2, 3])),
    refusals: { 'operands are numbers with a sign, not bool': { inputs: [bool([1], [1])], attributes: {} } },
  },
  Exp: unary(float([2, 3])),
  Log: unary(positive([2, 3])),
  Sqrt: unary(positive([2, 3])),
  Reciprocal: unary(positive([2, 3])),
  Tanh: unary(float([2, 3])),
  Sigmoid: unary(float([2, 3])),
  Relu: unary(float([2, 3], kinked)),
  Erf: unary(float([2, 3])),
  Gelu: unary(float([2, 3])),
  HardSigmoid: {
    cases: {
      'inside and outside the clip': {
        inputs: [float(['batch', 3], [-3, -0.5, 0, 0.4, 1, 2.5])],
        attributes: { alpha: 0.25, beta: 0.5 },
      },
    },
    refusals: {
      'operands are floats, not bool': { inputs: [bool([1], [1])], attributes: { alpha: 0.5, beta: 0.5 } },
    },
  },
  Where: {
    cases: {
      'one shape': { inputs: [bool([2, 2], [1, 0, 0, 1]), float([2, 2]), float([2, 2])], attributes: {} },
      'all broadcast': { inputs: [bool(['batch', 1], [1, 0]), float([3]), float([1, 1])], attributes: {} },
      'a wide condition': { inputs: [bool([2, 2], [1, 0, 1, 1]), float([]), float([2])], attributes: {} },
    },
    refusals: {
      'the condition is bool, not float32': { inputs: [float([2]), float([2]), float([2])], attributes: {} },
      'operands have one element type, not float32 and int64': {
        inputs: [bool([1], [1]), float([1]), int([1], [1])],
        attributes: {},
      },
      'shapes [3] and [2] do not broadcast': { inputs: [bool([3], [1, 0, 1]), float([2]), float([2])], attributes: {} },
    },
  },
  Cast: {
    cases: {
      'to the same type': { inputs: [float(['batch', 2])], attributes: { to: 'float32' } },
      'to integers': {
        inputs: [float([3])],
        attributes: { to: 'int64' },
        undifferentiable: 'only through what is not differentiable',
      },
      'from bool': {
        inputs: [bool([2], [0, 1])],
        attributes: { to: 'float32' },
        undifferentiable: 'only through what is not differentiable',
      },
    },
    refusals: { 'input 0 is required': { inputs: [undefined], attributes: { to: 'int64' } } },
  },
  Equal: comparison({}),
  Less: comparison({ 'operands are numbers, not bool': { inputs: [bool([1], [1]), bool([1], [1])], attributes: {} } }),
  And: {
    cases: { broadcast: { inputs: [bool(['batch', 1], [1, 0]), bool([2], [1, 1])], attributes: {} } },
    refusals: {
      'operands are bool, not float32': { inputs: [float([2]), float([2])], attributes: {} },
      'shapes [2] and [3] do not broadcast': { inputs: [bool([2], [1, 0]), bool([3], [1, 0, 1])], attributes: {} },
    },
  },
  Not: {
    cases: { 'a vector': { inputs: [bool(['batch'], [1, 0])], attributes: {} } },
    refusals: { 'operands are bool, not int64': { inputs: [int([1], [1])], attributes: {} } },
  },

  MatMul: {
    cases: {
      matrices: { inputs: [float([2, 3]), float([3, 2])], attributes: {} },
      'stacks of matrices': { inputs: [float(['batch', 2, 3]), float(['batch', 3, 2])], attributes: {} },
      'a matrix on a stack': { inputs: [float(['batch', 2, 3]), float([3, 2])], attributes: {} },
      'stacks that broadcast': { inputs: [float([2, 1, 1, 2]), float([3, 2, 2])], attributes: {} },
      'symbolic inner axis': { inputs: [float(['batch', 'sequence']), float(['sequence', 2])], attributes: {} },
    },
    refusals: {
      'inner dimensions 3 and 2 differ': { inputs: [float([2, 3]), float([2, 3])], attributes: {} },
      'inner dimensions batch and 2 differ': { inputs: [float([2, 'batch']), float([2, 3])], attributes: {} },
      'operands are matrices or stacks of them': { inputs: [float([2, 3]), float([3])], attributes: {} },
      'operands have one element type, not float32 and int64': {
        inputs: [float([1, 1]), int([1, 1], [1])],
        attributes: {},
      },
    },
  },
  Gemm: {
    cases: {
      plain: { inputs: [float([2, 3]), float([3, 2])], attributes: {} },
      'A transposed': { inputs: [float([3, 2]), float([3, 2])], attributes: { transA: 1 } },
      'B transposed, a bias': { inputs: [float(['batch', 3]), float([2, 3]), float([2])], attributes: { transB: 1 } },
      'both transposed': { inputs: [float([3, 'batch']), float([2, 3])], attributes: { transA: 1, transB: 1 } },
      'α and β': { inputs: [float([2, 3]), float([3, 2]), float([2, 2])], attributes: { alpha: 0.5, beta: -2 } },
      'α, β and both transposed': {
        inputs: [float([3, 2]), float([2, 3]), float([2, 1])],
        attributes: { alpha: 1.5, beta: 0.25, transA: 1, transB: 1 },
      },
      'a scalar bias': { inputs: [float([2, 1]), float([1, 2]), float([])], attributes: {} },
    },
    refusals: {
      'inner dimensions 3 and 2 differ': { inputs: [float([2, 3]), float([3, 2])], attributes: { transB: 1 } },
      'A and B are matrices': { inputs: [float([2, 2, 3]), float([3, 2])], attributes: {} },
      'shapes [2, 2] and [3] do not broadcast': {
        inputs: [float([2, 3]), float([3, 2]), float([3])],
        attributes: {},
      },
      'C broadcasts to the product': { inputs: [float([2, 3]), float([3, 1]), float([4])], attributes: {} },
      'C is float32 like the operands, not int64': {
        inputs: [float([2, 1]), float([1, 2]), int([2], [1, 2])],
        attributes: {},
      },
    },
  },

  QuantizeLinear: {
    cases: {
      'one scale': {
        inputs: [float(['batch', 3]), float([], [0.02]), int8([], [0])],
        attributes: { axis: 0 },
        undifferentiable: 'not differentiable',
      },
      'a scale for each column, without a zero point': {
        inputs: [positive([2, 3]), float([3], [0.01, 0.02, 0.04])],
        attributes: { axis: 1 },
        undifferentiable: 'not differentiable',
      },
    },
    refusals: {
      'floats are quantized, not int64': { inputs: [int([2], [1, 2]), float([])], attributes: { axis: 0 } },
      'axis 1 has 3 indices and 2 scales': { inputs: [float([2, 3]), float([2])], attributes: { axis: 1 } },
      'the zero point is a byte, not int64': {
        inputs: [float([2]), float([]), int([], [0])],
        attributes: { axis: 0 },
      },
    },
  },
  DequantizeLinear: {
    cases: {
      'one scale': {
        inputs: [uint8(['batch', 2], [0, 7, 128, 255]), float([], [0.02]), uint8([], [128])],
        attributes: { axis: 0 },
        undifferentiable: 'not differentiable',
      },
      'a scale for each row': {
        inputs: [int8([2, 2], [0, 7, -128, 127]), float([2], [0.02, 1])],
        attributes: { axis: 0 },
        undifferentiable: 'not differentiable',
      },
    },
    refusals: {
      'bytes are dequantized, not int64': { inputs: [int([2], [1, 2]), float([])], attributes: { axis: 0 } },
      'scales are float32, not int64': { inputs: [int8([2], [1, 2]), int([], [1])], attributes: { axis: 0 } },
      'the zero point is int8 like the tensor, not uint8': {
        inputs: [int8([2], [1, 2]), float([]), uint8([], [0])],
        attributes: { axis: 0 },
      },
    },
  },
  DynamicQuantizeLinear: {
    cases: { 'a symbolic axis': { inputs: [float(['batch', 3])], attributes: {} } },
    refusals: { 'float32 is quantized, not int64': { inputs: [int([2], [1, 2])], attributes: {} } },
  },
  MatMulInteger: {
    cases: {
      'bytes with and without a sign': {
        inputs: [uint8(['batch', 2], [0, 1, 255, 7]), int8([2, 1], [-128, 127]), uint8([], [3])],
        attributes: {},
      },
      'a stack': {
        inputs: [uint8(['batch', 1, 2], [0, 1, 255, 7]), int8([2, 2], [-1, 2, 3, 4])],
        attributes: {},
      },
    },
    refusals: {
      'operands are bytes, not float32 and int8': {
        inputs: [float([2, 2]), int8([2, 1], [1, 2])],
        attributes: {},
      },
      'inner dimensions 2 and 1 differ': {
        inputs: [uint8([1, 2], [1, 2]), int8([1, 2], [1, 2])],
        attributes: {},
      },
    },
  },

  ReduceSum: reducing,
  ReduceMax: reducing,
  ArgMax: {
    cases: {
      dropped: { inputs: [float(['batch', 3], kinked)], attributes: { axis: -1, keepdims: 0 } },
      kept: { inputs: [float(['batch', 3], kinked)], attributes: { axis: 0, keepdims: 1 } },
    },
    refusals: {
      'axis -3 is outside rank 2': { inputs: [float([2, 3])], attributes: { axis: -3, keepdims: 0 } },
      'the input has an axis to search': { inputs: [float([])], attributes: { axis: 0, keepdims: 0 } },
    },
  },

  Softmax: normalising,
  LogSoftmax: normalising,
  LayerNormalization: {
    cases: {
      rows: { inputs: [float([2, 4]), positive([4]), float([4])], attributes: { axis: -1, epsilon: 1e-5 } },
      'symbolic rows, no bias': {
        inputs: [float(['batch', 'sequence', 4]), positive([4])],
        attributes: { axis: 2, epsilon: 1e-12 },
      },
      'a vector': { inputs: [float([4]), positive([4]), float([4])], attributes: { axis: -1, epsilon: 0.1 } },
    },
    refusals: {
      'only the last axis is normalised': {
        inputs: [float([2, 4]), float([4])],
        attributes: { axis: 0, epsilon: 1e-5 },
      },
      'the scale has the width of the last axis: [3] and [4] differ': {
        inputs: [float([2, 4]), float([3])],
        attributes: { axis: -1, epsilon: 1e-5 },
      },
      'the bias has the shape of the scale: [1] and [4] differ': {
        inputs: [float([2, 4]), float([4]), float([1])],
        attributes: { axis: -1, epsilon: 1e-5 },
      },
      'floats are normalised, not int64': {
        inputs: [int([2], [1, 2]), int([2], [1, 2])],
        attributes: { axis: -1, epsilon: 1e-5 },
      },
    },
  },

  Reshape: {
    cases: {
      'known sizes': { inputs: [float([2, 3]), known(3, 2)], attributes: {} },
      'one left open': { inputs: [float(['batch', 'sequence', 2]), known(-1, 2)], attributes: {} },
      'one copied': { inputs: [float(['batch', 2, 3]), known(0, 6)], attributes: {} },
      'to a scalar': { inputs: [float([1, 1]), known()], attributes: {} },
    },
    refusals: {
      '[2, 3] does not divide into [4, -1]': { inputs: [float([2, 3]), known(4, -1)], attributes: {} },
      '[batch, 3] has not as many elements as [3, 2]': { inputs: [float(['batch', 3]), known(3, 2)], attributes: {} },
      'one dimension of [-1, -1] is left open': { inputs: [float([2, 3]), known(-1, -1)], attributes: {} },
      '0 copies axis 1, which the input lacks': { inputs: [float([2]), known(2, 0)], attributes: {} },
      'the target shape must be known': { inputs: [float([2, 3]), int([2], [3, 2])], attributes: {} },
    },
  },
  Transpose: {
    cases: {
      'two axes': { inputs: [float(['batch', 3])], attributes: { perm: [1, 0] } },
      'three axes in a circle': { inputs: [float([2, 'sequence', 1])], attributes: { perm: [2, 0, 1] } },
    },
    refusals: {
      '[0, 0] permutes 2 axes': { inputs: [float([2, 3])], attributes: { perm: [0, 0] } },
      '[0] permutes 2 axes': { inputs: [float([2, 3])], attributes: { perm: [0] } },
      '[0, -1] names axes from 0 to 1': { inputs: [float([2, 3])], attributes: { perm: [0, -1] } },
    },
  },
  Expand: {
    cases: {
      'along one axis': { inputs: [float([2, 1]), known(2, 3)], attributes: {} },
      'to more axes': { inputs: [float([3]), known(2, 1, 3)], attributes: {} },
      'to a smaller shape, which broadcasts back': { inputs: [float(['batch', 3]), known(1)], attributes: {} },
    },
    refusals: {
      'shapes [2] and [3] do not broadcast': { inputs: [float([2]), known(3)], attributes: {} },
      'the target shape must be known': { inputs: [float([2]), int([1], [2])], attributes: {} },
    },
  },
  Concat: {
    cases: {
      'the first axis': { inputs: [float([1, 2]), float([2, 2])], attributes: { axis: 0 } },
      'the last axis, three parts': { inputs: [float([2, 1]), float([2, 2]), float([2, 1])], attributes: { axis: -1 } },
      'a symbolic part between others': {
        inputs: [float([1, 2]), float(['sequence', 2]), float([2, 2]), float([1, 2])],
        attributes: { axis: 0 },
      },
      'one part': { inputs: [float(['batch'])], attributes: { axis: 0 } },
    },
    refusals: {
      'input 0 is required': { inputs: [], attributes: { axis: 0 } },
      'parts differ only along axis 0, not in [2, 3]': {
        inputs: [float([1, 2]), float([2, 3])],
        attributes: { axis: 0 },
      },
      'parts have one rank': { inputs: [float([2]), float([2, 1])], attributes: { axis: 0 } },
      'parts have one element type, not float32 and int64': {
        inputs: [float([2]), int([1], [1])],
        attributes: { axis: 0 },
      },
      'at most one part has a symbolic length, not batch and words': {
        inputs: [float(['batch']), float(['words'])],
        attributes: { axis: 0 },
      },
      'axis 1 is outside rank 1': { inputs: [float([2]), float([2])], attributes: { axis: 1 } },
    },
  },
  Split: {
    cases: {
      'the last axis': { inputs: [float(['batch', 3]), known(1, 2)], attributes: { axis: -1 } },
      'the first axis': { inputs: [float([4, 2]), known(1, 2, 1)], attributes: { axis: 0 } },
      'one part': { inputs: [float([2, 3]), known(3)], attributes: { axis: 1 } },
    },
    refusals: {
      'parts of 1, 1 make up the axis of 3': { inputs: [float([3]), known(1, 1)], attributes: { axis: 0 } },
      'parts of 1, 2 make up the axis of words': { inputs: [float(['words']), known(1, 2)], attributes: { axis: 0 } },
      'the sizes of the parts must be known': { inputs: [float([2]), int([1], [2])], attributes: { axis: 0 } },
      'axis 1 is outside rank 1': { inputs: [float([2]), known(2)], attributes: { axis: 1 } },
    },
  },
  Slice: {
    cases: {
      'the middle': { inputs: [float([5, 2]), known(1), known(3), known(0)], attributes: {} },
      'from the end': { inputs: [float([2, 5]), known(-3), known(-1), known(-1)], attributes: {} },
      'past the end': { inputs: [float([3]), known(1), known(100), known(0)], attributes: {} },
      'before the beginning': { inputs: [float([3]), known(-100), known(2), known(0)], attributes: {} },
      nothing: { inputs: [float([3]), known(2), known(1), known(0)], attributes: {} },
      'all but the first of a symbolic axis': {
        inputs: [float(['sequence', 2]), known(1), known(endOfAxis), known(0)],
        attributes: {},
      },
      'all but the last of a symbolic axis': {
        inputs: [float(['sequence', 2]), known(0), known(-1), known(0)],
        attributes: {},
      },
      'the inside of a symbolic axis': {
        inputs: [float([1, 'words']), known(1), known(-2), known(1)],
        attributes: {},
      },
      'the last of a symbolic axis': {
        inputs: [float(['words']), known(-2), known(endOfAxis), known(0)],
        attributes: {},
        undifferentiable: 'what lies before -2 of words is known',
      },
      'the first of a symbolic axis': {
        inputs: [float(['words']), known(0), known(2), known(0)],
        attributes: {},
        undifferentiable: 'what follows 2 of words is known',
      },
    },
    refusals: {
      'axis 2 is outside rank 1': { inputs: [float([3]), known(0), known(1), known(2)], attributes: {} },
      'one axis is sliced': { inputs: [float([3, 3]), known(0, 0), known(1, 1), known(0, 1)], attributes: {} },
      'no element of the stretch is skipped': {
        inputs: [float([3]), known(0), known(3), known(0), known(2)],
        attributes: {},
      },
      'the start must be known when the graph is built': {
        inputs: [float([3]), int([1], [0]), known(1), known(0)],
        attributes: {},
      },
      'the length of [-1:2] of words cannot be written down': {
        inputs: [float(['words']), known(-1), known(2), known(0)],
        attributes: {},
      },
    },
  },
  Shape: {
    cases: {
      'all axes': { inputs: [float(['batch', 3])], attributes: {} },
      'some axes': { inputs: [float(['batch', 3, 1])], attributes: { start: 1, end: -1 } },
    },
    refusals: { 'input 0 is required': { inputs: [undefined], attributes: {} } },
  },
  ConstantOfShape: {
    cases: {
      zeros: {
        inputs: [known(2, 3)],
        attributes: { value: { dtype: 'float32', dims: [1], data: Float32Array.of(0) } },
      },
      'an integer': {
        inputs: [known(2)],
        attributes: { value: { dtype: 'int64', dims: [1], data: BigInt64Array.of(7n) } },
      },
    },
    refusals: {
      'the shape must be known when the graph is built': {
        inputs: [int([1], [2])],
        attributes: { value: { dtype: 'float32', dims: [1], data: Float32Array.of(0) } },
      },
    },
  },

  Gather: {
    cases: {
      rows: { inputs: [float([4, 2]), int([3], [3, 0, 1])], attributes: { axis: 0 } },
      'a row again and again': { inputs: [float([3, 2]), int([2, 2], [1, 1, 0, 1])], attributes: { axis: 0 } },
      'a row from the end': { inputs: [float(['words', 2]), int(['batch'], [-1, 0])], attributes: { axis: 0 } },
      'a single row': { inputs: [float([3, 2]), int([], [2])], attributes: { axis: 0 } },
      columns: {
        inputs: [float([2, 4]), int([2], [3, 0])],
        attributes: { axis: 1 },
        undifferentiable: 'only a look-up along axis 0 is differentiated',
      },
    },
    refusals: {
      'indices are integers, not float32': { inputs: [float([3, 2]), float([2])], attributes: { axis: 0 } },
      'axis 2 is outside rank 2': { inputs: [float([3, 2]), int([1], [0])], attributes: { axis: 2 } },
      'index 5 is outside [2, 3]': { inputs: [known(2, 3), known(5)], attributes: { axis: 0 } },
    },
  },
  GatherElements: {
    cases: {
      'the last axis': { inputs: [float([2, 4]), int([2, 3], [3, 0, 1, 2, 1, 0])], attributes: { axis: -1 } },
      'an element again and again': { inputs: [float([3, 2]), int([2, 2], [1, 1, 1, 0])], attributes: { axis: 0 } },
      'of a symbolic axis': {
        inputs: [float(['batch', 2, 'words']), int(['batch', 2, 1], [3, 0, 1, 1])],
        attributes: { axis: 2 },
      },
    },
    refusals: {
      'indices are integers, not float32': { inputs: [float([2, 2]), float([2, 2])], attributes: { axis: 0 } },
      'indices have the rank of the input': { inputs: [float([2, 2]), int([2], [0, 1])], attributes: { axis: 0 } },
      'indices have the other axes of the input: [1] and [2] differ': {
        inputs: [float([2, 2]), int([1, 1], [0])],
        attributes: { axis: 1 },
      },
      'axis 2 is outside rank 2': { inputs: [float([2, 2]), int([2, 2], [0, 0, 0, 0])], attributes: { axis: 2 } },
    },
  },
  ScatterElements: {
    cases: {
      'the last axis, added': {
        inputs: [float([2, 3]), int([2, 2], [2, 0, 1, 1]), float([2, 2])],
        attributes: { axis: 1, reduction: 'add' },
      },
      'an element added to twice': {
        inputs: [float(['words', 2]), int([3, 2], [1, 1, 1, 0, 3, 0]), float([3, 2])],
        attributes: { axis: 0, reduction: 'add' },
      },
      put: {
        inputs: [float([2, 3]), int([2, 2], [2, 0, 1, 0]), float([2, 2])],
        attributes: { axis: -1, reduction: 'none' },
        undifferentiable: 'only an adding ScatterElements is differentiated',
      },
    },
    refusals: {
      'one update for each index: [2, 1] and [2, 2] differ': {
        inputs: [float([2, 3]), int([2, 2], [0, 0, 0, 0]), float([2, 1])],
        attributes: { axis: 1, reduction: 'add' },
      },
      'updates are float32 like the input, not int64': {
        inputs: [float([2, 1]), int([2, 1], [0, 0]), int([2, 1], [1, 1])],
        attributes: { axis: 1, reduction: 'add' },
      },
    },
  },
  ScatterND: {
    cases: {
      'rows added': {
        inputs: [float([3, 2]), int([2, 1], [2, 0]), float([2, 2])],
        attributes: { reduction: 'add' },
      },
      'a row added twice': {
        inputs: [float(['words', 2]), int([3, 1], [1, 1, 0]), float([3, 2])],
        attributes: { reduction: 'add' },
      },
      'stacked indices': {
        inputs: [float([3]), int(['batch', 2, 1], [0, 1, 0, 0]), float(['batch', 2])],
        attributes: { reduction: 'add' },
      },
      'rows put': {
        inputs: [float([3, 2]), int([2, 1], [2, 0]), float([2, 2])],
        attributes: { reduction: 'none' },
        undifferentiable: 'only an adding ScatterND is differentiated',
      },
    },
    refusals: {
      'indices [2, 2] name rows: their last axis is 1': {
        inputs: [float([3, 2]), int([2, 2], [0, 0, 1, 1]), float([2])],
        attributes: { reduction: 'add' },
      },
      'one update for each index: [2, 3] and [2, 2] differ': {
        inputs: [float([3, 2]), int([2, 1], [0, 1]), float([2, 3])],
        attributes: { reduction: 'add' },
      },
      'indices are int64, not float32': {
        inputs: [float([3, 2]), float([1, 1]), float([1, 2])],
        attributes: { reduction: 'add' },
      },
      'updates are float32 like the input, not int64': {
        inputs: [float([2, 1]), int([1, 1], [0]), int([1, 1], [1])],
        attributes: { reduction: 'add' },
      },
    },
  },
  ReverseSequence: {
    cases: {
      'batch first': {
        inputs: [float(['batch', 'sequence', 2]), int(['batch'], [2, 3])],
        attributes: { batch_axis: 0, time_axis: 1 },
      },
      'time first': {
        inputs: [float(['sequence', 'batch']), int(['batch'], [3, 1])],
        attributes: { batch_axis: 1, time_axis: 0 },
      },
    },
    refusals: {
      'the batch and time axes differ': {
        inputs: [float([2, 3]), int([2], [1, 1])],
        attributes: { batch_axis: 0, time_axis: 0 },
      },
      'one length for each sequence: [3] and [2] differ': {
        inputs: [float([2, 3]), int([3], [1, 1, 1])],
        attributes: { batch_axis: 0, time_axis: 1 },
      },
      'lengths are int64, not float32': {
        inputs: [float([2, 3]), float([2])],
        attributes: { batch_axis: 0, time_axis: 1 },
      },
    },
  },

  Scan: {
    cases: {
      'a running sum': {
        inputs: [float(['batch']), float(['words', 'batch'])],
        attributes: { body: runningSum(), num_scan_inputs: 1 },
      },
    },
    refusals: {
      'the body takes 2 inputs, not 3': {
        inputs: [float(['batch']), float(['batch']), float(['words', 'batch'])],
        attributes: { body: runningSum(), num_scan_inputs: 1 },
      },
      'input 1 is what the body takes: [2] and [batch] differ': {
        inputs: [float(['batch']), float(['words', 2])],
        attributes: { body: runningSum(), num_scan_inputs: 1 },
      },
      'input 1 is int64, and the body takes float32': {
        inputs: [float(['batch']), int(['words', 'batch'], [1, 2, 3, 4, 5, 6, 7, 8])],
        attributes: { body: runningSum(), num_scan_inputs: 1 },
      },
      'at least one input is scanned': {
        inputs: [float(['batch']), float(['batch'])],
        attributes: { body: runningSum(), num_scan_inputs: 0 },
      },
      'state 0 keeps its shape: [1] and [2] differ': {
        inputs: [float([2]), float(['words'])],
        attributes: { body: narrowingState(), num_scan_inputs: 1 },
      },
    },
  },

  Loop: {
    cases: {
      'sums of rows that are there for all iterations': {
        inputs: [known(4), undefined, float(['batch']), float([4, 'batch'])],
        attributes: { body: summedRows(), captures: 1 },
      },
    },
    refusals: {
      'the number of iterations is a known dimension': {
        inputs: [int([1], [4]), undefined, float(['batch']), float([4, 'batch'])],
        attributes: { body: summedRows(), captures: 1 },
      },
      'the number of iterations alone ends it': {
        inputs: [known(4), bool([], [1]), float(['batch']), float([4, 'batch'])],
        attributes: { body: summedRows(), captures: 1 },
      },
      'the body takes 4 inputs, not 3': {
        inputs: [known(4), undefined, float(['batch'])],
        attributes: { body: summedRows(), captures: 0 },
      },
      'input 2 is int64, and the body takes float32': {
        inputs: [known(4), undefined, int(['batch'], [1, 2]), float([4, 'batch'])],
        attributes: { body: summedRows(), captures: 1 },
      },
      'input 3 is what the body takes: [3, batch] and [4, batch] differ': {
        inputs: [known(4), undefined, float(['batch']), float([3, 'batch'])],
        attributes: { body: summedRows(), captures: 1 },
      },
    },
  },
}

for (const op of Object.keys(contracts) as OpName[]) {
  describe(op, () => testContract(op, contracts[op]))
}

function testContract<K extends OpName>(op: K, { cases, refusals }: Contract<OpAttributes[K]>) {
  for (const [title, example] of Object.entries<Case<OpAttributes[K]>>(cases)) {
    test(title, () => check(op, title, example))
  }
  for (const [rule, { inputs, attributes }] of Object.entries<Refusal<OpAttributes[K]>>(refusals)) {
    test(`refuses: ${rule}`, () => {
      const { error, values } = refusalOf(op, inputs, attributes)
      expect(error).toMatchObject({ name: 'NerError', code: 'graph/invalid' })
      expect(error.what).toContain(`Node 'place/${op}' breaks a rule of ${op}: ${rule}`)
      for (const value of values) {
        expect(error.detail.where).toContain(value ? `${value.dtype}${formatShape(value.shape)}` : 'inputs: ')
      }
    })
  }
}

async function check<K extends OpName>(
  op: K,
  title: string,
  { inputs, attributes, undifferentiable }: Case<OpAttributes[K]>,
) {
  const g = new Graph('contract')
  const feeds: Record<string, Tensor> = {}
  const values = inputs.map((feed, i) => feed && place(g, feed, `x${i}`, tensorOf(feed, `${op} ${title} ${i}`), feeds))
  const outputs = g.apply(op, values, attributes)
  outputs.forEach((value, i) => g.output(`y${i}`, value))

  const given = values.filter((value) => value !== undefined)
  const wanted = given.filter(({ dtype }) => dtype === 'float32')
  const [y] = outputs
  const weights = y!.dtype === 'float32' ? place(g, float(y!.shape), 'weights', weightsFor(y!), feeds) : undefined
  const loss = () => {
    const weighted = weights ? g.mul(y!, weights) : g.cast(y!, 'float32')
    return g.sum(weighted, [...weighted.shape.keys()], 0)
  }
  const refusal = rules[op].gradient ? undifferentiable : 'not differentiable'
  if (refusal !== undefined) {
    const error = catchError(() => gradients(g, loss(), wanted.length > 0 ? wanted : given))
    expect(error).toBeInstanceOf(NerError)
    expect(String(error)).toContain(refusal)
  } else {
    gradients(g, loss(), wanted).forEach((value, i) => g.output(`gradient of ${wanted[i]!.name}`, value))
  }
  verify(g)

  const session = await createSession(encodeModel(g), { threads: 1 })
  try {
    const results = await session.run(feeds)
    outputs.forEach((value, i) => {
      const { dtype, dims } = results[`y${i}`]!
      expect({ dtype, dims: [...dims] }).toEqual({
        dtype: value.dtype,
        dims: value.shape.map((dim) => sizeOf(dim, symbols)),
      })
    })
    if (refusal !== undefined) return
    for (const { name } of wanted) {
      const analytic = results[`gradient of ${name}`]!
      expect(analytic.dims).toEqual(feeds[name]!.dims)
      const numeric = await differences(session, feeds, name)
      numeric.forEach((slope, i) => {
        const error = Math.abs(Number(analytic.data[i]) - slope) / Math.max(1, Math.abs(slope))
        expect(error, `element ${i} of the gradient of ${name}: ${analytic.data[i]}, not ${slope}`).toBeLessThan(1e-4)
      })
    }
  } finally {
    await session.release()
  }
}

const step = 1 / 32

/**
 * Slopes of the loss by central differences of fourth order. The engine's y is float32, the sum over it is not: what
 * is left of rounding is some 1e-7/step.
 */
async function differences(session: Session, feeds: Readonly<Record<string, Tensor>>, name: string): Promise<number[]> {
  const { dims, data } = feeds[name]!
  const lossAt = async (i: number, offset: number) => {
    const moved = Float32Array.from(data as Float32Array)
    moved[i] = moved[i]! + offset
    const { y0 } = await session.run({ ...feeds, [name]: { dtype: 'float32', dims, data: moved } })
    const weights = feeds.weights!.data
    return (y0!.data as Float32Array).reduce((sum, value, j) => sum + value * Number(weights[j]), 0)
  }
  const slopes: number[] = []
  for (let i = 0; i < data.length; i++) {
    const near = (await lossAt(i, step)) - (await lossAt(i, -step))
    const far = (await lossAt(i, 2 * step)) - (await lossAt(i, -2 * step))
    slopes.push((8 * near - far) / (12 * step))
  }
  return slopes
}

function refusalOf<K extends OpName>(op: K, inputs: readonly (Feed | undefined)[], attributes: OpAttributes[K]) {
  const g = new Graph('refusal')
  const values = inputs.map((feed, i) => feed && place(g, feed, `x${i}`, tensorOf(feed, `${op} ${i}`), {}))
  const error = catchError(() => g.scoped('place', () => g.apply(op, values, attributes)))
  return { error: error as NerError, values }
}

function catchError(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}

/** Puts a feed into the graph: as an initializer where the rules have to know it, as an input otherwise. */
function place(g: Graph, feed: Feed, name: string, tensor: Tensor, feeds: Record<string, Tensor>): Value {
  if (feed.known) return g.initializer(name, tensor)
  feeds[name] = tensor
  return g.input(name, feed.dtype, feed.shape)
}

function tensorOf({ dtype, shape, values }: Feed, seed: string): Tensor {
  const dims = shape.map((dim) => sizeOf(dim, symbols))
  const next = random(seed)
  const [low, high, drawn] = values
  const list = drawn === true ? Array.from({ length: elements(shape) }, () => low + (high - low) * next()) : values
  return { dtype, dims, data: arrayOf(dtype, list as readonly number[]) }
}

function weightsFor(y: Value): Tensor {
  return tensorOf(float(y.shape), 'weights')
}

function elements(shape: Shape): number {
  return shape.reduce<number>((size, dim) => size * sizeOf(dim, symbols), 1)
}

function arrayOf(dtype: DType, values: readonly number[]): TensorArray {
  if (dtype === 'float32') return Float32Array.from(values)
  if (dtype === 'int8') return Int8Array.from(values)
  return dtype === 'int64' ? BigInt64Array.from(values, BigInt) : Uint8Array.from(values)
}
