import type { Config } from '../config/schema.js'
import { legalTransitions } from '../data/schemes.js'
import { NerError } from '../errors.js'
import type { WindowOptions } from '../features/examples.js'
import { wordsOf } from '../data/segment.js'
import type { Tokenizer } from '../features/tokenizer.js'
import { trainTokenizer } from '../features/train-tokenizer.js'
import { architectureOf, freshConfig, withDropout } from '../models/architectures.js'
import type { FreshEncoder, HubConfig } from '../models/encoder.js'
import { loadEncoder } from '../models/folder.js'
import { initialise, type ParameterData } from '../models/parameters.js'
import { taggerParameters, type Tagger } from '../models/tagger.js'
import type { TrainingCorpus } from './corpus.js'

/** Where messages look for an encoder's kind and sizes. */
const where = 'the configuration'

/** The model a run starts from. */
export interface StartingPoint {
  readonly config: HubConfig
  readonly tagger: Tagger
  readonly tokenizer: Tokenizer
  readonly weights: ParameterData
  /** Of the pretrained weights; undefined from scratch. */
  readonly hash: string | undefined
}

/** From the weights of a folder, or, without one, from scratch. @throws NerError as `loadEncoder` */
export async function startingPoint(
  configuration: Config,
  corpus: TrainingCorpus,
  folder: string | undefined,
): Promise<StartingPoint> {
  const { model, seed } = configuration
  const pretrained = folder === undefined ? undefined : await loadEncoder(folder)
  const { config: base, tokenizer } = pretrained ?? (await fromNothing(configuration, corpus))
  const config = withDropout(base, { dropout: model.dropout, attentionDropout: model.attention_dropout }, where)
  const encoder = architectureOf(config, where).create(config)
  const tagger: Tagger = {
    encoder,
    head: model.head,
    tags: corpus.tags,
    legal: legalTransitions(corpus.tags, model.scheme),
    dropout: encoder.headDropout,
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

/** The configuration of a fresh encoder, and a tokenizer made from the data. */
async function fromNothing({ model, tokenizer: options }: Config, { train }: TrainingCorpus) {
  const { model_type: type, max_position_embeddings: maxPositions, ...sizes } = model.encoder
  const configFor = (pieces: Pick<FreshEncoder, 'vocabSize' | 'pad' | 'cls' | 'sep'>) =>
    freshConfig(
      type,
      {
        hiddenSize: sizes.hidden_size,
        layers: sizes.num_hidden_layers,
        heads: sizes.num_attention_heads,
        intermediateSize: sizes.intermediate_size,
        maxPositions,
        ...pieces,
      },
      where,
    )
  const planned = configFor({ vocabSize: options.vocab_size, pad: 0, cls: undefined, sep: undefined })
  const tokenizer = await trainTokenizer(wordsOf(train.documents), {
    vocabSize: options.vocab_size,
    lowercase: options.lowercase,
    maxLength: maxPositions,
    tokenTypes: architectureOf(planned, where).create(planned).takesTokenTypes,
  })
  return { config: configFor(tokenizer), tokenizer }
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
