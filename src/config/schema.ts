import { z } from 'zod'

/**
 * Every key of a training run, with its default. `configs/default.yaml` says the same to people, key by key, and a test
 * holds the two together. Names are those of Hugging Face's `config.json` and Trainer where they have one.
 */

const count = z.int().positive()
const optionalCount = count.nullable().default(null)
const rate = z.number().positive()
const optionalPath = z.string().min(1).nullable().default(null)
/** A probability that leaves something: 0 ≤ p < 1. */
const fraction = z.number().min(0).lt(1)

/** `cuda:1` is the second card. */
const card = z.custom<`cuda:${number}`>((text) => typeof text === 'string' && /^cuda:\d+$/.test(text))
const device = z.union([z.enum(['auto', 'cpu', 'webgpu', 'cuda']), card], {
  error: 'expected auto, cpu, webgpu, cuda or cuda:N',
})

const data = z.strictObject({
  train: optionalPath,
  dev: optionalPath,
  test: optionalPath,
  format: z.enum(['auto', 'conll', 'jsonl', 'doccano', 'label-studio', 'spacy']).default('auto'),
  scheme: z.enum(['auto', 'IOB1', 'IOB2', 'IOE1', 'IOE2', 'IOBES', 'BILOU']).default('auto'),
  columns: z.strictObject({ word: count.optional(), tag: count.optional() }).nullable().default(null),
  layer: z.string().min(1).default('gold'),
  on_misaligned: z.enum(['error', 'skip']).default('error'),
})

const encoder = z
  .strictObject({
    model_type: z.string().min(1).default('bert'),
    hidden_size: count.default(128),
    num_hidden_layers: count.default(2),
    num_attention_heads: count.default(4),
    intermediate_size: count.default(512),
    max_position_embeddings: count.default(512),
  })
  .refine((it) => it.hidden_size % it.num_attention_heads === 0, {
    path: ['num_attention_heads'],
    error: 'hidden_size must be a multiple of num_attention_heads',
  })

const model = z.strictObject({
  path: optionalPath,
  encoder: encoder.prefault({}),
  head: z.enum(['crf', 'softmax']).default('crf'),
  scheme: z.enum(['IOB2', 'IOBES']).default('IOB2'),
  dropout: fraction.nullable().default(null),
  attention_dropout: fraction.nullable().default(null),
})

const tokenizer = z.strictObject({
  vocab_size: z.int().min(100).default(8000),
  lowercase: z.boolean().default(false),
})

const features = z
  .strictObject({
    window: z.int().min(8).default(128),
    context: z.enum(['sentence', 'document']).default('sentence'),
    context_pieces: z.int().min(0).default(0),
  })
  .refine((it) => it.context_pieces <= it.window - 8, {
    path: ['context_pieces'],
    error: 'context_pieces must leave at least 8 pieces of the window',
  })

const noBfloat16 =
  "fp32 or fp16: WebGPU has no bf16, and of ONNX Runtime's CUDA kernels at opset 20 not all take it (HardSigmoid does not)"

const training = z.strictObject({
  epochs: optionalCount,
  batch_sentences: count.default(16),
  batch_tokens: count.default(4096),
  accumulate: count.default(1),
  learning_rate: rate.default(1e-4),
  head_learning_rate: rate.nullable().default(null),
  crf_learning_rate: rate.default(1e-2),
  weight_decay: z.number().min(0).default(0.01),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.999]),
  epsilon: rate.default(1e-8),
  max_grad_norm: rate.nullable().default(1),
  precision: z
    .enum(['fp32', 'fp16'], { error: ({ input }) => (input === 'bf16' ? noBfloat16 : undefined) })
    .default('fp32'),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  warmup: z.number().min(0).max(1).default(0.1),
  emission_loss: z.number().min(0).default(0.5),
  label_smoothing: fraction.default(0),
  class_weights: z.record(z.string(), rate).nullable().default(null),
  early_stopping: z.strictObject({ patience: count }).nullable().default(null),
  evaluate_every: z
    .union([z.literal('epoch'), count], { error: "expected 'epoch' or a number of steps" })
    .default('epoch'),
  checkpoint_every: optionalCount,
})

const selfTraining = z.strictObject({
  enabled: z.boolean().default(false),
  rounds: count.default(5),
  patience: count.default(2),
  confidence: z.number().min(0).max(1).default(0.9),
  epochs: count.default(1),
  learning_rate: rate.nullable().default(null),
  unlabeled: z.array(z.string().min(1)).default([]),
})

const layer = z.int().min(0).nullable().default(null)

const distill = z.strictObject({
  path: optionalPath,
  num_hidden_layers: optionalCount,
  hidden_size: optionalCount,
  num_attention_heads: optionalCount,
  intermediate_size: optionalCount,
  layers: z.enum(['spread', 'first', 'fresh']).default('spread'),
  embeddings: z.enum(['svd', 'fresh']).default('svd'),
  head: z.enum(['crf', 'softmax']).nullable().default(null),
  temperature: rate.default(1),
  losses: z
    .array(
      z.strictObject({
        loss: z.enum(['gold', 'soft', 'posterior', 'hidden', 'relations']),
        weight: rate.default(1),
        layer_teacher: layer,
        layer_student: layer,
      }),
    )
    .min(1)
    .default([
      { loss: 'posterior', weight: 1, layer_teacher: null, layer_student: null },
      { loss: 'gold', weight: 0.5, layer_teacher: null, layer_student: null },
    ]),
  unlabeled: z.array(z.string().min(1)).default([]),
  swaps: z.int().min(0).default(0),
  gazetteer: optionalPath,
  cache: z.boolean().default(true),
})

export const schema = z.strictObject({
  seed: z.int().min(0).max(0xffffffff).default(1),
  output: z.string().min(1).default('runs/ner'),
  device: device.default('cpu'),
  threads: z.int().min(0).default(0),
  data: data.prefault({}),
  model: model.prefault({}),
  tokenizer: tokenizer.prefault({}),
  features: features.prefault({}),
  training: training.prefault({}),
  self_training: selfTraining.prefault({}),
  distill: distill.prefault({}),
})

export type Config = z.output<typeof schema>

/** A complete configuration in which nothing was set. */
export const defaults: Config = schema.parse({})

/** The keys that hold an input's path; in a file they are relative to that file's folder. */
export const pathKeys = [
  'data.train',
  'data.dev',
  'data.test',
  'self_training.unlabeled',
  'distill.unlabeled',
  'distill.gazetteer',
] as const

/** The keys that hold a model's path, or its name on the hub. */
export const modelKeys = ['model.path', 'distill.path'] as const
