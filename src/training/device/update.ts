import { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { Parameter, ParameterGroup } from '../../models/parameters.js'
import { decays, type AdamWOptions } from '../cpu/optimizer.js'
import { gradientOutput } from '../step.js'
import { int32Range } from './gradients.js'
import { nextOutput } from './names.js'
import { isFinite, rescale, scaling } from './scaling.js'

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
  /** float32 []: 0 leaves everything as it is. Of a graph that is `gated` only. */
  due: 'due',
} as const

export interface UpdateOptions {
  /** Whether the host says, run by run, that an update is due. */
  readonly gated?: boolean
  /** Whether gradients come scaled; those that overflowed change nothing but the scale. */
  readonly scaled?: boolean
}

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
  { gated = false, scaled = false }: UpdateOptions = {},
): Graph {
  const g = new Graph('device update')
  const touched = {
    rows: g.input(updateInputs.touched, 'int32', [rows]),
    places: g.input(updateInputs.places, 'int64', [rows, 1]),
  }
  const count = g.input(updateInputs.touchedCount, 'int32', [])
  const isTouched = g.less(g.unsqueeze(g.initializer('rows', int32Range(rows)), [1]), count)
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
  const scaledNorm = g.sqrt(
    given
      .map(({ gradient }) => g.sum(g.mul(gradient, gradient), [...gradient.shape.keys()], 0))
      .reduce((sum, square) => g.add(sum, square)),
  )
  const due = gated ? g.less(g.scalar(0), g.input(updateInputs.due, 'float32', [])) : undefined
  const scale = scaled ? g.input(scaling.scale, 'float32', []) : undefined
  const finite = scale && isFinite(g, scaledNorm)
  const unscale = scale && g.reciprocal(scale)
  const norm = unscale ? g.mul(scaledNorm, unscale) : scaledNorm
  if (finite) rescale(g, scale, finite, due)
  const applies = due && finite ? g.and(due, finite) : (due ?? finite)

  const clip = options.maxGradNorm === null ? undefined : clipFactor(g, norm, options.maxGradNorm)
  const factor = clip && unscale ? g.mul(clip, unscale) : (clip ?? unscale)
  // Infinity times 0 is not 0: an overflow is put out where it is.
  const sound = (gradient: Value) => (finite ? g.where(finite, gradient, g.scalar(0)) : gradient)
  const soundFactor = factor && sound(factor)
  const factors = adamWFactors(g, parameters, options, applies)

  for (const { parameter, gradient, state } of given) {
    const clipped = soundFactor ? g.mul(sound(gradient), soundFactor) : gradient
    const update = (values: readonly [Value, Value, Value]) => adamW(g, values, clipped, factors, parameter, options)
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

/** The numbers of an update that all parameters share, as scalars of the graph. */
interface AdamWFactors {
  readonly rates: ReadonlyMap<ParameterGroup, Value>
  readonly corrections: readonly [Value, Value]
  /** β and 1−β of each moment. */
  readonly mixes: readonly (readonly [Value, Value])[]
}

/** Where an update does not apply, lr = 0, β = 1 and 1−β = 0: weights and moments stay what they are, to the bit. */
function adamWFactors(
  g: Graph,
  parameters: readonly Parameter[],
  { betas }: AdamWOptions,
  applies: Value | undefined,
): AdamWFactors {
  const orElse = (value: Value, otherwise: number) => (applies ? g.where(applies, value, g.scalar(otherwise)) : value)
  const groups = [...new Set(parameters.map(({ group }) => group))]
  return {
    rates: new Map(groups.map((group) => [group, orElse(g.input(updateInputs.rate(group), 'float32', []), 0)])),
    corrections: [
      g.input(updateInputs.firstCorrection, 'float32', []),
      g.input(updateInputs.secondCorrection, 'float32', []),
    ],
    mixes: betas.map((beta) => [orElse(g.scalar(beta), 1), orElse(g.scalar(1 - beta), 0)] as const),
  }
}

function adamW(
  g: Graph,
  [weight, first, second]: readonly [Value, Value, Value],
  gradient: Value,
  { rates, corrections, mixes }: AdamWFactors,
  parameter: Parameter,
  { epsilon, weightDecay }: AdamWOptions,
): Value[] {
  const rate = rates.get(parameter.group)!
  const mix = (before: Value, now: Value, [kept, taken]: readonly [Value, Value]) =>
    g.add(g.mul(before, kept), g.mul(now, taken))
  const m = mix(first, gradient, mixes[0]!)
  const v = mix(second, g.mul(gradient, gradient), mixes[1]!)
  const direction = g.div(
    g.mul(m, g.mul(rate, corrections[0])),
    g.add(g.sqrt(g.mul(v, corrections[1])), g.scalar(epsilon)),
  )
  const kept = decays(parameter) ? g.mul(weight, g.sub(g.scalar(1), g.mul(rate, g.scalar(weightDecay)))) : weight
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
