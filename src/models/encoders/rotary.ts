import type { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import { positionRows } from '../layers.js'

/** Cosines and sines of every position's angles, [sequence, width/2] each. */
export interface Rotation {
  readonly cos: Value
  readonly sin: Value
}

/**
 * Rotary positions (Su et al., 2021): at position p, elements i and i + width/2 of a head are a point that is turned by
 * the angle p·θ^(−2i/width). The tables are part of the graph: angles do not fit float16, their cosines do.
 */
export function rotation(g: Graph, inputIds: Value, longest: number, width: number, theta: number): Rotation {
  const half = width / 2
  const table = (name: string, of: (angle: number) => number) => {
    const data = new Float32Array(longest * half)
    for (let i = 0; i < half; i++) {
      const frequency = Math.fround(theta ** ((-2 * i) / width))
      for (let p = 0; p < longest; p++) data[p * half + i] = of(p * frequency)
    }
    return positionRows(g, g.initializer(name, { dtype: 'float32', dims: [longest, half], data }), inputIds)
  }
  return { cos: table(`cosines ${theta}`, Math.cos), sin: table(`sines ${theta}`, Math.sin) }
}

/** Heads [batch, heads, sequence, width], turned by their positions: (a, b) to (a·cos − b·sin, b·cos + a·sin). */
export function rotate(g: Graph, x: Value, { cos, sin }: Rotation): Value {
  const half = (x.shape.at(-1) as number) / 2
  const [a, b] = g.split(x, 3, [half, half])
  const left = g.sub(g.mul(a!, cos), g.mul(b!, sin))
  const right = g.add(g.mul(b!, cos), g.mul(a!, sin))
  return g.concat([left, right], 3)
}
