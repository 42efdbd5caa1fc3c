import type { Transitions } from '../data/schemes.js'
import { product } from '../graph/dims.js'
import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import {
  crfLoss,
  crfNames,
  crfParameters,
  evidenceLoss,
  independentMarginals,
  legalMarginals,
  type CrfParameters,
} from './crf.js'
import type { ChainWords } from './chain.js'
import type { Encoder, EncoderInputs, Watch } from './encoder.js'
import { linear, noDropout, type Dropout } from './layers.js'
import type { Parameter, Weights } from './parameters.js'

export type HeadKind = 'crf' | 'softmax'

/** An encoder with a tag for every word on top. */
export interface Tagger {
  readonly encoder: Encoder
  readonly head: HeadKind
  /** Tag names in the order of the logits, 'O' first. */
  readonly tags: readonly string[]
  /** Which tags may follow one another. */
  readonly legal: Transitions
  /** Dropout before the head. */
  readonly dropout: number
}

/** Parameters of the whole model: transformers' names, and the CRF's under `crf.`. */
export function taggerParameters({ encoder, head, tags }: Tagger): Parameter[] {
  const { hiddenSize } = encoder.sizes
  return [
    ...encoder.parameters,
    ...(encoder.predictionHead?.parameters ?? []),
    {
      name: 'classifier.weight',
      shape: [tags.length, hiddenSize],
      initial: { deviation: 0.02 },
      group: 'head',
      purpose: { layer: 'classifier' },
    },
    { name: 'classifier.bias', shape: [tags.length], initial: 0, group: 'head' },
    ...(head === 'crf' ? crfParameters(tags.length) : []),
  ]
}

/** What is served: logits of every piece, [batch, sequence, labels]. */
export function pieceLogits(g: Graph, { encoder, tags }: Tagger, inputs: EncoderInputs, weights: Weights): Value {
  const hidden = encoder.forward(g, inputs, weights, noDropout)
  const logits = linear(g, encoder.predictionHead?.forward(g, hidden, weights) ?? hidden, weights, 'classifier')
  return g.reshape(logits, [...inputs.inputIds.shape, tags.length])
}

/** Where the words of a batch are. */
export interface WordInputs extends EncoderInputs {
  /** int64 [sentences, words]: the word's first piece in the flattened [batch·sequence]. */
  readonly wordIndex: Value
}

/** What the words of a batch should be. */
export interface TargetInputs extends ChainWords {
  /**
   * float32 [sentences, words, labels]: a distribution over tags (times a class weight), 0 on padding and on words
   * without a target.
   */
  readonly targets: Value
}

export interface TaggingLossOptions {
  /**
   * How much of each word's own cross-entropy is added to a chain's loss; 0 where absent. A chain leaves to its
   * constraints what they decide (after O, no I- can follow), and its emissions alone, which are all that other tools
   * read, need not say it.
   */
  readonly emissionLoss?: number | undefined
  /** Whether targets can be other than one tag a word; a chain then reads them as a distribution over legal sequences. */
  readonly softTargets?: boolean | undefined
  /** Whether words can be without a target; a chain then takes those of the others as evidence. */
  readonly unknownWords?: boolean | undefined
}

/** What is trained: logits of every word's first piece, [sentences, words, labels]. The head never sees other pieces. */
export function wordLogits(
  g: Graph,
  { encoder, tags, dropout: rate }: Tagger,
  inputs: WordInputs,
  weights: Weights,
  dropout: Dropout,
  watch?: Watch,
): Value {
  const rows = g.reshape(inputs.wordIndex, [product(inputs.wordIndex.shape)])
  // Who watches sees the hidden states of every piece.
  const words = watch
    ? g.gather(encoder.forward(g, inputs, weights, dropout, watch), rows)
    : encoder.forward(g, { ...inputs, rows }, weights, dropout)
  return g.scoped('head', () => {
    const seen = dropout(g, encoder.predictionHead?.forward(g, words, weights) ?? words, rate)
    const logits = linear(g, seen, weights, 'classifier')
    return g.reshape(logits, [...inputs.wordIndex.shape, tags.length])
  })
}

/** The loss summed over the batch: negative log-likelihood of the chain, or of every word by itself. */
export function taggingLoss(
  g: Graph,
  tagger: Tagger,
  logits: Value,
  words: TargetInputs,
  weights: Weights,
  options: TaggingLossOptions = {},
): Value {
  const { emissionLoss = 0 } = options
  const loss = () => {
    if (tagger.head === 'softmax') return crossEntropy(g, logits, words.targets)
    const chain = chainLoss(g, tagger, logits, words, crfScores(weights), options)
    return emissionLoss === 0
      ? chain
      : g.add(chain, g.mul(crossEntropy(g, logits, words.targets), g.scalar(emissionLoss)))
  }
  return g.scoped('loss', () => g.withRole({ precision: 'float32' }, loss))
}

function chainLoss(
  g: Graph,
  { legal }: Tagger,
  logits: Value,
  words: TargetInputs,
  scores: CrfParameters,
  { softTargets = false, unknownWords = false }: TaggingLossOptions,
): Value {
  const { targets } = words
  if (unknownWords) {
    const isKnown = g.less(g.scalar(0), g.sum(targets, [-1]))
    return evidenceLoss(g, logits, scores, words, g.where(isKnown, targets, g.scalar(1)), legal)
  }
  const q = softTargets ? legalMarginals(g, targets, words, legal) : independentMarginals(g, targets)
  return crfLoss(g, logits, scores, words, q, legal)
}

/** The CRF's parameters among a tagger's. */
export function crfScores(weights: Weights): CrfParameters {
  const { transitions, start, end } = crfNames
  return { transitions: weights(transitions), start: weights(start), end: weights(end) }
}

/**
 * −Σ q·log softmax(x), with q all 0 where a row does not count. Written out, since GPUs have no LogSoftmax; the gradient
 * is closed: softmax(x)·Σq − q.
 */
export function crossEntropy(g: Graph, logits: Value, targets: Value): Value {
  const share = g.sum(targets, [-1])
  const above = g.sub(logits, g.maximum(logits, [-1]))
  const exps = g.exp(above)
  const total = g.sum(exps, [-1])
  const logLikelihood = g.sub(above, g.log(total))
  const loss = g.neg(g.sum(g.mul(targets, logLikelihood), [...logits.shape.keys()], 0))
  return g.withGradient(loss, [logits], (dy) => [g.mul(g.sub(g.mul(g.div(exps, total), share), targets), dy)])
}
