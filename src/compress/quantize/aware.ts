import { goldLayer } from '../../data/document.js'
import { planBatches } from '../../features/batches.js'
import { buildExamples } from '../../features/examples.js'
import { Graph } from '../../graph/graph.js'
import { fakeQuantize } from '../../graph/rewrite/fake.js'
import type { Rewritten } from '../../graph/rewrite/rewrite.js'
import { noDropout } from '../../models/layers.js'
import type { ParameterData } from '../../models/parameters.js'
import { taggerParameters, taggingLoss, wordLogits, type Tagger } from '../../models/tagger.js'
import { taggingObjective, type Objective } from '../../training/objective.js'
import { trainingParts, type BatchSchedule } from '../../training/batch-schedule.js'
import { firstPosition, takeSteps } from '../../training/loop.js'
import { scheduleFactor } from '../../training/schedule.js'
import {
  batchInputs,
  declareParameters,
  declareTargets,
  declareWords,
  outputGradients,
  type StepGraph,
  type StepSizes,
} from '../../training/step.js'
import { createTrainer } from '../../training/cpu/trainer.js'
import type { LabelledSet } from './measure.js'
import type { Task } from './plan.js'

/** A finished model needs small steps. Its CRF is not trained: it is never rounded, and the float and the int8 model share it. */
const rates = { encoder: 2e-5, head: 2e-5 }
const batch = { sentences: 16, tokens: 4096 }
const seed = 1

/**
 * Fine-tunes a model for so many steps with its layers rounded as int8 will round them. There is no dropout: rounding is
 * noise enough.
 */
export async function* quantizeAware(
  { model, layers, limit, threads }: Omit<Task, 'float'>,
  weights: ParameterData,
  { documents }: LabelledSet,
  steps: number,
): AsyncGenerator<string, ParameterData> {
  const { tagger, tokenizer, ner } = model
  const labelled = { layer: goldLayer, tags: tagger.tags, onMisaligned: 'skip' } as const
  const { examples } = await buildExamples(documents, tokenizer, { ...ner, ...labelled, task: 'train' })
  const layout = { labels: tagger.tags.length, padId: tokenizer.pad }
  const batches: BatchSchedule = {
    steps,
    epochs: Infinity,
    epoch: (epoch) =>
      planBatches(examples, { ...layout, ...batch, shuffle: { seed, epoch } }).map(
        (members) => () =>
          trainingParts(
            members.map((example) => examples[example]!),
            layout,
          ),
      ),
  }
  const includes = new Set(layers)
  const objective: Objective = {
    ...taggingObjective(tagger, { smoothing: 0 }),
    step: (sizes) =>
      buildRoundedStep(tagger, (g) => fakeQuantize(g, { limit, includes: (name) => includes.has(name) }), sizes),
  }
  const adamW = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 } as const
  const trainer = await createTrainer(tagger, objective, weights, { ...adamW, seed, threads })
  try {
    const ratesAt = (step: number) => {
      const factor = scheduleFactor('linear', step, steps, Math.ceil(steps / 10))
      return { encoder: rates.encoder * factor, head: rates.head * factor, crf: 0 }
    }
    for await (const event of takeSteps({ trainer, batches, rates: ratesAt }, firstPosition)) {
      if (event.kind !== 'step') continue
      yield `fine-tuning with rounded layers, step ${event.at.step}/${steps}, loss ${event.loss.toFixed(3)}`
    }
    const tuned = await trainer.weights(taggerParameters(tagger).map(({ name }) => name))
    return new Map([...tuned].map(([name, data]) => [name, data.slice()]))
  } finally {
    await trainer.release()
  }
}

/** A training step whose forward pass is rewritten before it is differentiated. */
function buildRoundedStep(tagger: Tagger, round: (g: Graph) => Rewritten, sizes: StepSizes): StepGraph {
  const forward = new Graph('quantization-aware step')
  const words = declareWords(forward, sizes)
  const parameters = declareParameters(forward, taggerParameters(tagger))
  const logits = wordLogits(forward, tagger, words, parameters.weights, noDropout)
  forward.output('logits', logits)
  const { graph: g, now } = round(forward)
  const targets = declareTargets(g, tagger, sizes)
  const weight = g.input(batchInputs.weight, 'float32', [])
  const loss = g.mul(taggingLoss(g, tagger, now(logits), targets, parameters.weights), weight)
  outputGradients(g, loss, parameters.values, tagger.encoder.pieceTable)
  return { graph: g, dropoutSites: [] }
}
