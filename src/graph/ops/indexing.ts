import { formatShape } from '../dims.js'
import type { Shape, Value } from '../types.js'
import { axisOf, input, require, requireSameShape, type Rules } from './rule.js'

type Indexing = 'Gather' | 'GatherElements' | 'ScatterElements' | 'ScatterND' | 'ReverseSequence'

/** Indices that pick along one axis, for every place of the others. */
function requireElements(x: Value, indices: Value, axis: number): void {
  require(indices.dtype === 'int64' || indices.dtype === 'int32', `indices are integers, not ${indices.dtype}`)
  const along = axisOf(axis, x.shape.length)
  const rest = (shape: Shape) => shape.filter((_, i) => i !== along)
  require(indices.shape.length === x.shape.length, 'indices have the rank of the input')
  requireSameShape(rest(indices.shape), rest(x.shape), 'indices have the other axes of the input')
}

export const indexing: Rules<Indexing> = {
  // y = x[i] along an axis;  dx = dy added up at the rows it came from.
  // Only along axis 0: what a table look-up needs. A table too large for a dense gradient is differentiated at the
  // look-up's output instead (training/embeddings).
  Gather: {
    infer: (inputs, { axis }) => {
      const x = input(inputs, 0)
      const indices = input(inputs, 1)
      require(indices.dtype === 'int64' || indices.dtype === 'int32', `indices are integers, not ${indices.dtype}`)
      const along = axisOf(axis, x.shape.length)
      const shape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)]
      const known = x.content
      const content =
        known &&
        indices.content?.map((index) => {
          const element = typeof index === 'number' ? known.at(index) : undefined
          require(element !== undefined, `index ${index} is outside ${formatShape(known)}`)
          return element
        })
      return [{ dtype: x.dtype, shape, ...(content ? { content } : {}) }]
    },
    gradient: (g, { inputs: [x, indices], attributes: { axis } }, [dy]) => {
      if (!dy) return []
      require(axis === 0, 'only a look-up along axis 0 is differentiated')
      return [g.scatterAdd(g.fill(x!.shape, 0, dy.dtype), indices!, dy)]
    },
  },

  // y[…i…] = x[…index[…i…]…] along an axis;  dx = dy added up at the elements it came from
  GatherElements: {
    infer: (inputs, { axis }) => {
      const x = input(inputs, 0)
      const indices = input(inputs, 1)
      requireElements(x, indices, axis)
      return [{ dtype: x.dtype, shape: indices.shape }]
    },
    gradient: (g, { inputs: [x, indices], attributes: { axis } }, [dy]) =>
      dy ? [g.scatterElements(g.fill(x!.shape, 0, dy.dtype), indices!, dy, axis)] : [],
  },

  // y = x with elements u added (or put) at index along an axis;  dx = dy, du = dy[index]  (for add)
  ScatterElements: {
    infer: (inputs, { axis }) => {
      const x = input(inputs, 0)
      const indices = input(inputs, 1)
      const updates = input(inputs, 2)
      requireElements(x, indices, axis)
      require(updates.dtype === x.dtype, `updates are ${x.dtype} like the input, not ${updates.dtype}`)
      requireSameShape(updates.shape, indices.shape, 'one update for each index')
      return [{ dtype: x.dtype, shape: x.shape }]
    },
    gradient: (g, { inputs: [, indices], attributes: { axis, reduction } }, [dy]) => {
      if (!dy) return []
      require(reduction === 'add', 'only an adding ScatterElements is differentiated')
      return [dy, undefined, g.gatherElements(dy, indices!, axis)]
    },
  },

  // y = x with rows u added (or put) at i;  dx = dy, du = dy[i]  (for add)
  ScatterND: {
    infer: (inputs) => {
      const x = input(inputs, 0)
      const indices = input(inputs, 1)
      const updates = input(inputs, 2)
      require(indices.dtype === 'int64', `indices are int64, not ${indices.dtype}`)
      require(updates.dtype === x.dtype, `updates are ${x.dtype} like the input, not ${updates.dtype}`)
      require(x.shape.length > 0, 'the input has rows')
      require(indices.shape.at(-1) === 1, `indices ${formatShape(indices.shape)} name rows: their last axis is 1`)
      requireSameShape(updates.shape, [...indices.shape.slice(0, -1), ...x.shape.slice(1)], 'one update for each index')
      return [{ dtype: x.dtype, shape: x.shape }]
    },
    gradient: (g, { inputs: [, indices], attributes: { reduction } }, [dy]) => {
      if (!dy) return []
      require(reduction === 'add', 'only an adding ScatterND is differentiated')
      return [dy, undefined, g.gather(dy, g.reshape(indices!, indices!.shape.slice(0, -1)))]
    },
  },

  // y = x with the first n[b] elements of each sequence reversed;  reversing twice gives x back, so dx = dy reversed
  ReverseSequence: {
    infer: (inputs, { batch_axis, time_axis }) => {
      const x = input(inputs, 0)
      const lengths = input(inputs, 1)
      require(lengths.dtype === 'int64', `lengths are int64, not ${lengths.dtype}`)
      require(x.shape.length >= 2, 'the input has a batch axis and a time axis')
      require(batch_axis !== time_axis, 'the batch and time axes differ')
      requireSameShape(lengths.shape, [x.shape[batch_axis]!], 'one length for each sequence')
      return [{ dtype: x.dtype, shape: x.shape }]
    },
    gradient: (g, { inputs: [, lengths], attributes }, [dy]) => [dy && g.reverseSequence(dy, lengths!, attributes)],
  },
}
