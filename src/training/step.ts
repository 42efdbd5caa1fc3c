import { NerError } from '../errors.js'
import type { Batch } from '../features/batch.js'
import { gradients } from '../graph/autodiff.js'
import { Graph } from '../graph/graph.js'
import type { Dim, Value } from '../graph/types.js'
import { noDropout } from '../models/layers.js'
import type { Parameter, Weights } from '../models/parameters.js'
import {
  taggerParameters,
  taggingLoss,
  wordLogits,
  type Tagger,
  type TaggingLossOptions,
  type TargetInputs,
  type WordInputs,
} from '../models/tagger.js'
import { collectDropout, type DropoutSite } from './dropout.js'

/** The inputs of a step that come from a batch (features/batch), by the names they have in its graph. */
export const batchInputs = {
  inputIds: 'input_ids',
  attentionMask: 'attention_mask',
  wordIndex: 'word_index',
  targets: 'targets',
  lengths: 'lengths',
  mask: 'word_mask',
  weight: 'loss_weight',
} as const

/** The outputs of a step beside the dense gradients. */
export const stepOutputs = { loss: 'loss', pieces: 'gradient.pieces' } as const

export const gradientOutput = (parameter: string) => `gradient.${parameter}`

/** A batch's sizes in a graph: symbols that every run may set anew, or the numbers of one bucket of batches. */
export type StepSizes = { readonly [Size in keyof Batch['sizes']]: Dim }

export const anySizes: StepSizes = { batch: 'batch', sequence: 'sequence', sentences: 'sentences', words: 'words' }

export interface StepGraph {
  readonly graph: Graph
  readonly dropoutSites: readonly DropoutSite[]
}

/**
 * One training step up to the gradients: forward, loss (summed over the batch, times `loss_weight`), backward. The
 * parameters are inputs by their names; outputs are the loss, the gradient of every dense parameter, and of the piece
 * table the gradient of each row as it was looked up, [batch·sequence, hidden]: those of the same piece are added up
 * outside, and no other row is touched.
 */
export function buildStep(tagger: Tagger, options: TaggingLossOptions = {}, sizes = anySizes): StepGraph {
  const g = new Graph('training step')
  const words = declareWords(g, sizes)
  const targets = declareTargets(g, tagger, sizes)
  const parameters = declareParameters(g, taggerParameters(tagger))
  const dropoutSites: DropoutSite[] = []

  const logits = wordLogits(g, tagger, words, parameters.weights, collectDropout(dropoutSites))
  const weight = g.input(batchInputs.weight, 'float32', [])
  const loss = g.scoped('loss', () =>
    g.withRole({ precision: 'float32' }, () =>
      g.mul(taggingLoss(g, tagger, logits, targets, parameters.weights, options), weight),
    ),
  )
  outputGradients(g, loss, parameters.values, tagger.encoder.pieceTable)
  return { graph: g, dropoutSites }
}

/**
 * Makes the loss and its gradients by the parameters the outputs of a step. A parameter that the loss does not read, as a
 * CRF's where only emissions are learnt, has a gradient of 0.
 */
export function outputGradients(g: Graph, loss: Value, values: ReadonlyMap<string, Value>, pieceTable: string): void {
  const dense = [...values].filter(([name]) => name !== pieceTable)
  const lookedUp = lookUps(g, values.get(pieceTable)!)
  const zeros = (value: Value) => g.fill(value.shape, 0, value.dtype)
  const all = gradients(g, loss, [lookedUp, ...dense.map(([, value]) => value)], zeros)
  g.output(stepOutputs.loss, loss)
  g.output(stepOutputs.pieces, all[0]!)
  dense.forEach(([name], i) => g.output(gradientOutput(name), all[i + 1]!))
}

/** The same forward pass without loss and dropout: logits of every word, for evaluation between epochs. */
export function buildForward(tagger: Tagger, sizes = anySizes): Graph {
  const g = new Graph('forward')
  g.output(
    'logits',
    wordLogits(g, tagger, declareWords(g, sizes), declareParameters(g, taggerParameters(tagger)).weights, noDropout),
  )
  return g
}

export function declareWords(g: Graph, { batch, sequence, sentences, words }: StepSizes): WordInputs {
  return {
    inputIds: g.input(batchInputs.inputIds, 'int64', [batch, sequence]),
    attentionMask: g.input(batchInputs.attentionMask, 'int64', [batch, sequence]),
    wordIndex: g.input(batchInputs.wordIndex, 'int64', [sentences, words]),
  }
}

export function declareTargets(g: Graph, { tags }: Tagger, { sentences, words }: StepSizes): TargetInputs {
  return {
    targets: g.input(batchInputs.targets, 'float32', [sentences, words, tags.length]),
    lengths: g.input(batchInputs.lengths, 'int64', [sentences]),
    mask: g.input(batchInputs.mask, 'float32', [sentences, words, 1]),
  }
}

export function declareParameters(g: Graph, parameters: readonly Parameter[]) {
  const values = new Map<string, Value>(
    parameters.map(({ name, shape, purpose }) => [name, g.input(name, 'float32', shape, purpose)]),
  )
  const weights: Weights = (name) => values.get(name)!
  return { values, weights }
}

/** What the one node that reads a table gives: with a second, the gradient of its rows would be a part of it. */
function lookUps(g: Graph, table: Value): Value {
  const readers = g.nodes.filter(({ inputs }) => inputs.includes(table))
  if (readers.length === 1 && readers[0]!.op === 'Gather') return readers[0]!.outputs[0]!
  const names = readers.map(({ name }) => `'${name}'`).join(', ')
  throw new NerError('graph/invalid', `'${table.name}' is looked up in one place, and read by ${names || 'none'}`)
}
