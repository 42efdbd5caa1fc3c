import { Graph } from '../../graph/graph.js'
import { inline } from '../../graph/inline.js'
import { loopStep } from '../../graph/loop.js'
import type { Value } from '../../graph/types.js'
import type { Tagger } from '../../models/tagger.js'
import type { Objective } from '../objective.js'
import type { AdamWOptions } from '../cpu/optimizer.js'
import { stepOutputs } from '../step.js'
import {
  accumulatedInput,
  buildGradients,
  deviceInputs,
  poolInput,
  type FixedSizes,
  type GradientGraph,
  type GradientOptions,
} from './gradients.js'
import { momentName, moments, nextOutput } from './names.js'
import { scaling } from './scaling.js'
import { buildUpdate } from './update.js'

export const normOutput = 'norm'
/** float32 [steps], of fp16: the loss scale after each batch. */
export const scaleOutput = 'scale'

/**
 * Many steps in one run: an ONNX Loop that carries weights and moments from each step to the next. An iteration is the
 * gradients of one batch and the update; where steps have several batches (`accumulates`), gradients are carried too, and
 * `due` says of each batch whether it is its step's last. Outputs are the next of every weight and moment, and `loss`
 * and `norm` of each batch, [steps].
 */
export function buildLoop(
  tagger: Tagger,
  objective: Pick<Objective, 'parameters' | 'step'>,
  sizes: FixedSizes,
  rows: number,
  { accumulates, precision, ...options }: AdamWOptions & GradientOptions & { readonly accumulates: boolean },
): GradientGraph {
  const { parameters } = objective
  const scaled = precision === 'fp16'
  const { graph, dropoutSites } = buildGradients(tagger, objective, sizes, rows, { accumulates, precision })
  const update = buildUpdate(parameters, tagger.encoder.pieceTable, rows, options, { gated: accumulates, scaled })

  const g = new Graph('device step')
  const known: Record<string, Value> = { [deviceInputs.lossSum]: g.scalar(0) }
  const add = (part: Graph) => {
    for (const { name, dtype, shape } of part.inputs) known[name] ??= g.input(name, dtype, shape)
    return inline(g, part, known)
  }
  const { [stepOutputs.loss]: loss, ...gradients } = add(graph)
  Object.assign(known, gradients)
  const updated = add(update)
  for (const [name, value] of Object.entries(updated)) g.output(name, value)
  g.output(stepOutputs.loss, loss!)
  if (scaled) g.output(scaleOutput, updated[nextOutput(scaling.scale)]!)

  const state = [
    ...parameters.flatMap(({ name }) => [name, ...moments.map((moment) => momentName(moment, name))]),
    ...(scaled ? Object.values(scaling) : []),
  ]
  const carried = new Map(state.map((name) => [name, nextOutput(name)]))
  const fromZero = new Set<string>()
  for (const [name, gradient] of accumulates ? Object.entries(gradients) : []) {
    g.output(name, gradient)
    carried.set(accumulatedInput(name), name)
    fromZero.add(accumulatedInput(name))
  }
  const fixed = new Set(dropoutSites.map(({ rate }) => poolInput(rate)))
  return { graph: loopStep(g, { carried, fromZero, fixed }), dropoutSites }
}
