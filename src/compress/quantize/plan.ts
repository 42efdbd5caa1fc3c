import type { Graph } from '../../graph/graph.js'
import type { ModelFolder } from '../../artifacts/model.js'
import type { Range } from '../../graph/rewrite/dynamic.js'
import type { Limit } from '../../graph/rewrite/symmetric.js'
import type { Drops } from './gates.js'
import type { Measurement } from './measure.js'

/** What a method has to work with. */
export interface Task {
  readonly model: ModelFolder
  /** The graph that is served, its layers in float32. */
  readonly float: Graph
  /** Its layers that may be quantized, in order. */
  readonly layers: readonly string[]
  readonly limit: Limit
  readonly activations: 'int8' | 'uint8'
  readonly threads: number
}

/** What dynamic int8 has beside: what some layers of `float` read is between, and which were balanced for it. */
export interface RangedTask extends Task {
  readonly ranges: ReadonlyMap<string, Range>
  readonly balanced: readonly string[]
}

/** A quantized graph, and how its layers came out. */
export interface Plan {
  readonly graph: Graph
  /** Layers that stayed in float. */
  readonly float: readonly string[]
  /** Layers whose activations were balanced against their weights. */
  readonly balanced: readonly string[]
  /** Of `auto`: what each layer alone would cost, the costliest first. */
  readonly costs?: readonly LayerCost[]
  /** What the graph scores on the dev file, where the method has measured it. */
  readonly after?: Measurement
}

export interface LayerCost {
  readonly layer: string
  /** F1 lost with this layer alone in int8. */
  readonly drops: Drops
  /** How far the words' distributions over tags move, in nats: what F1 of a small file cannot tell yet. */
  readonly divergence: number
}
