import { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { Parameter, ParameterGroup } from '../../models/parameters.js'
import { decays, type AdamWOptions } from '../optimizer.js'
import { gradientOutput } from '../step.js'
import { int32Range } from './gradients.js'

export const updateInputs = {
  /** int32 [rows]: the pieces that the step touches, each once; then others, each once, that it does not. */
  touched: 'touched',
  /** int64 [rows, 1]: the same, as ScatterND takes them. GPUs have no Reshape of int64. */
  places: 'touched_places',
  /** int32 []: how many are touched. */
  touchedCount: 'touched_count',
  /** float32 []: 1/(1−β₁ᵗ) and 1/(1−β₂ᵗ). */
  firstCorrection: 'first_correction',
  secondCorrection: 'second_correction',
  rate: (group: ParameterGroup) => `rate.${group}`,
} as const

export const nextOutput = (state: string) => `next.${state}`

export const moments = ['first', 'second'] as const
export const momentName = (moment: (typeof moments)[number], parameter: string) => `${moment}.${parameter}`

/**
 * AdamW (Loshchilov & Hutter, 2019) as a graph, for state that lives on a device: clipping by the global norm, then
 *   m ← β₁·m + (1−β₁)·g,   v ← β₂·v + (1−β₂)·g²,   w ← w·(1−lr·λ) − lr·m̂ / (√v̂ + ε).
 * Of the piece table only the touched rows change, as in the optimizer beside the graph. Outputs are the next of every
 * weight and moment, and `norm`, the gradient's before clipping.
 */
export function buildUpdate(
  parameters: readonly Parameter[],
  pieceTable: string,
  rows: number,
  options: AdamWOptions,
): Graph {
  const g = new Graph('device update')
  const touched = {
    rows: g.input(updateInputs.touched, 'int32', [rows]),
    places: g.input(updateInputs.places, 'int64', [rows, 1]),
  }
  const count = g.input(updateInputs.touchedCount, 'int32', [])
  const isTouched = g.less(g.unsqueeze(g.initializer('rows', int32Range(rows)), [1]), count)
  const corrections = {
    first: g.input(updateInputs.firstCorrection, 'float32', []),
    second: g.input(updateInputs.secondCorrection, 'float32', []),
  }
  const rates = new Map<ParameterGroup, Value>()
  const rateOf = (group: ParameterGroup) => {
    if (!rates.has(group)) rates.set(group, g.input(updateInputs.rate(group), 'float32', []))
    return rates.get(group)!
  }
  const given = parameters.map((parameter) => ({
    parameter,
    gradient: g.input(
      gradientOutput(parameter.name),
      'float32',
      parameter.name === pieceTable ? [rows, ...parameter.shape.slice(1)] : parameter.shape,
    ),
    state: ['', 'first.', 'second.'].map((prefix) =>
      g.input(`${prefix}${parameter.name}`, 'float32', parameter.shape),
    ) as [Value, Value, Value],
  }))
  const norm = g.sqrt(
    given
      .map(({ gradient }) => g.sum(g.mul(gradient, gradient), [...gradient.shape.keys()], 0))
      .reduce((sum, square) => g.add(sum, square)),
  )
  const clip = options.maxGradNorm === null ? undefined : clipFactor(g, norm, options.maxGradNorm)

  for (const { parameter, gradient, state } of given) {
    const clipped = clip ? g.mul(gradient, clip) : gradient
    const update = (values: readonly [Value, Value, Value]) =>
      adamW(
        g,
        values,
        clipped,
        rateOf(parameter.group),
        corrections,
        decays(parameter) ? options.weightDecay : 0,
        options,
      )
    const next =
      parameter.name === pieceTable
        ? rowsOf(g, state, touched, (own) => update(own).map((after, i) => g.where(isTouched, after, own[i]!)))
        : update(state)
    next.forEach((value, i) => g.output(nextOutput(state[i]!.name), value))
  }
  g.output('norm', norm)
  return g
}

/** min(1, most / (norm + 10⁻⁶)), as PyTorch's `clip_grad_norm_`. */
function clipFactor(g: Graph, norm: Value, most: number): Value {
  const factor = g.div(g.scalar(most), g.add(norm, g.scalar(1e-6)))
  return g.neg(g.max(g.scalar(-1), g.neg(factor)))
}

function adamW(
  g: Graph,
  [weight, first, second]: readonly [Value, Value, Value],
  gradient: Value,
  rate: Value,
  corrections: { readonly first: Value; readonly second: Value },
  decay: number,
  { betas: [beta1, beta2], epsilon }: AdamWOptions,
): Value[] {
  const mix = (before: Value, beta: number, now: Value) =>
    g.add(g.mul(before, g.scalar(beta)), g.mul(now, g.scalar(1 - beta)))
  const m = mix(first, beta1, gradient)
  const v = mix(second, beta2, g.mul(gradient, gradient))
  const direction = g.div(
    g.mul(m, g.mul(rate, corrections.first)),
    g.add(g.sqrt(g.mul(v, corrections.second)), g.scalar(epsilon)),
  )
  const kept = decay === 0 ? weight : g.mul(weight, g.sub(g.scalar(1), g.mul(rate, g.scalar(decay))))
  return [g.sub(kept, direction), m, v]
}

/** Gathers the rows of tables, changes them, and puts them back. */
function rowsOf(
  g: Graph,
  tables: readonly [Value, Value, Value],
  touched: { readonly rows: Value; readonly places: Value },
  change: (rows: readonly [Value, Value, Value]) => readonly Value[],
): Value[] {
  const gathered = tables.map((table) => g.gather(table, touched.rows)) as [Value, Value, Value]
  return change(gathered).map((changed, i) => g.scatter(tables[i]!, touched.places, changed))
}
