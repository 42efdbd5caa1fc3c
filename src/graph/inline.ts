import { NerError } from '../errors.js'
import type { Graph } from './graph.js'
import type { OpName } from './ops/attributes.js'
import { isKnownOp } from './ops/table.js'
import type { Value } from './types.js'

/** Operators that are built in another way, for a device that lacks them. */
export type Replacements = Readonly<Partial<Record<OpName, (g: Graph, inputs: readonly Value[]) => Value>>>

/**
 * Adds the nodes of `graph` to `into`, reading `feeds` (by input name) in place of its inputs, and returns its outputs.
 * Every node's rule is applied anew, so that a feed may have another size or type than the input had: integers of 32
 * bits for 64, the rows of a table for the table.
 */
export function inline(
  into: Graph,
  graph: Graph,
  feeds: Readonly<Record<string, Value>>,
  replacements: Replacements = {},
): Record<string, Value> {
  const values = new Map<Value, Value>()
  for (const input of graph.inputs) {
    const feed = feeds[input.name]
    if (!feed) throw new NerError('graph/invalid', `Graph '${graph.name}' is inlined without its input '${input.name}'`)
    values.set(input, feed)
  }
  for (const [name, { value, tensor }] of graph.initializers)
    values.set(value, into.initializer(name, tensor, value.purpose))
  for (const { name, op, domain, inputs, outputs, attributes, role } of graph.nodes) {
    const taken = inputs.map((input) => input && values.get(input)!)
    const build = (): Value[] => {
      if (domain !== '' || !isKnownOp(op)) return into.applyForeign(op, domain, taken, attributes, outputs)
      const replacement = replacements[op]
      return replacement ? [replacement(into, taken as Value[])] : into.apply(op, taken, attributes)
    }
    const given = into.scoped(scopeOf(name), () => into.withRole(role, build))
    outputs.forEach((output, i) => values.set(output, given[i]!))
  }
  return Object.fromEntries(graph.outputs.map(({ name, value }) => [name, values.get(value)!]))
}

/** What stands before an operator's own name: `layer.0/Gemm.2` is in `layer.0`. */
const scopeOf = (name: string) => name.split('/').slice(0, -1).join('/')
