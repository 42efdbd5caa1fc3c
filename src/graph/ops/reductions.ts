import type { Dim, Value } from '../types.js'
import { axisOf, input, integers, require, type Infer, type Rules } from './rule.js'

/** Axes come as a second input, known when the graph is built; where there are none, all axes are reduced. */
function reducedAxes(x: Value, axes: Value | undefined): number[] {
  if (!axes || axes.content?.length === 0) return x.shape.map((_, axis) => axis)
  return integers(axes, 'axes').map((axis) => axisOf(axis, x.shape.length))
}

const reduce: Infer<{ readonly keepdims: 0 | 1 }> = (inputs, { keepdims }) => {
  const x = input(inputs, 0)
  require(x.dtype !== 'bool', 'numbers are reduced, not bool')
  const axes = new Set(reducedAxes(x, inputs[1]))
  const shape = x.shape.flatMap((dim, axis): Dim[] => (axes.has(axis) ? (keepdims ? [1] : []) : [dim]))
  return [{ dtype: x.dtype, shape }]
}

export const reductions: Rules<'ReduceSum' | 'ReduceMax' | 'ArgMax'> = {
  // y = Σ x over axes;  dx = dy, spread over them
  ReduceSum: {
    infer: reduce,
    gradient: (g, { inputs: [x, axes], attributes: { keepdims } }, [dy]) => {
      if (!dy) return []
      const kept = keepdims ? dy : g.unsqueeze(dy, reducedAxes(x!, axes))
      return [g.expandTo(kept, x!)]
    },
  },

  // y = max x over axes;  the elements equal to it share dy
  ReduceMax: {
    infer: reduce,
    gradient: (g, { inputs: [x, axes], outputs: [y], attributes: { keepdims } }, [dy]) => {
      if (!dy) return []
      const over = reducedAxes(x!, axes)
      const [peak, kept] = keepdims ? [y!, dy] : [g.unsqueeze(y!, over), g.unsqueeze(dy, over)]
      const isPeak = g.cast(g.equal(x!, peak), dy.dtype)
      return [g.mul(isPeak, g.div(kept, g.sum(isPeak, over)))]
    },
  },

  ArgMax: {
    infer: (inputs, { axis, keepdims }) => {
      const x = input(inputs, 0)
      require(x.shape.length > 0, 'the input has an axis to search')
      const along = axisOf(axis, x.shape.length)
      const shape = x.shape.flatMap((dim, i): Dim[] => (i === along ? (keepdims ? [1] : []) : [dim]))
      return [{ dtype: 'int64', shape }]
    },
    gradient: null,
  },
}
