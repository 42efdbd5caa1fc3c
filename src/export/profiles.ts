import type { Graph } from '../graph/graph.js'
import type { Dim } from '../graph/types.js'

/** Shapes that a TensorRT engine is built for: it takes what lies between `min` and `max`, and is fastest at `opt`. */
export interface ShapeProfile {
  readonly min: readonly number[]
  readonly opt: readonly number[]
  readonly max: readonly number[]
}

/** A file's profile, input by input, and the command that builds its engine. */
export interface EngineRecipe {
  readonly onnx: string
  readonly engine: string
  readonly inputs: Readonly<Record<string, ShapeProfile>>
  readonly command: string
}

/** Sizes of the symbols in the graphs' inputs; `window` is the longest that the model was trained on. */
function sizes(window: number): Readonly<Record<keyof ShapeProfile, Readonly<Record<string, number>>>> {
  return {
    // An empty text is still its two special pieces.
    min: { batch: 1, sequence: 2, sentences: 1, words: 1 },
    opt: { batch: 8, sequence: Math.min(32, window), sentences: 8, words: Math.min(24, window) },
    max: { batch: 64, sequence: window, sentences: 256, words: 2 * window },
  }
}

/** `onnx` is the file's path in the exported folder, which the command is run in. */
export function engineRecipe(g: Graph, onnx: string, window: number): EngineRecipe {
  const symbols = sizes(window)
  const size = (dim: Dim, kind: keyof ShapeProfile) => (typeof dim === 'number' ? dim : symbols[kind][dim]!)
  const inputs = Object.fromEntries(
    g.inputs.map(({ name, shape }) => {
      const at = (kind: keyof ShapeProfile) => shape.map((dim) => size(dim, kind))
      return [name, { min: at('min'), opt: at('opt'), max: at('max') }]
    }),
  )
  const shapes = (kind: keyof ShapeProfile) =>
    `--${kind}Shapes=${Object.entries(inputs)
      .map(([name, profile]) => `${name}:${profile[kind].join('x')}`)
      .join(',')}`
  const engine = `tensorrt/${onnx.replace(/^.*\//, '').replace(/\.onnx$/, '.plan')}`
  // The types of the file are what was verified: TensorRT is to keep them.
  const flags = [`--onnx=${onnx}`, '--stronglyTyped', shapes('min'), shapes('opt'), shapes('max')]
  return { onnx, engine, inputs, command: ['trtexec', ...flags, `--saveEngine=${engine}`].join(' ') }
}
