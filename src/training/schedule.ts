/** The learning rate's shape after the warm-up. */
export type Schedule = 'linear' | 'cosine' | 'constant'

/** How much of the peak is left when `progress` (0 to 1) of the steps after the warm-up are done. */
const decay: Readonly<Record<Schedule, (progress: number) => number>> = {
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
  constant: () => 1,
}

/**
 * The factor on the learning rate at `step`, counted from 0, of `steps`: rises linearly over the first `warmupSteps`,
 * as Hugging Face's `get_*_schedule_with_warmup`, whose first step has a rate of 0.
 */
export function scheduleFactor(schedule: Schedule, step: number, steps: number, warmupSteps: number): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps)
  return Math.max(0, decay[schedule]((step - warmupSteps) / Math.max(1, steps - warmupSteps)))
}
