import { formatShape, product, quotient, shift } from '../dims.js'
import type { Dim, Shape, TensorType, Value } from '../types.js'
import { axisOf, broadcast, input, integers, require, type Rules } from './rule.js'

/** The type of a vector cut or glued from known vectors, keeping what is known of its elements. */
function vector(x: Value, shape: Shape, content: Shape | undefined): TensorType[] {
  return [{ dtype: x.dtype, shape, ...(content ? { content } : {}) }]
}

/** Where `[start:end]` of `length` elements lies, as ONNX reads it: negative positions from the end, none outside. */
function stretch(length: number, start: number, end: number): { readonly from: number; readonly to: number } {
  const clamp = (position: number) => Math.min(Math.max(position < 0 ? position + length : position, 0), length)
  return { from: clamp(start), to: Math.max(clamp(start), clamp(end)) }
}

/** How many elements `[start:end]` takes of a dimension; of a symbolic one, at least `start` and `-end` are there. */
function sliceLength(dim: Dim, start: number, end: Dim): Dim {
  if (typeof dim === 'number' && typeof end === 'number') {
    const { from, to } = stretch(dim, start, end)
    return to - from
  }
  if (start < 0 && typeof end === 'number' && (end < 0 || end === endOfAxis)) {
    return Math.max(0, (end < 0 ? end : 0) - start)
  }
  require(start >= 0, `the length of [${start}:${end}] of ${dim} cannot be written down`)
  const stop = end === endOfAxis ? dim : typeof end === 'number' && end < 0 ? shift(dim, end) : end
  const length = stop === undefined ? undefined : shift(stop, -start)
  require(length !== undefined, `the length of [${start}:${end}] of ${dim} cannot be written down`)
  return length
}

/**
 * How many elements lie before and after `[start:end]` of a dimension. Of a symbolic one, where these are known: a
 * start counted from the front, and an end counted from the back.
 */
function aroundSlice(dim: Dim, start: number, end: Dim): { readonly before: number; readonly after: number } {
  if (typeof dim === 'number') {
    require(typeof end === 'number', `the end ${end} of ${dim} is a number`)
    const { from, to } = stretch(dim, start, end)
    return { before: from, after: dim - to }
  }
  require(start >= 0, `what lies before ${start} of ${dim} is known`)
  if (end === endOfAxis || end === dim) return { before: start, after: 0 }
  require(typeof end === 'number' && end < 0, `what follows ${end} of ${dim} is known`)
  return { before: start, after: -end }
}

/** The length of parts laid end to end; at most one is symbolic. */
function joinedLength(lengths: readonly Dim[]): Dim {
  const symbolic = lengths.filter((dim) => typeof dim === 'string')
  const known = lengths.reduce<number>((sum, dim) => sum + (typeof dim === 'number' ? dim : 0), 0)
  require(symbolic.length <= 1, `at most one part has a symbolic length, not ${symbolic.join(' and ')}`)
  const total = shift(symbolic[0] ?? 0, known)
  require(total !== undefined, `${symbolic[0]} and ${known} more cannot be written down`)
  return total
}

/** The end that ONNX documents for "to the end of the axis". */
export const endOfAxis = 2 ** 31 - 1

type Movement = 'Reshape' | 'Transpose' | 'Expand' | 'Concat' | 'Split' | 'Slice' | 'Shape' | 'ConstantOfShape'

export const movement: Rules<Movement> = {
  // y = x in another shape;  dx = dy in x's shape
  Reshape: {
    infer: (inputs) => {
      const x = input(inputs, 0)
      const target = input(inputs, 1)
      require(target.content !== undefined, 'the target shape must be known when the graph is built')
      const isOpen = (dim: Dim) => typeof dim === 'number' && dim < 0
      require(target.content.filter(isOpen).length <= 1, `one dimension of ${formatShape(target.content)} is left open`)
      const copied = target.content.map((dim, axis) => {
        if (dim !== 0) return dim
        require(x.shape[axis] !== undefined, `0 copies axis ${axis}, which the input lacks`)
        return x.shape[axis]
      })
      const open = copied.findIndex(isOpen)
      const total = product(x.shape)
      if (open >= 0) {
        const rest = quotient(total, product(copied.filter((_, axis) => axis !== open)))
        require(rest !== undefined, `${formatShape(x.shape)} does not divide into ${formatShape(target.content)}`)
        copied[open] = rest
      }
      require(product(copied) === total, `${formatShape(x.shape)} has not as many elements as ${formatShape(copied)}`)
      return vector(x, copied, copied.length === 1 ? x.content : undefined)
    },
    gradient: (g, { inputs: [x] }, [dy]) => [dy && g.reshape(dy, x!.shape)],
  },

  // y = x with its axes permuted;  dx = dy permuted back
  Transpose: {
    infer: (inputs, { perm }) => {
      const x = input(inputs, 0)
      const rank = x.shape.length
      require(perm.length === rank && new Set(perm).size === rank, `[${perm.join(', ')}] permutes ${rank} axes`)
      require(perm.every((axis) => axis >= 0 && axis < rank), `[${perm.join(', ')}] names axes from 0 to ${rank - 1}`)
      return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]!) }]
    },
    gradient: (g, { attributes: { perm } }, [dy]) => [
      dy &&
        g.transpose(
          dy,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
    ],
  },

  // y = x spread over a larger shape;  dx = dy, summed down by the walk
  Expand: {
    infer: (inputs) => {
      const x = input(inputs, 0)
      const target = input(inputs, 1)
      require(target.content !== undefined, 'the target shape must be known when the graph is built')
      return [{ dtype: x.dtype, shape: broadcast(x.shape, target.content) }]
    },
    gradient: (_, __, [dy]) => [dy],
  },

  // y = x₁ … xₙ end to end;  each takes its stretch of dy
  Concat: {
    infer: (inputs, { axis }) => {
      const first = input(inputs, 0)
      const parts = inputs.map((_, index) => input(inputs, index))
      const along = axisOf(axis, first.shape.length)
      for (const part of parts) {
        require(part.dtype === first.dtype, `parts have one element type, not ${first.dtype} and ${part.dtype}`)
        require(part.shape.length === first.shape.length, 'parts have one rank')
        part.shape.forEach((dim, i) =>
          require(i === along ||
            dim === first.shape[i], `parts differ only along axis ${along}, not in ${formatShape(part.shape)}`),
        )
      }
      const total = joinedLength(parts.map((part) => part.shape[along]!))
      const content = parts.every((part) => part.content) ? parts.flatMap((part) => part.content!) : undefined
      return vector(
        first,
        first.shape.map((dim, i) => (i === along ? total : dim)),
        content,
      )
    },
    gradient: (g, { inputs, attributes: { axis } }, [dy]) => {
      if (!dy) return []
      const lengths = inputs.map((part) => part.shape[axisOf(axis, part.shape.length)]!)
      // Parts before the symbolic one are counted from the front, those after it from the end.
      const symbolic = lengths.findIndex((dim) => typeof dim === 'string')
      const sum = (dims: readonly Dim[]) => dims.reduce<number>((total, dim) => total + (dim as number), 0)
      return inputs.map((_, i) => {
        if (symbolic >= 0 && i > symbolic) {
          const after = sum(lengths.slice(i + 1))
          return g.slice(dy, axis, -after - (lengths[i] as number), after === 0 ? endOfAxis : -after)
        }
        const from = sum(lengths.slice(0, i))
        const after = i === symbolic ? sum(lengths.slice(i + 1)) : 0
        return g.slice(
          dy,
          axis,
          from,
          i !== symbolic ? from + (lengths[i] as number) : after === 0 ? endOfAxis : -after,
        )
      })
    },
  },

  // y₁ … yₙ = x cut along an axis;  dx = the dy end to end, zeros where a part has none
  Split: {
    infer: (inputs, { axis }) => {
      const x = input(inputs, 0)
      const sizes = integers(input(inputs, 1), 'the sizes of the parts')
      const along = axisOf(axis, x.shape.length)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      require(x.shape[along] === total, `parts of ${sizes.join(', ')} make up the axis of ${x.shape[along]}`)
      return sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === along ? size : dim)) }))
    },
    gradient: (g, { outputs, attributes: { axis } }, cotangents) => {
      const parts = outputs.map(({ shape, dtype }, i) => cotangents[i] ?? g.fill(shape, 0, dtype))
      return [g.concat(parts, axis)]
    },
  },

  // y = x[start:end] along one axis;  dx = dy with zeros around it
  Slice: {
    infer: (inputs) => {
      const x = input(inputs, 0)
      const [start, ...otherStarts] = integers(input(inputs, 1), 'the start')
      const [end, ...otherEnds] = input(inputs, 2).content ?? []
      const [axis, ...otherAxes] = integers(input(inputs, 3), 'the axis')
      require(start !== undefined && end !== undefined && axis !== undefined, 'the start, end and axis are known')
      require([...otherStarts, ...otherEnds, ...otherAxes].length === 0, 'one axis is sliced')
      require(inputs[4] === undefined, 'no element of the stretch is skipped')
      const along = axisOf(axis, x.shape.length)
      const shape = x.shape.map((dim, i) => (i === along ? sliceLength(dim, start, end) : dim))
      const content = typeof end === 'number' ? x.content?.slice(start, end) : undefined
      return vector(x, shape, content)
    },
    gradient: (g, { inputs: [x, starts, ends, axes] }, [dy]) => {
      if (!dy) return []
      const axis = axisOf(integers(axes!, 'the axis')[0]!, x!.shape.length)
      const { before, after } = aroundSlice(x!.shape[axis]!, integers(starts!, 'the start')[0]!, ends!.content![0]!)
      const zeros = (size: number) => {
        const shape = x!.shape.map((dim, i) => (i === axis ? size : dim))
        return size > 0 ? [g.fill(shape, 0, dy.dtype)] : []
      }
      const parts = [...zeros(before), dy, ...zeros(after)]
      return [parts.length === 1 ? dy : g.concat(parts, axis)]
    },
  },

  Shape: {
    infer: (inputs, { start = 0, end }) => {
      const content = input(inputs, 0).shape.slice(start, end)
      return [{ dtype: 'int64', shape: [content.length], content }]
    },
    gradient: null,
  },

  ConstantOfShape: {
    infer: (inputs, { value }) => {
      const target = input(inputs, 0)
      require(target.content !== undefined, 'the shape must be known when the graph is built')
      return [{ dtype: value.dtype, shape: target.content }]
    },
    gradient: null,
  },
}
