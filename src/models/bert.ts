import { z } from 'zod'
import { NerError } from '../errors.js'
import { product } from '../graph/dims.js'
import type { Graph } from '../graph/graph.js'
import type { Value } from '../graph/types.js'
import type { Architecture, Encoder, EncoderInputs } from './encoder.js'
import { layerNorm, linear, type Dropout } from './layers.js'
import type { Parameter, Weights } from './parameters.js'

/** The keys of BERT's `config.json` that shape the graph; others are kept in the file and not read. */
const schema = z
  .object({
    hidden_size: z.int().positive(),
    num_hidden_layers: z.int().positive(),
    num_attention_heads: z.int().positive(),
    intermediate_size: z.int().positive(),
    vocab_size: z.int().positive(),
    max_position_embeddings: z.int().positive(),
    type_vocab_size: z.int().positive().default(2),
    layer_norm_eps: z.number().positive().default(1e-12),
    hidden_act: z.literal('gelu').default('gelu'),
    position_embedding_type: z.literal('absolute').default('absolute'),
    hidden_dropout_prob: z.number().min(0).lt(1).default(0.1),
    attention_probs_dropout_prob: z.number().min(0).lt(1).default(0.1),
    initializer_range: z.number().positive().default(0.02),
  })
  .refine((it) => it.hidden_size % it.num_attention_heads === 0, {
    path: ['num_attention_heads'],
    error: 'hidden_size must be a multiple of num_attention_heads',
  })

type BertConfig = z.output<typeof schema>

/** BERT (Devlin et al., 2019): post-norm transformer encoder with learned positions, as transformers' `BertModel`. */
export const bert: Architecture = {
  tokenClassifier: 'BertForTokenClassification',
  prefix: 'bert.',
  create(config): Encoder {
    const parsed = schema.safeParse(config)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!
      throw new NerError('model/bad-config', `config.json: ${issue.path.join('.')}: ${issue.message}`, {
        mend: 'BERT with absolute positions and exact GELU is supported.',
      })
    }
    const bertConfig = parsed.data
    return {
      sizes: {
        hiddenSize: bertConfig.hidden_size,
        layers: bertConfig.num_hidden_layers,
        heads: bertConfig.num_attention_heads,
        vocabSize: bertConfig.vocab_size,
        maxPositions: bertConfig.max_position_embeddings,
      },
      parameters: parameters(bertConfig),
      pieceTable: 'bert.embeddings.word_embeddings.weight',
      takesTokenTypes: bertConfig.type_vocab_size > 1,
      forward: (g, inputs, weights, dropout) => forward(g, bertConfig, inputs, weights, dropout),
    }
  },
}

function parameters(config: BertConfig): Parameter[] {
  const { hidden_size: hidden, intermediate_size: intermediate, initializer_range: deviation } = config
  const matrix = (name: string, rows: number, columns: number): Parameter => ({
    name: `bert.${name}.weight`,
    shape: [rows, columns],
    initial: { deviation },
    group: 'encoder',
  })
  const dense = (name: string, rows: number, columns: number): Parameter[] => [
    matrix(name, rows, columns),
    { name: `bert.${name}.bias`, shape: [rows], initial: 0, group: 'encoder' },
  ]
  const norm = (name: string): Parameter[] => [
    { name: `bert.${name}.weight`, shape: [hidden], initial: 1, group: 'encoder' },
    { name: `bert.${name}.bias`, shape: [hidden], initial: 0, group: 'encoder' },
  ]
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => `encoder.layer.${i}`)
  return [
    matrix('embeddings.word_embeddings', config.vocab_size, hidden),
    matrix('embeddings.position_embeddings', config.max_position_embeddings, hidden),
    matrix('embeddings.token_type_embeddings', config.type_vocab_size, hidden),
    ...norm('embeddings.LayerNorm'),
    ...layers.flatMap((layer) => [
      ...dense(`${layer}.attention.self.query`, hidden, hidden),
      ...dense(`${layer}.attention.self.key`, hidden, hidden),
      ...dense(`${layer}.attention.self.value`, hidden, hidden),
      ...dense(`${layer}.attention.output.dense`, hidden, hidden),
      ...norm(`${layer}.attention.output.LayerNorm`),
      ...dense(`${layer}.intermediate.dense`, intermediate, hidden),
      ...dense(`${layer}.output.dense`, hidden, intermediate),
      ...norm(`${layer}.output.LayerNorm`),
    ]),
  ]
}

function forward(g: Graph, config: BertConfig, inputs: EncoderInputs, weights: Weights, dropout: Dropout): Value {
  const bias = maskBias(g, inputs.attentionMask)
  let x = g.scoped('embeddings', () => embeddings(g, config, inputs, weights, dropout))
  for (let i = 0; i < config.num_hidden_layers; i++) {
    x = g.scoped(`layer.${i}`, () => layer(g, config, x, bias, weights, `bert.encoder.layer.${i}`, dropout))
  }
  return x
}

/** 0 where a piece may be attended to, −10⁴ where it is padding: [batch, 1, 1, sequence]. */
function maskBias(g: Graph, attentionMask: Value): Value {
  const padding = g.sub(g.scalar(1), g.cast(attentionMask, 'float32'))
  return g.unsqueeze(g.mul(padding, g.scalar(-1e4)), [1, 2])
}

function embeddings(g: Graph, config: BertConfig, inputs: EncoderInputs, weights: Weights, dropout: Dropout): Value {
  const { hidden_size: hidden, max_position_embeddings: maxPositions } = config
  const { inputIds, tokenTypeIds } = inputs
  const [, sequence] = inputIds.shape
  const positions = g.slice(g.integers([...Array(maxPositions).keys()]), 0, 0, g.dim(String(sequence)))
  const position = g.gather(weights('bert.embeddings.position_embeddings.weight'), positions)
  const type = g.gather(weights('bert.embeddings.token_type_embeddings.weight'), tokenTypeIds ?? g.integers([0]))
  const piece = g.gather(weights('bert.embeddings.word_embeddings.weight'), inputIds)
  const sum = g.add(piece, g.add(position, type))
  const rows = g.reshape(sum, [product(inputIds.shape), hidden])
  const normal = layerNorm(g, rows, weights, 'bert.embeddings.LayerNorm', config.layer_norm_eps)
  return dropout(g, normal, config.hidden_dropout_prob)
}

function layer(
  g: Graph,
  config: BertConfig,
  x: Value,
  bias: Value,
  weights: Weights,
  name: string,
  dropout: Dropout,
): Value {
  const { hidden_dropout_prob: rate, layer_norm_eps: epsilon } = config
  const attended = linear(
    g,
    selfAttention(g, config, x, bias, weights, `${name}.attention.self`, dropout),
    weights,
    `${name}.attention.output.dense`,
  )
  const h = layerNorm(g, g.add(x, dropout(g, attended, rate)), weights, `${name}.attention.output.LayerNorm`, epsilon)
  const inner = g.gelu(linear(g, h, weights, `${name}.intermediate.dense`))
  const fed = linear(g, inner, weights, `${name}.output.dense`)
  return layerNorm(g, g.add(h, dropout(g, fed, rate)), weights, `${name}.output.LayerNorm`, epsilon)
}

/** softmax(Q·Kᵀ/√d + bias)·V in every head; x and the result are [batch·sequence, hidden]. */
function selfAttention(
  g: Graph,
  config: BertConfig,
  x: Value,
  bias: Value,
  weights: Weights,
  name: string,
  dropout: Dropout,
): Value {
  const { num_attention_heads: heads, hidden_size: hidden } = config
  const width = hidden / heads
  const [batch, , , sequence] = bias.shape
  const split = (value: Value, perm: readonly number[]) =>
    g.transpose(g.reshape(value, [batch!, sequence!, heads, width]), perm)
  // The scale goes into the projection, where it costs nothing.
  const query = split(linear(g, x, weights, `${name}.query`, 1 / Math.sqrt(width)), [0, 2, 1, 3])
  const key = split(linear(g, x, weights, `${name}.key`), [0, 2, 3, 1])
  const value = split(linear(g, x, weights, `${name}.value`), [0, 2, 1, 3])
  const attention = g.softmax(g.add(g.matmul(query, key), bias))
  const context = g.matmul(dropout(g, attention, config.attention_probs_dropout_prob), value)
  return g.reshape(g.transpose(context, [0, 2, 1, 3]), x.shape)
}
