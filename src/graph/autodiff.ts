import { NerError } from '../errors.js'
import { formatShape, sameShape } from './dims.js'
import type { Graph } from './graph.js'
import { brokenRule } from './infer.js'
import { BrokenRule, type Call, type Gradient } from './ops/rule.js'
import { isKnownOp, rules } from './ops/table.js'
import type { Node, Shape, Value } from './types.js'

/**
 * Adds to `g` the gradient of `loss` (one element) with respect to each of `wanted`: parameters, or any value between
 * them and the loss. Reverse mode: nodes are walked from the last to the first, each turning the cotangents of its
 * outputs into those of its inputs. Only nodes that lie between `wanted` and the loss are visited. That the loss depends
 * on none of a value is an error, unless `unread` gives its gradient.
 */
export function gradients(g: Graph, loss: Value, wanted: readonly Value[], unread?: (value: Value) => Value): Value[] {
  if (!loss.shape.every((dim) => dim === 1)) {
    throw new NerError('graph/invalid', `A loss has one element, not the shape ${formatShape(loss.shape)}`)
  }
  const forward = [...g.nodes]
  const active = reachedFrom(wanted, forward)
  const seed = g.scoped('gradient/seed', () => g.withRole({ seed: true }, () => g.fill(loss.shape, 1, loss.dtype)))
  const cotangents = new Map<Value, Value>([[loss, seed]])

  const accumulate = (value: Value | undefined, cotangent: Value | undefined) => {
    if (!value || !cotangent || !active.has(value)) return
    const summed = unbroadcast(g, cotangent, value.shape)
    const earlier = cotangents.get(value)
    cotangents.set(value, earlier ? g.add(earlier, summed) : summed)
  }

  g.scoped('gradient', () => {
    for (const node of forward.toReversed()) {
      const incoming = node.outputs.map((output) => cotangents.get(output))
      if (incoming.every((cotangent) => cotangent === undefined)) continue
      const ofNode = (build: () => readonly (Value | undefined)[]) =>
        g.scoped(node.name, () => g.withRole({ ...node.role, gradientOf: node.op }, build))
      const custom = g.customGradients.get(node.outputs[0]!)
      if (custom) {
        const outgoing = ofNode(() => custom.gradient(incoming[0]!))
        custom.inputs.forEach((input, i) => accumulate(input, outgoing[i]))
      } else if (node.inputs.some((input) => input && active.has(input))) {
        const outgoing = ofNode(() => apply(g, node, incoming))
        node.inputs.forEach((input, i) => accumulate(input, outgoing[i]))
      }
    }
  })

  return wanted.map((value) => {
    const cotangent = cotangents.get(value)
    if (cotangent) return cotangent
    const depends = reachedFrom([value], forward).has(loss)
    if (!depends && unread) return unread(value)
    throw new NerError(
      'graph/invalid',
      depends
        ? `The loss depends on '${value.name}' only through what is not differentiable`
        : `The loss does not depend on '${value.name}'`,
    )
  })
}

/** The values that some of `sources` flow into. */
function reachedFrom(sources: readonly Value[], nodes: readonly Node[]): Set<Value> {
  const reached = new Set(sources)
  for (const node of nodes) {
    if (node.inputs.some((input) => input && reached.has(input))) node.outputs.forEach((output) => reached.add(output))
  }
  return reached
}

function apply(g: Graph, node: Node, incoming: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  const gradient = node.domain === '' && isKnownOp(node.op) ? rules[node.op].gradient : null
  if (!gradient) {
    throw new NerError(
      'graph/invalid',
      `Node '${node.name}': ${node.op} is not differentiable, and the loss depends on it`,
    )
  }
  try {
    return (gradient as Gradient<object>)(g, node as Call<object>, incoming)
  } catch (error) {
    throw error instanceof BrokenRule ? brokenRule(node.op, node.name, node.inputs, error) : error
  }
}

/** Sums a cotangent over the axes along which its value was broadcast. */
function unbroadcast(g: Graph, cotangent: Value, shape: Shape): Value {
  if (sameShape(cotangent.shape, shape)) return cotangent
  const extra = cotangent.shape.length - shape.length
  const spread = cotangent.shape.flatMap((dim, axis) =>
    axis < extra || (shape[axis - extra] === 1 && dim !== 1) ? [axis] : [],
  )
  if (extra === 1 && shape.length === 1 && sameShape(cotangent.shape.slice(1), shape)) return g.sumRows(cotangent)
  const summed = g.sum(cotangent, spread, extra > 0 ? 0 : 1)
  return g.reshape(summed, shape)
}
