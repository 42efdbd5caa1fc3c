import type { Config } from '../config/schema.js'
import type { ParameterData } from '../models/parameters.js'
import type { Tagger } from '../models/tagger.js'
import { createDeviceTrainer } from './device/trainer.js'
import type { Objective } from './objective.js'
import { createTrainer, type Trainer, type TrainerOptions } from './trainer.js'

type CreateTrainer = (
  tagger: Tagger,
  objective: Objective,
  initial: ParameterData,
  options: TrainerOptions,
) => Promise<Trainer>

/** How each device trains: with the optimizer beside the graph where memory is the host's, else with all of it there. */
export const trainers: Readonly<Record<Config['device'], CreateTrainer>> = {
  cpu: createTrainer,
  webgpu: createDeviceTrainer,
}
