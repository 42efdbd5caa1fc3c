import { z } from 'zod'
import { product } from '../../graph/dims.js'
import type { Graph } from '../../graph/graph.js'
import type { Value } from '../../graph/types.js'
import type { Architecture, EncoderInputs, HubConfig, Watch } from '../encoder.js'
import {
  activations,
  attend,
  distances,
  headsOf,
  maskBias,
  plainLinear,
  plainNorm,
  rowsOf,
  splitHeads,
  type Dropout,
} from '../layers.js'
import { inBlock, parameterMaker, type Parameter, type Weights } from '../parameters.js'
import { activation, bertKeyNames, count, dividesEvenly, rate, readKeys } from './config.js'
import { rotate, rotation } from './rotary.js'

const kinds = ['full_attention', 'sliding_attention'] as const
type Kind = (typeof kinds)[number]

/** Rotary angles as they are; the ways to stretch them are not covered. */
const rope = z.object({ rope_theta: z.number().positive(), rope_type: z.literal('default').default('default') })
const theta = z.number().positive()
const off = z.literal(false).default(false)

const schema = z
  .object({
    vocab_size: count,
    hidden_size: count.default(768),
    intermediate_size: count.default(1152),
    num_hidden_layers: count.default(22),
    num_attention_heads: count.default(12),
    max_position_embeddings: count.default(8192),
    hidden_activation: activation.default('gelu'),
    classifier_activation: activation.default('gelu'),
    norm_eps: z.number().positive().default(1e-5),
    initializer_range: z.number().positive().default(0.02),
    norm_bias: off,
    attention_bias: off,
    mlp_bias: off,
    classifier_bias: off,
    attention_dropout: rate.default(0),
    embedding_dropout: rate.default(0),
    mlp_dropout: rate.default(0),
    classifier_dropout: rate.default(0),
    /** Pieces that a local layer sees around each, both sides together. */
    local_attention: count.default(128),
    layer_types: z.array(z.enum(kinds)).nullish(),
    global_attn_every_n_layers: count.default(3),
    rope_parameters: z.object({ full_attention: rope, sliding_attention: rope }).nullish(),
    global_rope_theta: theta.default(160_000),
    local_rope_theta: theta.default(10_000),
  })
  .refine(...dividesEvenly('hidden_size', 'num_attention_heads'))
  .refine((it) => (it.hidden_size / it.num_attention_heads) % 2 === 0, {
    path: ['num_attention_heads'],
    error: 'a head must have an even width, to be rotated',
  })
  .refine((it) => (it.layer_types?.length ?? it.num_hidden_layers) === it.num_hidden_layers, {
    path: ['layer_types'],
    error: 'layer_types must have num_hidden_layers entries',
  })

type Config = z.output<typeof schema>

const readConfig = (config: HubConfig): Config =>
  readKeys(schema, config, 'ModernBERT without biases, and with plain rotary positions, is supported.')

const pieceTable = 'model.embeddings.tok_embeddings'

/**
 * ModernBERT (Warner et al., 2024): norms before the sub-layers, rotary positions, GeGLU, no biases; most layers see
 * only what is near.
 */
export const modernbert: Architecture = {
  tokenClassifier: 'ModernBertForTokenClassification',
  prefix: 'model.',
  keys: {
    ...bertKeyNames,
    dropout: ['embedding_dropout', 'mlp_dropout', 'classifier_dropout'],
    attentionDropout: ['attention_dropout'],
  },
  fresh: ({ maxPositions, cls, sep }) => ({
    max_position_embeddings: maxPositions,
    hidden_activation: 'gelu',
    norm_eps: 1e-5,
    local_attention: 128,
    global_attn_every_n_layers: 3,
    bos_token_id: cls,
    cls_token_id: cls,
    eos_token_id: sep,
    sep_token_id: sep,
  }),
  keptLayers(config, layers) {
    const read = readConfig(config)
    return { layer_types: layers.map((layer) => kindOf(read, layer)) }
  },
  create(config) {
    const read = readConfig(config)
    return {
      sizes: {
        hiddenSize: read.hidden_size,
        embeddingSize: read.hidden_size,
        layers: read.num_hidden_layers,
        heads: read.num_attention_heads,
        vocabSize: read.vocab_size,
        maxPositions: read.max_position_embeddings,
      },
      parameters: parameters(read),
      pieceTable: `${pieceTable}.weight`,
      takesTokenTypes: false,
      headDropout: read.classifier_dropout,
      predictionHead: predictionHead(read),
      forward: (g, inputs, weights, dropout, watch) => forward(g, read, inputs, weights, dropout, watch),
    }
  },
}

const layerName = (index: number) => `model.layers.${index}`

function parameters(it: Config): Parameter[] {
  const { hidden_size: hidden, intermediate_size: intermediate, num_hidden_layers: layers } = it
  const { table, matrix, scale } = parameterMaker(it.initializer_range)
  return [
    table(pieceTable, it.vocab_size, hidden),
    scale('model.embeddings.norm', hidden),
    ...Array.from({ length: layers }, (_, i) =>
      inBlock(i, {
        attentionNorm: i === 0 ? [] : [scale(`${layerName(i)}.attn_norm`, hidden)],
        projection: [matrix(`${layerName(i)}.attn.Wqkv`, 3 * hidden, hidden)],
        attended: [matrix(`${layerName(i)}.attn.Wo`, hidden, hidden)],
        innerNorm: [scale(`${layerName(i)}.mlp_norm`, hidden)],
        inner: [matrix(`${layerName(i)}.mlp.Wi`, 2 * intermediate, hidden)],
        outer: [matrix(`${layerName(i)}.mlp.Wo`, hidden, intermediate)],
      }),
    ).flat(),
    scale('model.final_norm', hidden),
  ]
}

function predictionHead(it: Config) {
  const { matrix, scale } = parameterMaker(it.initializer_range)
  return {
    parameters: [matrix('head.dense', it.hidden_size, it.hidden_size), scale('head.norm', it.hidden_size)],
    forward: (g: Graph, rows: Value, weights: Weights) => {
      const dense = activations[it.classifier_activation](g, plainLinear(g, rows, weights, 'head.dense'))
      return plainNorm(g, dense, weights, 'head.norm', it.norm_eps)
    },
  }
}

function forward(
  g: Graph,
  it: Config,
  inputs: EncoderInputs,
  weights: Weights,
  dropout: Dropout,
  watch: Watch | undefined,
): Value {
  const norm = (x: Value, name: string) => plainNorm(g, x, weights, name, it.norm_eps)
  const attention = g.scoped('attention', () => attentionKinds(g, it, inputs))
  let x = g.scoped('embeddings', () => {
    const pieces = g.gather(weights(`${pieceTable}.weight`), inputs.inputIds)
    const rows = g.reshape(pieces, [product(inputs.inputIds.shape), it.hidden_size])
    return dropout(g, norm(rows, 'model.embeddings.norm'), it.embedding_dropout)
  })
  watch?.hidden(0, x)
  for (let i = 0; i < it.num_hidden_layers; i++) {
    x = g.scoped(`layer.${i}`, () => {
      const name = layerName(i)
      const seen = i === 0 ? x : norm(x, `${name}.attn_norm`)
      const attended = selfAttention(g, it, inputs, seen, attention(kindOf(it, i)), weights, i, dropout, watch)
      const rows = i === it.num_hidden_layers - 1 ? inputs.rows : undefined
      const h = g.add(rowsOf(g, x, rows), rowsOf(g, attended, rows))
      return g.add(h, gatedFeedForward(g, it, norm(h, `${name}.mlp_norm`), weights, `${name}.mlp`, dropout))
    })
    if (i === it.num_hidden_layers - 1) x = norm(x, 'model.final_norm')
    watch?.hidden(i + 1, x)
  }
  return x
}

function kindOf({ layer_types: types, global_attn_every_n_layers: every }: Config, layer: number): Kind {
  return types?.[layer] ?? (layer % every === 0 ? 'full_attention' : 'sliding_attention')
}

/** What the layers of a kind share: who sees whom, added to the scores, and how positions rotate. */
interface AttentionKind {
  readonly bias: Value
  readonly turn: ReturnType<typeof rotation>
}

/** Makes each kind where it is first asked for. */
function attentionKinds(
  g: Graph,
  it: Config,
  { inputIds, attentionMask }: EncoderInputs,
): (kind: Kind) => AttentionKind {
  const width = it.hidden_size / it.num_attention_heads
  const everyone = maskBias(g, attentionMask)
  const bias = {
    full_attention: () => everyone,
    sliding_attention: () =>
      g.add(everyone, farBias(g, inputIds, it.max_position_embeddings, Math.floor(it.local_attention / 2))),
  }
  const thetas = {
    full_attention: it.rope_parameters?.full_attention.rope_theta ?? it.global_rope_theta,
    sliding_attention: it.rope_parameters?.sliding_attention.rope_theta ?? it.local_rope_theta,
  }
  const made = new Map<Kind, AttentionKind>()
  return (kind) => {
    const known = made.get(kind) ?? {
      bias: bias[kind](),
      turn: rotation(g, inputIds, it.max_position_embeddings, width, thetas[kind]),
    }
    made.set(kind, known)
    return known
  }
}

/** 0 where two pieces are at most `reach` apart, −10⁴ elsewhere: [sequence, sequence]. */
function farBias(g: Graph, inputIds: Value, longest: number, reach: number): Value {
  const apart = distances(g, inputIds, longest)
  const near = g.less(g.mul(apart, apart), g.scalar(reach * reach + 1, 'int32'))
  return g.where(near, g.scalar(0), g.scalar(-1e4))
}

function selfAttention(
  g: Graph,
  it: Config,
  { inputIds }: EncoderInputs,
  x: Value,
  { bias, turn }: AttentionKind,
  weights: Weights,
  layer: number,
  dropout: Dropout,
  watch: Watch | undefined,
): Value {
  const { hidden_size: hidden, attention_dropout: rate } = it
  const name = `${layerName(layer)}.attn`
  const heads = headsOf(inputIds, hidden, it.num_attention_heads)
  const scale = 1 / Math.sqrt(heads.width)
  const [queries, keys, values] = g.split(plainLinear(g, x, weights, `${name}.Wqkv`), 1, [hidden, hidden, hidden])
  const query = g.mul(queries!, g.scalar(scale))
  watch?.attention(layer + 1, { query, key: keys!, value: values!, scale })
  const [q, k, v] = [query, keys!, values!].map((part) => splitHeads(g, part, heads))
  const scores = g.add(g.matmul(rotate(g, q!, turn), g.swapLastAxes(rotate(g, k!, turn))), bias)
  const context = attend(g, scores, v!, rate, dropout)
  return dropout(g, plainLinear(g, context, weights, `${name}.Wo`), rate)
}

/** Wo·(act(a)·b), with a and b the halves of Wi·x (Shazeer, 2020). */
function gatedFeedForward(g: Graph, it: Config, x: Value, weights: Weights, name: string, dropout: Dropout): Value {
  const width = it.intermediate_size
  const [input, gate] = g.split(plainLinear(g, x, weights, `${name}.Wi`), 1, [width, width])
  const inner = g.mul(activations[it.hidden_activation](g, input!), gate!)
  return plainLinear(g, dropout(g, inner, it.mlp_dropout), weights, `${name}.Wo`)
}
