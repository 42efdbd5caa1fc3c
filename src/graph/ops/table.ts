import type { OpAttributes, OpName } from './attributes.js'
import { control } from './control.js'
import { elementwise } from './elementwise.js'
import { indexing } from './indexing.js'
import { movement } from './movement.js'
import { normalisation } from './normalisation.js'
import { products } from './products.js'
import { quantization } from './quantization.js'
import { reductions } from './reductions.js'
import type { Rules } from './rule.js'

/** The shape rule and the gradient of every operator. */
export const rules: Rules<OpName> = {
  ...elementwise,
  ...products,
  ...quantization,
  ...reductions,
  ...normalisation,
  ...movement,
  ...indexing,
  ...control,
}

export function isKnownOp(op: string): op is keyof OpAttributes {
  return Object.hasOwn(rules, op)
}
