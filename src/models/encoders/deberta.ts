import { z } from 'zod'
import { product } from '../../graph/dims.js'
import type { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { Architecture, EncoderInputs } from '../encoder.js'
import { activations, layerNorm } from '../layers.js'
import { parameterMaker, type Weights } from '../parameters.js'
import { bertLayer, bertLike } from './bert.js'
import { activation, bertKeyNames, bertKeys, dividesEvenly, readKeys } from './config.js'
import { disentangled } from './disentangled.js'
import { postNormEncoder, type PostNorm } from './post-norm.js'

const kinds = z.array(z.enum(['c2p', 'p2c'])).min(1)

const schema = z
  .object({
    ...bertKeys,
    type_vocab_size: z.int().min(0).default(0),
    layer_norm_eps: z.number().positive().default(1e-7),
    relative_attention: z.literal(true),
    position_biased_input: z.boolean().default(true),
    share_att_key: z.boolean().default(false),
    norm_rel_ebd: z.string().default('none'),
    position_buckets: z.int().default(-1),
    max_relative_positions: z.int().default(-1),
    /** A list, or its items between bars. */
    pos_att_type: z
      .union([
        z.string().transform((text) =>
          text
            .toLowerCase()
            .split('|')
            .map((item) => item.trim()),
        ),
        z.unknown(),
      ])
      .pipe(kinds),
    embedding_size: z.int().positive().optional(),
    conv_kernel_size: z.union([z.literal(0), z.literal(3)]).default(0),
    conv_groups: z.literal(1).default(1),
    conv_act: z.union([z.literal('tanh'), activation]).default('tanh'),
  })
  .refine(...dividesEvenly('hidden_size', 'num_attention_heads'))
  .refine((it) => (it.embedding_size ?? it.hidden_size) === it.hidden_size, {
    path: ['embedding_size'],
    error: 'embeddings are as wide as the layers',
  })

type Config = z.output<typeof schema>

const prefix = 'deberta.'

/** DeBERTa-v2 and DeBERTa-v3 (He et al., 2021, 2023): BERT's layers with disentangled attention. */
export const deberta: Architecture = {
  tokenClassifier: 'DebertaV2ForTokenClassification',
  prefix,
  keys: bertKeyNames,
  fresh: ({ maxPositions }) => ({
    max_position_embeddings: maxPositions,
    type_vocab_size: 0,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-7,
    relative_attention: true,
    position_biased_input: false,
    share_att_key: true,
    norm_rel_ebd: 'layer_norm',
    position_buckets: 32,
    max_relative_positions: -1,
    pos_att_type: ['p2c', 'c2p'],
  }),
  create(config) {
    const read = readKeys(schema, config, 'DeBERTa-v2 and v3 with relative attention and GELU are supported.')
    return postNormEncoder(description(read))
  },
}

function description(it: Config): PostNorm {
  const { positions, types, ...names } = bertLike(it, prefix).names
  return {
    ...bertLike(it, prefix),
    names: {
      ...names,
      ...(it.position_biased_input && { positions: positions! }),
      ...(it.type_vocab_size > 0 && { types: types! }),
      layer: layerNames,
    },
    relative: relative(it),
    ...(it.conv_kernel_size > 0 && { afterFirst: convolution(it) }),
  }
}

function relative(it: Config) {
  return disentangled({
    table: `${prefix}encoder.rel_embeddings`,
    norm: it.norm_rel_ebd.toLowerCase().includes('layer_norm') ? `${prefix}encoder.LayerNorm` : undefined,
    hidden: it.hidden_size,
    heads: it.num_attention_heads,
    layers: it.num_hidden_layers,
    longest: it.max_position_embeddings,
    span: it.max_relative_positions > 0 ? it.max_relative_positions : it.max_position_embeddings,
    buckets: it.position_buckets,
    kinds: new Set(it.pos_att_type),
    ownProjections: !it.share_att_key,
    projections: (layer) =>
      it.share_att_key
        ? layerNames(layer)
        : { key: `${selfAttention(layer)}.pos_key_proj`, query: `${selfAttention(layer)}.pos_query_proj` },
    epsilon: it.layer_norm_eps,
    dropout: it.hidden_dropout_prob,
    deviation: it.initializer_range,
  })
}

const selfAttention = (layer: number) => `${prefix}encoder.layer.${layer}.attention.self`

function layerNames(index: number) {
  const self = selfAttention(index)
  return {
    ...bertLayer(`${prefix}encoder.layer.${index}`),
    query: `${self}.query_proj`,
    key: `${self}.key_proj`,
    value: `${self}.value_proj`,
  }
}

/** Adds to what the first layer gives a convolution of the embeddings over every piece and its two neighbours. */
function convolution(it: Config): NonNullable<PostNorm['afterFirst']> {
  const { hidden_size: hidden, conv_act: act } = it
  const { parameter, norm } = parameterMaker(it.initializer_range)
  const name = `${prefix}encoder.conv`
  return {
    parameters: [
      parameter(`${name}.conv.weight`, [hidden, hidden, 3], { deviation: it.initializer_range }),
      parameter(`${name}.conv.bias`, [hidden], 0),
      ...norm(`${name}.LayerNorm`, hidden),
    ],
    build: (g, inputs, embedded, x, weights, dropout) =>
      g.scoped('convolution', () => {
        const mixed = dropout(g, neighbours(g, inputs, embedded, weights, name), it.hidden_dropout_prob)
        const active = act === 'tanh' ? g.tanh(mixed) : activations[act](g, mixed)
        return layerNorm(g, g.add(x, active), weights, `${name}.LayerNorm`, it.layer_norm_eps)
      }),
  }
}

/** Σ over k of Wₖ·x[i + k − 1] + b on rows that are not padding, which counts as 0; 0 on those that are. */
function neighbours(g: Graph, { attentionMask }: EncoderInputs, x: Value, weights: Weights, name: string): Value {
  const [batch, sequence] = attentionMask.shape
  const hidden = x.shape[1] as number
  const real = g.reshape(g.cast(attentionMask, 'float32'), [product([batch!, sequence!]), 1])
  const text = g.reshape(g.mul(x, real), [batch!, sequence!, hidden])
  const nothing = g.fill([batch!, 1, hidden], 0, 'float32')
  const shifted = [g.concat([nothing, g.slice(text, 1, 0, -1)], 1), text, g.concat([g.slice(text, 1, 1), nothing], 1)]
  const taps = g.split(g.transpose(weights(`${name}.conv.weight`), [2, 0, 1]), 0, [1, 1, 1])
  const parts = shifted.map((rows, k) =>
    g.gemm(
      g.reshape(rows, x.shape),
      g.reshape(taps[k]!, [hidden, hidden]),
      { transB: 1 },
      k === 0 ? weights(`${name}.conv.bias`) : undefined,
    ),
  )
  return g.mul(
    parts.reduce((a, b) => g.add(a, b)),
    real,
  )
}
