import { NerError } from '../../errors.js'
import type { Graph } from '../../graph/graph.js'
import type { Tensor, Value } from '../../graph/types.js'
import { scalar } from '../objective.js'
import { nextOutput } from './names.js'

/**
 * Dynamic loss scaling, as PyTorch's GradScaler does it: gradients come times `scale`, a power of two; where their norm is
 * not finite the step is skipped and the scale halved, and after 2,000 good steps in a row it is doubled. Both numbers,
 * float32 [], are carried from step to step as the moments are, and are in checkpoints. A skipped step counts in the
 * schedule and in the moments' corrections.
 */
export const scaling = { scale: 'loss_scale', goodSteps: 'good_steps' } as const

/** What scaling starts from. */
export const firstScaling = (): readonly (readonly [string, Tensor])[] => [
  [scaling.scale, scalar(2 ** 16)],
  [scaling.goodSteps, scalar(0)],
]

const growthInterval = 2000

/** No norm of gradients in half is above this, and no loss: what is not below it is not a number, or infinite. */
export const isFinite = (g: Graph, value: Value) => g.less(value, g.scalar(1e30))

/** Adds the next scale to an update's graph, where the norm of the scaled gradients says whether they overflowed. */
export function rescale(g: Graph, scale: Value, finite: Value, due: Value | undefined): void {
  const good = g.input(scaling.goodSteps, 'float32', [])
  const counted = g.where(finite, g.add(good, g.scalar(1)), g.scalar(0))
  const grows = g.less(g.scalar(growthInterval - 0.5), counted)
  const grown = g.where(grows, g.mul(scale, g.scalar(2)), scale)
  const next = g.where(finite, grown, g.mul(scale, g.scalar(0.5)))
  const nextGood = g.where(grows, g.scalar(0), counted)
  g.output(nextOutput(scaling.scale), due ? g.where(due, next, scale) : next)
  g.output(nextOutput(scaling.goodSteps), due ? g.where(due, nextGood, good) : nextGood)
}

/** @throws NerError `training/overflow` where the scale has come to where it would make gradients smaller */
export function requireScale(scale: number, step: number): void {
  if (scale >= 1) return
  throw new NerError('training/overflow', `fp16 overflows in step ${step}, and did at every scale down to ${scale}.`, {
    mend: 'Set training.precision to fp32, or lower training.learning_rate. The last good checkpoint is kept.',
  })
}
