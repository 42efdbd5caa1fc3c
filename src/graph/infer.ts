import { NerError } from '../errors.js'
import { formatShape } from './dims.js'
import type { OpAttributes, OpName } from './ops/attributes.js'
import { BrokenRule } from './ops/rule.js'
import { rules } from './ops/table.js'
import type { TensorType, Value } from './types.js'

/** Types of a node's outputs by its operator's rule; a broken rule names node, operator, shapes and rule. */
export function inferTypes<K extends OpName>(
  op: K,
  name: string,
  inputs: readonly (Value | undefined)[],
  attributes: OpAttributes[K],
): TensorType[] {
  try {
    return rules[op].infer(inputs, attributes)
  } catch (error) {
    throw error instanceof BrokenRule ? brokenRule(op, name, inputs, error) : error
  }
}

/** What a user reads of a broken rule. */
export function brokenRule(
  op: string,
  name: string,
  inputs: readonly (Value | undefined)[],
  { message }: BrokenRule,
): NerError {
  return new NerError('graph/invalid', `Node '${name}' breaks a rule of ${op}: ${message}`, {
    where: describeInputs(inputs),
  })
}

/** The inputs of a node with their types, as errors show them. */
export function describeInputs(inputs: readonly (Value | undefined)[]): string {
  const shown = inputs.map((value) => (value ? `${value.name} ${value.dtype}${formatShape(value.shape)}` : '—'))
  return `inputs: ${shown.join('; ')}`
}
