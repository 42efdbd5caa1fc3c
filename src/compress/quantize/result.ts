import type { Scores } from '../../data/scoring.js'
import type { Cpu } from './cpu.js'
import type { Drops } from './gates.js'
import type { LayerCost } from './plan.js'

export const methods = ['dynamic', 'static', 'auto'] as const
export type Method = (typeof methods)[number]

/** A quantized model, written. */
export interface Quantized {
  readonly output: string
  readonly method: Method
  readonly cpu: Cpu
  /** Layers in int8, and those that stayed in float. */
  readonly quantized: readonly string[]
  readonly float: readonly string[]
  /** Of those in int8, the ones whose activations were balanced against their weights. */
  readonly balanced: readonly string[]
  /** Of `auto`: what each layer alone costs, the costliest first. */
  readonly costs?: readonly LayerCost[]
  /** Sizes of the graphs, in bytes. */
  readonly bytes: { readonly before: number; readonly after: number }
  /** On the dev file, where there is one. */
  readonly dev?: { readonly before: Scores; readonly after: Scores; readonly drops: Drops }
  /** The gates that failed, each in a sentence. */
  readonly failures: readonly string[]
}
