import { NerError } from '../errors.js'
import { Graph } from './graph.js'
import { inline } from './inline.js'
import type { Value } from './types.js'

export interface LoopedStep {
  /** What a step hands to the next: the name of an input, and of the output that takes its place. */
  readonly carried: ReadonlyMap<string, string>
  /** The carried inputs that start at 0, and are of no use to anybody after the last step. */
  readonly fromZero?: ReadonlySet<string>
  /** Inputs that are the same in every step. */
  readonly fixed: ReadonlySet<string>
}

/** The new first axis of what differs from step to step. */
export const stepsAxis = 'steps'

/**
 * The graph of one step as a graph of many, which an ONNX `Loop` runs one after the other: what is carried stays where the
 * engine has it from the first to the last.
 *
 *     state, batch → state′, loss   becomes   state, batch[steps] → state after the last, loss[steps]
 *
 * Carried inputs keep their names and shapes, as the outputs that take their place do; every other input that is not
 * `fixed`, and every other output, gets the axis `steps` before its own.
 */
export function loopStep(step: Graph, { carried, fromZero = new Set(), fixed }: LoopedStep): Graph {
  const g = new Graph(`${step.name}, looped`)
  const body = new Graph(step.name)
  const iteration = body.input('iteration', 'int64', [])
  const going = body.input('going', 'bool', [])
  body.output('still going', going)

  const states = [...carried.keys()].map((name) => inputOf(step, name))
  const others = step.inputs.filter(({ name }) => !carried.has(name))
  const inner = (value: Value) => body.input(value.name, value.dtype, value.shape)
  const feeds = new Map<string, Value>(states.map((value) => [value.name, inner(value)]))
  const captured = others.map(({ name, dtype, shape }) => {
    const outer = g.input(name, dtype, fixed.has(name) ? shape : [stepsAxis, ...shape])
    const here = inner(outer)
    feeds.set(name, fixed.has(name) ? here : body.gather(here, iteration))
    return outer
  })
  const initial = states.map(({ name, dtype, shape }) =>
    fromZero.has(name) ? g.fill(shape, 0, dtype) : g.input(name, dtype, shape),
  )

  const outputs = inline(body, step, Object.fromEntries(feeds))
  const next = [...carried.values()]
  const scanned = Object.keys(outputs).filter((name) => !next.includes(name))
  for (const name of [...next, ...scanned]) body.output(name, outputs[name]!)
  const results = g.loop(body, g.dim(stepsAxis), initial, captured)
  const dropped = [...carried.keys()].map((name) => fromZero.has(name))
  for (const [i, name] of [...next, ...scanned].entries()) if (!dropped[i]) g.output(name, results[i]!)
  return g
}

function inputOf(step: Graph, name: string): Value {
  const value = step.inputs.find((input) => input.name === name)
  if (!value) throw new NerError('graph/invalid', `Graph '${step.name}' has no input '${name}' to carry`)
  return value
}
