import { product } from '../dims.js'
import type { Graph } from '../graph.js'
import type { DType, Value } from '../types.js'
import type { OpName } from './attributes.js'
import { broadcast, input, isFloat, require, type Gradient, type Infer, type Rules } from './rule.js'

/** Element types an operator takes, and how a message calls them. */
interface Kind {
  readonly name: string
  takes(dtype: DType): boolean
}
const anything: Kind = { name: 'anything', takes: () => true }
const numbers: Kind = { name: 'numbers', takes: (dtype) => dtype !== 'bool' }
const signed: Kind = { name: 'numbers with a sign', takes: (dtype) => dtype !== 'bool' && dtype !== 'uint8' }
const floats: Kind = { name: 'floats', takes: isFloat }
const bools: Kind = { name: 'bool', takes: (dtype) => dtype === 'bool' }

const requireKind = (value: Value, kind: Kind) => {
  require(kind.takes(value.dtype), `operands are ${kind.name}, not ${value.dtype}`)
}

const sameType = (inputs: readonly (Value | undefined)[]) => {
  const a = input(inputs, 0)
  const b = input(inputs, 1)
  require(a.dtype === b.dtype, `operands have one element type, not ${a.dtype} and ${b.dtype}`)
  return { a, b, shape: broadcast(a.shape, b.shape) }
}

const binary: Infer = (inputs) => {
  const { a, shape } = sameType(inputs)
  requireKind(a, numbers)
  return [{ dtype: a.dtype, shape }]
}

const comparison =
  (kind: Kind): Infer =>
  (inputs) => {
    const { a, shape } = sameType(inputs)
    requireKind(a, kind)
    return [{ dtype: 'bool', shape }]
  }

const unary =
  (kind: Kind): Infer =>
  (inputs) => {
    const x = input(inputs, 0)
    requireKind(x, kind)
    return [{ dtype: x.dtype, shape: x.shape }]
  }

/** A rule of one input and one output from its derivative: `dx = derivative(x, y, dy)`. */
const unaryRule = (derivative: (g: Graph, x: Value, y: Value, dy: Value) => Value, kind = floats) => ({
  infer: unary(kind),
  gradient: ((g, { inputs: [x], outputs: [y] }, [dy]) => [dy && derivative(g, x!, y!, dy)]) satisfies Gradient<object>,
})

const notDifferentiable = (infer: Infer) => ({ infer, gradient: null })

/** 2/√π, the slope of erf at 0. */
const erfSlope = 2 / Math.sqrt(Math.PI)

type Elementwise = Extract<
  OpName,
  | 'Add'
  | 'Sub'
  | 'Mul'
  | 'Div'
  | 'Max'
  | 'Neg'
  | 'Exp'
  | 'Log'
  | 'Sqrt'
  | 'Reciprocal'
  | 'Tanh'
  | 'Sigmoid'
  | 'Relu'
  | 'Erf'
  | 'Gelu'
  | 'HardSigmoid'
  | 'Where'
  | 'Cast'
  | 'Equal'
  | 'Less'
  | 'And'
  | 'Not'
>

export const elementwise: Rules<Elementwise> = {
  // y = a + b;  da = dy, db = dy
  Add: { infer: binary, gradient: (_, __, [dy]) => [dy, dy] },

  // y = a − b;  da = dy, db = −dy
  Sub: { infer: binary, gradient: (g, _, [dy]) => [dy, dy && g.neg(dy)] },

  // y = a·b;  da = dy·b, db = dy·a
  Mul: {
    infer: (inputs) => {
      const { a, b, shape } = sameType(inputs)
      requireKind(a, numbers)
      const content = a.content &&
        b.content &&
        shape.length === 1 &&
        shape[0] === 1 && [product([...a.content, ...b.content])]
      return [{ dtype: a.dtype, shape, ...(content ? { content } : {}) }]
    },
    gradient: (g, { inputs: [a, b] }, [dy]) => (dy ? [g.mul(dy, b!), g.mul(dy, a!)] : []),
  },

  // y = a/b;  da = dy/b, db = −da·y
  Div: {
    infer: binary,
    gradient: (g, { inputs: [, b], outputs: [y] }, [dy]) => {
      if (!dy) return []
      const da = g.div(dy, b!)
      return [da, g.neg(g.mul(da, y!))]
    },
  },

  // y = max(a, b);  the larger one takes dy, a where they are equal
  Max: {
    infer: binary,
    gradient: (g, { inputs: [a, b] }, [dy]) => {
      if (!dy) return []
      const zero = g.scalar(0, dy.dtype)
      const aWins = g.not(g.less(a!, b!))
      return [g.where(aWins, dy, zero), g.where(aWins, zero, dy)]
    },
  },

  Neg: unaryRule((g, _x, _y, dy) => g.neg(dy), signed),
  Exp: unaryRule((g, _x, y, dy) => g.mul(dy, y)),
  Log: unaryRule((g, x, _y, dy) => g.div(dy, x)),

  // y = √x;  dx = dy / 2y
  Sqrt: unaryRule((g, _x, y, dy) => g.div(dy, g.mul(y, g.scalar(2, dy.dtype)))),

  // y = 1/x;  dx = −dy·y²
  Reciprocal: unaryRule((g, _x, y, dy) => g.neg(g.mul(dy, g.mul(y, y)))),

  // y = tanh x;  dx = dy·(1 − y²)
  Tanh: unaryRule((g, _x, y, dy) => g.mul(dy, g.sub(g.scalar(1, dy.dtype), g.mul(y, y)))),

  // y = σ(x);  dx = dy·y·(1 − y)
  Sigmoid: unaryRule((g, _x, y, dy) => g.mul(dy, g.mul(y, g.sub(g.scalar(1, dy.dtype), y)))),

  // y = max(x, 0);  dx = dy where x > 0
  Relu: unaryRule((g, x, _y, dy) => {
    const zero = g.scalar(0, dy.dtype)
    return g.where(g.less(zero, x), dy, zero)
  }),

  // y = erf x;  dx = dy·(2/√π)·exp(−x²)
  Erf: unaryRule((g, x, _y, dy) => g.mul(dy, g.mul(g.exp(g.neg(g.mul(x, x))), g.scalar(erfSlope, dy.dtype)))),

  // y = x·Φ(x);  dx = dy·(Φ(x) + x·φ(x)),  Φ = ½ + ½·erf(x/√2),  φ = exp(−x²/2)/√(2π)
  // Two chains, each of which works in place. HardSigmoid is α·x + β in one pass where that stays between 0 and 1.
  Gelu: unaryRule((g, x, _y, dy) => {
    const cdf = g.hardSigmoid(g.erf(g.mul(x, g.scalar(Math.SQRT1_2, x.dtype))), 0.5, 0.5)
    const bell = g.exp(g.mul(x, g.mul(x, g.scalar(-0.5, x.dtype))))
    const density = g.hardSigmoid(bell, 1 / Math.sqrt(2 * Math.PI), 0)
    return g.mul(dy, g.add(cdf, g.mul(x, density)))
  }),

  // y = min(1, max(0, αx + β));  dx = α·dy inside the clip
  HardSigmoid: {
    infer: unary(floats),
    gradient: (g, { inputs: [x], outputs: [y], attributes }, [dy]) => {
      if (!dy) return []
      const inside = g.and(g.less(g.scalar(0, x!.dtype), y!), g.less(y!, g.scalar(1, x!.dtype)))
      return [g.where(inside, g.mul(dy, g.scalar(attributes.alpha, dy.dtype)), g.scalar(0, dy.dtype))]
    },
  },

  // y = c ? a : b, broadcast;  da = c ? dy : 0, db = c ? 0 : dy
  Where: {
    infer: (inputs) => {
      const condition = input(inputs, 0)
      require(condition.dtype === 'bool', `the condition is bool, not ${condition.dtype}`)
      const { a, shape } = sameType(inputs.slice(1))
      return [{ dtype: a.dtype, shape: broadcast(condition.shape, shape) }]
    },
    gradient: (g, { inputs: [condition] }, [dy]) => {
      if (!dy) return []
      const zero = g.scalar(0, dy.dtype)
      return [undefined, g.where(condition!, dy, zero), g.where(condition!, zero, dy)]
    },
  },

  // y = x in another type;  dx = dy in x's
  Cast: {
    infer: (inputs, { to }) => {
      const x = input(inputs, 0)
      return [{ dtype: to, shape: x.shape, ...(to === 'int64' && x.content ? { content: x.content } : {}) }]
    },
    gradient: (g, { inputs: [x] }, [dy]) => [dy && isFloat(x!.dtype) ? g.cast(dy, x!.dtype) : undefined],
  },

  Equal: notDifferentiable(comparison(anything)),
  Less: notDifferentiable(comparison(numbers)),
  And: notDifferentiable(comparison(bools)),
  Not: notDifferentiable(unary(bools)),
}
