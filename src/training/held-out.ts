import type { Config } from '../config/schema.js'
import type { Document } from '../data/document.js'
import type { Scores } from '../data/scoring.js'
import type { Example } from '../features/batch.js'
import { buildExamples, type WindowOptions } from '../features/examples.js'
import type { Tokenizer } from '../features/tokenizer.js'
import { crfNames } from '../models/crf.js'
import { makeChain } from '../models/decode.js'
import { documentEmissions } from '../models/emissions.js'
import type { Tagger } from '../models/tagger.js'
import { evaluateEmissions, type Evaluation, type ScoredDocument } from './evaluation.js'
import { piecesAtOnce } from './plan.js'
import type { Trainer } from './trainer.js'

/** Documents to score on, in windows. */
export interface HeldOut {
  readonly documents: readonly Document[]
  readonly examples: readonly Example[]
  readonly padId: number
}

export async function heldOut(
  documents: readonly Document[],
  tokenizer: Tokenizer,
  windows: WindowOptions,
): Promise<HeldOut> {
  return { ...(await buildExamples(documents, tokenizer, { ...windows, task: 'predict' })), padId: tokenizer.pad }
}

export async function scoreHeldOut(
  trainer: Trainer,
  tagger: Tagger,
  { data, model, seed }: Config,
  { documents, examples, padId }: HeldOut,
): Promise<{ evaluation: Evaluation; predictions: readonly ScoredDocument[]; own: Scores }> {
  const { tags, legal, head } = tagger
  const words = documents.map(({ tokens }) => tokens!.length)
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
