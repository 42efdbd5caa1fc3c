import type { Config } from '../config/schema.js'
import { legalTransitions } from '../data/schemes.js'
import { NerError } from '../errors.js'
import type { WindowOptions } from '../features/examples.js'
import { wordsOf } from '../features/segment.js'
import type { Tokenizer } from '../features/tokenizer.js'
import { trainTokenizer } from '../features/train-tokenizer.js'
import { architectureOf, type HubConfig } from '../models/encoder.js'
import { loadEncoder } from '../models/folder.js'
import { initialise, type ParameterData } from '../models/parameters.js'
import { taggerParameters, type Tagger } from '../models/tagger.js'
import type { TrainingCorpus } from './corpus.js'

/** The model a run starts from. */
export interface StartingPoint {
  readonly config: HubConfig
  readonly tagger: Tagger
  readonly tokenizer: Tokenizer
  readonly weights: ParameterData
  /** Of the pretrained weights; undefined from scratch. */
  readonly hash: string | undefined
}

export async function startingPoint(
  { model, tokenizer: fresh, seed }: Config,
  corpus: TrainingCorpus,
): Promise<StartingPoint> {
  const pretrained = model.path === null ? undefined : await loadEncoder(model.path)
  const tokenizer =
    pretrained?.tokenizer ??
    (await trainTokenizer(wordsOf(corpus.train.documents), {
      vocabSize: fresh.vocab_size,
      lowercase: fresh.lowercase,
      maxLength: model.encoder.max_position_embeddings,
    }))
  const base: HubConfig = pretrained?.config ?? {
    model_type: 'bert',
    ...model.encoder,
    vocab_size: tokenizer.vocabSize,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
    pad_token_id: tokenizer.pad,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  }
  const config: HubConfig = {
    ...base,
    ...(model.dropout !== null && { hidden_dropout_prob: model.dropout }),
    ...(model.attention_dropout !== null && { attention_probs_dropout_prob: model.attention_dropout }),
  }
  const tagger: Tagger = {
    encoder: architectureOf(config, 'the configuration').create(config),
    head: model.head,
    tags: corpus.tags,
    legal: legalTransitions(corpus.tags, model.scheme),
    dropout: Number(config['classifier_dropout'] ?? config['hidden_dropout_prob'] ?? 0),
  }
  const parameters = taggerParameters(tagger)
  const weights = pretrained
    ? new Map([
        ...pretrained.weights,
        ...initialise(
          parameters.filter(({ name }) => !pretrained.weights.has(name)),
          seed,
        ),
      ])
    : initialise(parameters, seed)
  return { config, tagger, tokenizer, weights, hash: pretrained?.hash }
}

export function windowOptions({ features, model }: Config, { encoder }: Tagger): Required<WindowOptions> {
  if (features.window > encoder.sizes.maxPositions) {
    throw new NerError('config/bad-value', `A window of ${features.window} pieces is longer than the encoder takes.`, {
      where: `features.window; ${model.path ?? 'the encoder'} has ${encoder.sizes.maxPositions} positions`,
      mend: `Set features.window to ${encoder.sizes.maxPositions} or less; longer texts become several windows.`,
    })
  }
  return { window: features.window, context: features.context, contextPieces: features.context_pieces }
}
