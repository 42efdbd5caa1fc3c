import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { Architecture, FreshEncoder, HubConfig } from './encoder.js'
import { albert } from './encoders/albert.js'
import { bert } from './encoders/bert.js'
import { deberta } from './encoders/deberta.js'
import { distilbert } from './encoders/distilbert.js'
import { electra } from './encoders/electra.js'
import { modernbert } from './encoders/modernbert.js'
import { camembert, roberta, xlmRoberta } from './encoders/roberta.js'

/** By `model_type` of `config.json`. */
export const architectures: Readonly<Record<string, Architecture>> = {
  albert,
  bert,
  camembert,
  'deberta-v2': deberta,
  distilbert,
  electra,
  modernbert,
  roberta,
  'xlm-roberta': xlmRoberta,
}

/** @throws NerError `model/unknown-type` with the types that there are. */
export function architectureOf(config: HubConfig, where: string): Architecture {
  const type = String(config['model_type'])
  const architecture = Object.hasOwn(architectures, type) ? architectures[type] : undefined
  if (architecture) return architecture
  const known = Object.keys(architectures)
  const close = nearest(type, known)
  throw new NerError('model/unknown-type', `The encoder type '${type}' is not supported.`, {
    where,
    mend: `Supported: ${known.join(', ')}.${close ? ` Did you mean '${close}'?` : ''}`,
  })
}

/** The `config.json` of an encoder to be trained from nothing. @throws NerError `model/unknown-type` */
export function freshConfig(type: string, encoder: FreshEncoder, where: string): HubConfig {
  const { keys, fresh } = architectureOf({ model_type: type }, where)
  const config = {
    model_type: type,
    [keys.hiddenSize]: encoder.hiddenSize,
    [keys.layers]: encoder.layers,
    [keys.heads]: encoder.heads,
    [keys.intermediateSize]: encoder.intermediateSize,
    vocab_size: encoder.vocabSize,
    pad_token_id: encoder.pad,
    ...fresh(encoder),
  }
  return withDropout(config, { dropout: 0.1, attentionDropout: 0.1 }, where)
}

/** The configuration with only these of its layers, from 0, in this order. */
export function withLayers(config: HubConfig, layers: readonly number[], where: string): HubConfig {
  const { keys, keptLayers } = architectureOf(config, where)
  return { ...config, [keys.layers]: layers.length, ...keptLayers?.(config, layers) }
}

/** The configuration with other rates of dropout; null leaves them as they are. */
export function withDropout(
  config: HubConfig,
  { dropout, attentionDropout }: { readonly dropout: number | null; readonly attentionDropout: number | null },
  where: string,
): HubConfig {
  const { keys } = architectureOf(config, where)
  const rates = (names: readonly string[], rate: number | null) =>
    rate === null ? {} : Object.fromEntries(names.map((name) => [name, rate]))
  return { ...config, ...rates(keys.dropout, dropout), ...rates(keys.attentionDropout, attentionDropout) }
}
