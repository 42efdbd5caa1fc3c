import type { Config } from '../../config/schema.js'
import { NerError } from '../../errors.js'
import type { Batch } from '../../features/batch.js'
import { Graph } from '../../graph/graph.js'
import type { Tensor, Value } from '../../graph/types.js'
import type { Attention, Watch } from '../../models/encoder.js'
import { noDropout } from '../../models/layers.js'
import { parameterTensor, type Parameter, type Weights } from '../../models/parameters.js'
import { taggerParameters, wordLogits, type Tagger } from '../../models/tagger.js'
import { collectDropout, type DropoutSite } from '../../training/dropout.js'
import { scalar, targetFeeds, type Objective } from '../../training/objective.js'
import {
  declareParameters,
  declareTargets,
  declareWords,
  outputGradients,
  type StepSizes,
} from '../../training/step.js'
import { batchTargets } from '../../training/targets.js'
import type { CachedLogits } from '../../training/teachers/teacher-logits.js'
import { losses, projectionName, type LayerRow, type LossRow, type Reading, type Shares } from './losses.js'
import { spread } from './student.js'
import type { Teacher } from './teachers.js'

/** Losses that need no more of a teacher than its logits. */
const readLogits: ReadonlySet<string> = new Set(['gold', 'soft', 'posterior'])

const readsTeachers = (rows: readonly LossRow[]) => rows.some(({ loss }) => loss !== 'gold')

/** Whether the teachers are to be run once, before training: their logits are read, and nothing else of them. */
export const wantsLogits = (rows: readonly LossRow[]) =>
  readsTeachers(rows) && rows.every(({ loss }) => readLogits.has(loss))

const inputs = {
  words: 'words_mask',
  logits: (teacher: number) => `teacher.${teacher}.logits`,
  share: (of: keyof Shares) => `share.${of}`,
}

export interface DistillationOptions {
  readonly distill: Config['distill']
  readonly training: Config['training']
  /** Whether labels can be other than one tag a word. */
  readonly softTargets: boolean
  /** The teachers' logits, one for each; without them they run in the step's graph. */
  readonly cached?: readonly Pick<CachedLogits, 'of'>[] | undefined
}

/**
 * Learning from teachers. Their weights are part of the graph and their forward pass has no dropout and no gradient; of
 * what they compute, nothing leaves the graph.
 *
 * @throws NerError `config/bad-value` for a layer that student or teacher does not have
 */
export function distillationObjective(
  student: Tagger,
  teachers: readonly Teacher[],
  { distill, training, softTargets, cached }: DistillationOptions,
): Objective {
  const first = teachers[0]!.model.tagger.encoder.sizes
  const rows = distill.losses.flatMap((row, i) => settleLayers(row, i, first.layers, student.encoder.sizes.layers))
  const parameters = [...taggerParameters(student), ...projections(rows, student, first.hiddenSize)]
  const labels = student.tags.length
  return {
    parameters,
    step: (sizes) => build(sizes),
    feeds(batches) {
      const targets = batches.map((batch) => batchTargets(batch, { labels, smoothing: training.label_smoothing }))
      const total = (count: (batch: Batch, i: number) => number) =>
        scalar(
          1 /
            Math.max(
              1,
              batches.reduce((sum, batch, i) => sum + count(batch, i), 0),
            ),
        )
      const labelled = ({ rows: own }: Batch) => own.filter(({ tags, soft }) => tags ?? soft).length
      const shares = {
        [inputs.share('gold')]: total((batch, i) => (student.head === 'crf' ? labelled(batch) : targets[i]!.total)),
        [inputs.share('words')]: total(({ wordCount }) => wordCount),
        [inputs.share('sentences')]: total(({ rows: own }) => own.length),
        [inputs.share('pieces')]: total(({ pieceCount }) => pieceCount),
      }
      return batches.map((batch, i) => ({
        ...targetFeeds(batch, targets[i]!),
        [inputs.words]: wordMask(batch),
        ...Object.fromEntries((cached ?? []).map((logits, t) => [inputs.logits(t), logits.of(batch)])),
        ...shares,
      }))
    },
  }

  function build(sizes: StepSizes) {
    const g = new Graph('distillation step')
    const dropoutSites: DropoutSite[] = []
    const words = declareWords(g, sizes)
    const gold = declareTargets(g, student, sizes)
    const { values, weights } = declareParameters(g, parameters)
    const share = (of: keyof Shares) => g.input(inputs.share(of), 'float32', [])
    const own = watching(rows)
    const logits = wordLogits(g, student, words, weights, collectDropout(dropoutSites), own.watch)
    const lesson = {
      student: { tagger: student, weights, logits, ...own.seen },
      teachers: (readsTeachers(rows) ? teachers : []).map((teacher, t) =>
        g.scoped(inputs.logits(t).replace('.logits', ''), (): Reading => {
          const { tagger } = teacher.model
          const frozen = frozenWeights(g, teacher, `teacher.${t}`)
          if (cached) {
            const given = g.input(inputs.logits(t), 'float32', [sizes.sentences, sizes.words, labels])
            return { tagger, weights: frozen, logits: given, ...watching(rows).seen }
          }
          const { watch, seen } = watching(rows)
          return { tagger, weights: frozen, logits: wordLogits(g, tagger, words, frozen, noDropout, watch), ...seen }
        }),
      ),
      gold,
      words: { lengths: gold.lengths, mask: g.input(inputs.words, 'float32', [sizes.sentences, sizes.words, 1]) },
      attentionMask: words.attentionMask,
      shares: { gold: share('gold'), words: share('words'), sentences: share('sentences'), pieces: share('pieces') },
      temperature: distill.temperature,
      emissionLoss: training.emission_loss,
      softTargets,
    }
    const sum = () => {
      const terms = rows.map((row) =>
        g.scoped(row.loss, () => g.mul(losses[row.loss](g, lesson, row), g.scalar(row.weight))),
      )
      return terms.reduce((a, b) => g.add(a, b))
    }
    const loss = g.scoped('loss', () => g.withRole({ precision: 'float32' }, sum))
    outputGradients(g, loss, values, student.encoder.pieceTable)
    return { graph: g, dropoutSites }
  }
}

/** Collects what an encoder shows; unwatched, where no loss reads a layer, it computes no more than the words need. */
function watching(rows: readonly LossRow[]) {
  const hidden = new Map<number, Value>()
  const attention = new Map<number, Attention>()
  const watch: Watch = {
    hidden: (layer, states) => void hidden.set(layer, states),
    attention: (layer, parts) => void attention.set(layer, parts),
  }
  const unread = rows.every(({ loss }) => readLogits.has(loss))
  return { watch: unread ? undefined : watch, seen: { hidden, attention } }
}

/** A teacher's weights as constants of the graph, each added when it is first read. */
function frozenWeights(g: Graph, { model, weights }: Teacher, prefix: string): Weights {
  const parameters = new Map(taggerParameters(model.tagger).map((parameter) => [parameter.name, parameter]))
  const values = new Map<string, Value>()
  return (name) => {
    let value = values.get(name)
    if (!value) {
      const parameter = parameters.get(name)!
      value = g.initializer(`${prefix}.${name}`, parameterTensor(parameter, weights.get(name)!), parameter.purpose)
      values.set(name, value)
    }
    return value
  }
}

/** The rows that a row of the configuration stands for: each names its layers. */
function settleLayers(row: LossRow, index: number, teacher: number, student: number): LayerRow[] {
  const { loss, layer_teacher: from, layer_student: to } = row
  const where = `distill.losses.${index}`
  const refuse = (what: string, mend: string) => new NerError('config/bad-value', what, { where, mend })
  if (readLogits.has(loss)) {
    if (from !== null || to !== null) throw refuse(`The loss ${loss} reads no layer.`, 'Leave the layers out.')
    return [{ ...row, layer_teacher: 0, layer_student: 0 }]
  }
  const lowest = loss === 'hidden' ? 0 : 1
  const check = (layer: number, most: number, whose: string) => {
    if (layer >= lowest && layer <= most) return layer
    throw refuse(`The ${whose} has no layer ${layer} for ${loss}.`, `Its layers are ${lowest} to ${most}.`)
  }
  const settled = (studentLayer: number): LayerRow => ({
    ...row,
    layer_student: check(studentLayer, student, 'student'),
    layer_teacher: check(from ?? spread(studentLayer, student, teacher), teacher, 'teacher'),
  })
  if (to !== null) return [settled(to)]
  if (from !== null) throw refuse('A layer of the teacher is named, and none of the student.', 'Name both, or neither.')
  return loss === 'hidden' ? Array.from({ length: student + 1 }, (_, layer) => settled(layer)) : [settled(student)]
}

function projections(rows: readonly LayerRow[], { encoder }: Tagger, width: number): Parameter[] {
  const own = encoder.sizes.hiddenSize
  if (own === width) return []
  const names = new Set(rows.filter(({ loss }) => loss === 'hidden').map(projectionName))
  return [...names].flatMap((name): Parameter[] => [
    { name: `${name}.weight`, shape: [width, own], initial: { deviation: 1 / Math.sqrt(own) }, group: 'head' },
    { name: `${name}.bias`, shape: [width], initial: 0, group: 'head' },
  ])
}

/** 1 on the words of a batch, 0 on padding: [sentences, words, 1]. */
function wordMask({ sizes, rows }: Batch): Tensor {
  const data = new Float32Array(sizes.sentences * sizes.words)
  rows.forEach(({ piece }, row) => data.fill(1, row * sizes.words, row * sizes.words + piece.length))
  return { dtype: 'float32', dims: [sizes.sentences, sizes.words, 1], data }
}
