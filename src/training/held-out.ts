import type { Config } from '../config/schema.js'
import type { Corpus } from '../data/read.js'
import type { Scores } from '../data/scoring.js'
import type { Example } from '../features/batch.js'
import { buildExamples, type WindowOptions } from '../features/examples.js'
import { misalignedSpans, type MisalignedSpan } from '../features/labels.js'
import type { SegmentedDocument } from '../data/segment.js'
import type { Tokenizer } from '../features/tokenizer.js'
import { crfNames } from '../models/crf.js'
import { makeChain } from '../models/transitions.js'
import { documentEmissions } from '../inference/emissions.js'
import type { Tagger } from '../models/tagger.js'
import { evaluateEmissions, type Evaluation, type ScoredDocument } from '../evaluation/emissions.js'
import { piecesAtOnce } from './batch-schedule.js'
import type { Trainer } from './cpu/trainer.js'

/** Documents to score on, in windows. */
export interface HeldOut {
  readonly documents: readonly SegmentedDocument[]
  readonly examples: readonly Example[]
  /** Gold spans that no model can find, and that count as missed; empty unless they are to be skipped. */
  readonly misaligned: readonly MisalignedSpan[]
  readonly padId: number
}

/** The splits of a run that it is scored on. @throws NerError `data/misaligned-span` */
export async function heldOut(
  { dev, test }: Readonly<Record<'dev' | 'test', Corpus | undefined>>,
  { data }: Pick<Config, 'data'>,
  tokenizer: Tokenizer,
  windows: WindowOptions,
): Promise<Readonly<Record<'dev' | 'test', HeldOut | undefined>>> {
  const prepare = async (corpus: Corpus | undefined, path: string | null): Promise<HeldOut | undefined> => {
    if (corpus === undefined || path === null) return undefined
    const { documents, examples } = await buildExamples(corpus.documents, tokenizer, { ...windows, task: 'predict' })
    const misaligned = misalignedSpans(documents, { layer: data.layer, onMisaligned: data.on_misaligned, path })
    return { documents, examples, misaligned, padId: tokenizer.pad }
  }
  return { dev: await prepare(dev, data.dev), test: await prepare(test, data.test) }
}

export async function scoreHeldOut(
  trainer: Trainer,
  tagger: Tagger,
  { data, model, seed }: Config,
  { documents, examples, padId }: HeldOut,
): Promise<{ evaluation: Evaluation; predictions: readonly ScoredDocument[]; own: Scores }> {
  const { tags, legal, head } = tagger
  const words = documents.map(({ tokens }) => tokens.length)
  const options = { tokens: piecesAtOnce, labels: tags.length, padId }
  const emissions = await documentEmissions(examples, words, (batch) => trainer.logits(batch), options)
  const chain = head === 'crf' ? makeChain(await chainScores(trainer), legal) : undefined
  const scored = evaluateEmissions(documents, emissions, data.layer, { tags, scheme: model.scheme, chain }, seed)
  return { ...scored, own: (scored.evaluation.crf ?? scored.evaluation.argmax).scores }
}

async function chainScores(trainer: Trainer) {
  const { transitions, start, end } = crfNames
  const weights = await trainer.weights([transitions, start, end])
  return { transitions: weights.get(transitions)!, start: weights.get(start)!, end: weights.get(end)! }
}
