import type { Config } from '../config/schema.js'
import type { ParameterData } from '../models/parameters.js'
import type { Tagger } from '../models/tagger.js'
import type { Device, Provider } from '../runtime/devices.js'
import { createLoopTrainer } from './device/loop-trainer.js'
import { createDeviceTrainer } from './device/trainer.js'
import type { Objective } from './objective.js'
import { createTrainer, type Trainer, type TrainerOptions } from './cpu/trainer.js'

type CreateTrainer = (
  tagger: Tagger,
  objective: Objective,
  initial: ParameterData,
  options: TrainerOptions,
) => Promise<Trainer>

/** A configuration whose device is there. */
export type EquippedConfig = Config & { readonly device: Device }

/** How a trainer runs and updates, by the configuration. */
export function trainerOptions({ seed, device, threads, training }: EquippedConfig): TrainerOptions {
  return {
    seed,
    device,
    threads,
    betas: training.betas,
    epsilon: training.epsilon,
    weightDecay: training.weight_decay,
    maxGradNorm: training.max_grad_norm,
    precision: training.precision,
  }
}

/**
 * How each provider trains: with the optimizer beside the graph where memory is the host's; else with all of it there, from
 * the first step to the last, or, where tensors cannot stay between runs, for the steps of one run.
 */
export const trainers: Readonly<Record<Provider, CreateTrainer>> = {
  cpu: createTrainer,
  webgpu: createDeviceTrainer,
  cuda: createLoopTrainer,
}
