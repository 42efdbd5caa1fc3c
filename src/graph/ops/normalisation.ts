import { axisOf, input, isFloat, require, requireSameShape, type Infer, type Rules } from './rule.js'

const alongAxis: Infer<{ readonly axis: number }> = (inputs, { axis }) => {
  const x = input(inputs, 0)
  require(isFloat(x.dtype), `floats are normalised, not ${x.dtype}`)
  axisOf(axis, x.shape.length)
  return [{ dtype: x.dtype, shape: x.shape }]
}

export const normalisation: Rules<'Softmax' | 'LogSoftmax' | 'LayerNormalization'> = {
  // y = softmax(x);  dx = y·(dy − Σ dy·y)
  Softmax: {
    infer: alongAxis,
    gradient: (g, { outputs: [y], attributes: { axis } }, [dy]) =>
      dy ? [g.mul(y!, g.sub(dy, g.sum(g.mul(dy, y!), [axis])))] : [],
  },

  // y = x − log Σ exp x;  dx = dy − exp(y)·Σ dy
  LogSoftmax: {
    infer: alongAxis,
    gradient: (g, { outputs: [y], attributes: { axis } }, [dy]) =>
      dy ? [g.sub(dy, g.mul(g.exp(y!), g.sum(dy, [axis])))] : [],
  },

  // x̂ = (x − μ)·r with r = 1/√(σ² + ε) over the last axis of width H;  y = γ·x̂ + β.
  //   dβ = Σ dy, dγ = Σ dy·x̂ over the rows;  with h = dy·γ:  dx = r·(h − mean(h) − x̂·mean(h·x̂))
  LayerNormalization: {
    infer: (inputs, { axis }) => {
      const x = input(inputs, 0)
      const scale = input(inputs, 1)
      require(isFloat(x.dtype), `floats are normalised, not ${x.dtype}`)
      const last = x.shape.length - 1
      require(axisOf(axis, x.shape.length) === last, 'only the last axis is normalised')
      requireSameShape(scale.shape, [x.shape[last]!], 'the scale has the width of the last axis')
      if (inputs[2]) requireSameShape(inputs[2].shape, scale.shape, 'the bias has the shape of the scale')
      // Mean and inverse deviation are kept in float32 whatever the input (stash_type).
      const statistics = { dtype: 'float32' as const, shape: [...x.shape.slice(0, -1), 1] }
      return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics]
    },
    gradient: (g, { inputs: [x, scale], outputs: [, mean, inverse] }, [dy, dMean, dInverse]) => {
      require(!dMean && !dInverse, 'nothing is differentiated through the mean and the deviation')
      if (!dy) return []
      const width = x!.shape.at(-1)!
      require(typeof width === 'number', 'the normalised width is a number')
      const rows = x!.shape.map((_, axis) => axis).slice(0, -1)
      const overRows = (value: typeof dy) => (rows.length === 1 ? g.sumRows(value) : g.sum(value, rows, 0))
      const average = (value: typeof dy) => g.mul(g.sum(value, [-1]), g.scalar(1 / width, dy.dtype))
      const normal = g.mul(g.sub(x!, mean!), inverse!)
      const h = g.mul(dy, scale!)
      const centred = g.sub(h, g.add(average(h), g.mul(normal, average(g.mul(h, normal)))))
      return [g.mul(centred, inverse!), overRows(g.mul(dy, normal)), overRows(dy)]
    },
  },
}
