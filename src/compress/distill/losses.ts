import type { Config } from '../../config/schema.js'
import { product } from '../../graph/dims.js'
import type { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { ChainMarginals, ChainWords } from '../../models/chain.js'
import { crfLoss, crfMarginals, legalMarginals, type CrfParameters } from '../../models/crf.js'
import type { Attention } from '../../models/encoder.js'
import { linear, maskBias } from '../../models/layers.js'
import type { Weights } from '../../models/parameters.js'
import { crfScores, crossEntropy, taggingLoss, type Tagger, type TargetInputs } from '../../models/tagger.js'

/** A row of the configuration's `distill.losses`. */
export type LossRow = Config['distill']['losses'][number]
export type LossKind = LossRow['loss']

/** A model in the step's graph: what it says, and what it computed on the way there. */
export interface Reading {
  readonly tagger: Tagger
  readonly weights: Weights
  /** [sentences, words, labels] */
  readonly logits: Value
  /** By layer, 0 the embeddings, [batch·sequence, hidden]. */
  readonly hidden: ReadonlyMap<number, Value>
  /** By layer, from 1. */
  readonly attention: ReadonlyMap<number, Attention>
}

/** What a step is divided by: 1 over the number of … in all of its batches. Scalars. */
export interface Shares {
  /** Sentences with labels, for a CRF; else words with labels. */
  readonly gold: Value
  readonly words: Value
  readonly sentences: Value
  readonly pieces: Value
}

/** Everything that losses read. */
export interface Lesson {
  readonly student: Reading
  readonly teachers: readonly Reading[]
  /** Targets of the words that have labels, and their mask. */
  readonly gold: TargetInputs
  /** Of all words. */
  readonly words: ChainWords
  /** int64 [batch, sequence] */
  readonly attentionMask: Value
  readonly shares: Shares
  readonly temperature: number
  readonly emissionLoss: number
  /** Whether labels can be other than one tag a word. */
  readonly softTargets: boolean
}

/** A loss of the step, as a scalar; layers are those of its row. */
type Loss = (g: Graph, lesson: Lesson, row: LayerRow) => Value

/** A row whose layers are settled. Those of losses that read no layer are 0. */
export interface LayerRow extends LossRow {
  readonly layer_teacher: number
  readonly layer_student: number
}

export const losses: Readonly<Record<LossKind, Loss>> = {
  // What plain training minimises.
  gold: (g, { student, gold, shares, emissionLoss, softTargets }) =>
    g.mul(
      taggingLoss(g, student.tagger, student.logits, gold, student.weights, { emissionLoss, softTargets }),
      shares.gold,
    ),

  // T²·Σ −p log softmax(x/T), p the mean of the teachers' softmax(x/T) (Hinton et al., 2015).
  soft: (g, { student, teachers, words, shares, temperature }) => {
    const targets = mean(
      g,
      teachers.map(({ logits }) => g.softmax(over(g, logits, temperature))),
    )
    const loss = crossEntropy(g, over(g, student.logits, temperature), g.mul(targets, words.mask))
    return g.mul(g.mul(loss, shares.words), g.scalar(temperature ** 2))
  },

  // T²·(log Z − E_q[score]) of all scores over T, q the mean of the teachers' distributions over sequences. A chain's
  // score reads tags and neighbours, so that their marginals give the cross-entropy between whole sequences exactly
  // (Wang et al., 2021, "Structural Knowledge Distillation", 3.1); a softmax student reads those of tags.
  posterior: (g, lesson) => {
    const { student, words, shares, temperature, emissionLoss } = lesson
    const q = teacherMarginals(g, lesson)
    const emissions = over(g, student.logits, temperature)
    const scaled = (loss: Value, share: Value) => g.mul(g.mul(loss, share), g.scalar(temperature ** 2))
    if (student.tagger.head === 'softmax') return scaled(crossEntropy(g, emissions, q.tags), shares.words)
    const parameters = mapScores(crfScores(student.weights), (score) => over(g, score, temperature))
    const chain = crfLoss(g, emissions, parameters, words, q, student.tagger.legal)
    if (emissionLoss === 0) return scaled(chain, shares.sentences)
    // As in training: emissions should mean something by themselves.
    const plain = g.mul(crossEntropy(g, emissions, q.tags), g.scalar(emissionLoss))
    return scaled(g.add(chain, plain), shares.sentences)
  },

  // Mean square of W·student + b − teacher over pieces and dimensions; without W and b where both are as wide.
  hidden: (g, { student, teachers, attentionMask, shares }, row) => {
    const target = teachers[0]!.hidden.get(row.layer_teacher)!
    const own = student.hidden.get(row.layer_student)!
    const name = projectionName(row)
    const seen = own.shape[1] === target.shape[1] ? own : linear(g, own, student.weights, name)
    const difference = g.mul(g.sub(seen, target), pieceMask(g, attentionMask))
    const width = target.shape[1] as number
    return g.mul(g.sum(g.mul(difference, difference), [0, 1], 0), g.mul(shares.pieces, g.scalar(1 / width)))
  },

  // Σ KL(teacher's ‖ student's) over queries, keys and values of softmax(A·Aᵀ/√d), the relations between pieces, mean over
  // pieces and relation heads (Wang et al., 2021, "MiniLMv2"). Needs no equal widths.
  relations: (g, { student, teachers, attentionMask, shares }, row) => {
    const teacher = teachers[0]!
    const heads = commonDivisor(teacher.tagger.encoder.sizes.heads, student.tagger.encoder.sizes.heads)
    const [from, to] = [teacher.attention.get(row.layer_teacher)!, student.attention.get(row.layer_student)!]
    const bias = maskBias(g, attentionMask)
    const [batch, sequence] = attentionMask.shape as [string, string]
    const rows = g.reshape(pieceMask(g, attentionMask), [batch, 1, sequence, 1])
    const divergences = (['query', 'key', 'value'] as const).map((part) => {
      const [target, own] = [from, to].map((attention) => relation(g, attention, part, heads, bias))
      const p = g.mul(g.softmax(target!), rows)
      return g.sum(g.mul(p, g.sub(g.logSoftmax(target!), g.logSoftmax(own!))), [0, 1, 2, 3], 0)
    })
    return g.mul(
      divergences.reduce((a, b) => g.add(a, b)),
      g.mul(shares.pieces, g.scalar(1 / heads)),
    )
  },
}

/** The parameters that bring a narrower student's layer to its teacher's width. */
export const projectionName = ({ layer_teacher: teacher, layer_student: student }: LayerRow) =>
  `projection.${student}.${teacher}`

/** The mean of the teachers' distributions over sequences, in marginals. */
function teacherMarginals(g: Graph, { teachers, student, words, temperature }: Lesson): ChainMarginals {
  const all = teachers.map(({ tagger, logits, weights }): ChainMarginals => {
    const emissions = over(g, logits, temperature)
    if (tagger.head === 'crf') {
      const parameters = mapScores(crfScores(weights), (score) => over(g, score, temperature))
      return crfMarginals(g, emissions, parameters, words, tagger.legal)
    }
    const targets = g.mul(g.softmax(emissions), words.mask)
    return student.tagger.head === 'crf'
      ? legalMarginals(g, targets, words, tagger.legal)
      : { tags: targets, steps: g.scalar(0) }
  })
  return {
    tags: mean(
      g,
      all.map(({ tags }) => tags),
    ),
    steps: mean(
      g,
      all.map(({ steps }) => steps),
    ),
  }
}

function mean(g: Graph, values: readonly Value[]): Value {
  const sum = values.reduce((a, b) => g.add(a, b))
  return values.length === 1 ? sum : g.mul(sum, g.scalar(1 / values.length))
}

const over = (g: Graph, x: Value, temperature: number) => (temperature === 1 ? x : g.mul(x, g.scalar(1 / temperature)))

const mapScores = ({ transitions, start, end }: CrfParameters, map: (score: Value) => Value): CrfParameters => ({
  transitions: map(transitions),
  start: map(start),
  end: map(end),
})

/** 1 on pieces, 0 on padding: [batch·sequence, 1]. */
function pieceMask(g: Graph, attentionMask: Value): Value {
  return g.reshape(g.cast(attentionMask, 'float32'), [product(attentionMask.shape), 1])
}

/** A·Aᵀ/√d of every relation head, [batch, heads, sequence, sequence]. */
function relation(g: Graph, attention: Attention, part: 'query' | 'key' | 'value', heads: number, bias: Value): Value {
  const rows = attention[part]
  const [batch, , , sequence] = bias.shape
  const width = (rows.shape[1] as number) / heads
  const split = g.reshape(rows, [batch!, sequence!, heads, width])
  const scale = 1 / Math.sqrt(width) / (part === 'query' ? attention.scale ** 2 : 1)
  const scores = g.matmul(g.transpose(split, [0, 2, 1, 3]), g.transpose(split, [0, 2, 3, 1]))
  return g.add(g.mul(scores, g.scalar(scale)), bias)
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}
