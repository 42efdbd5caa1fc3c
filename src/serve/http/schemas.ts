import { z } from 'zod'
import { units } from '../../data/offsets.js'
import { strategies } from '../../inference/token-classification.js'

/*
 * The bodies of requests and answers of `/v1`. What validates them is what the OpenAPI document is made of.
 */

const offset = z.int().min(0)

/** Words of a text, in order, by offsets of the request's unit. */
const tokens = z.array(z.strictObject({ start: offset, end: offset })).describe('Words of the text, in order')

const document = z.strictObject({
  text: z.string(),
  tokens: tokens.optional(),
})

export const nerRequest = z
  .strictObject({
    text: z.string().optional().describe('One text'),
    texts: z.array(z.string()).min(1).optional().describe('Several texts'),
    documents: z.array(document).min(1).optional().describe('Texts with words of their own'),
    types: z.array(z.string()).optional().describe('Entity types to give; all where absent'),
    min_score: z.number().min(0).max(1).optional().describe('Leaves out entities with a lower score'),
    offset_unit: z.enum(units).default('code_point').describe('What offsets count, in request and answer'),
    deadline_ms: z.number().min(1).optional().describe('Milliseconds after which an answer is of no use'),
  })
  .refine((it) => [it.text, it.texts, it.documents].filter((given) => given !== undefined).length === 1, {
    error: 'expected one of text, texts and documents',
  })
  .meta({ oneOf: [{ required: ['text'] }, { required: ['texts'] }, { required: ['documents'] }] })

export type NerRequest = z.output<typeof nerRequest>

export const entity = z.strictObject({
  start: offset,
  end: offset,
  label: z.string(),
  score: z.number().describe('1 where a list or an override decided'),
  text: z.string(),
  source: z.string().optional().describe('Who decided, where the server has lists: model, overrides, or a list'),
})

const stages = z.strictObject({
  tokenizing: z.number(),
  queued: z.number(),
  engine: z.number(),
  decoding: z.number(),
})

export const nerResult = z.strictObject({
  entities: z.array(entity),
  cache: z.enum(['hit', 'shared', 'miss']),
  stages_ms: stages.describe('Milliseconds by stage, when the answer was computed'),
})

export const nerResponse = z.strictObject({
  model: z.string(),
  version: z.string(),
  offset_unit: z.enum(units),
  degraded: z.boolean(),
  results: z.array(nerResult).describe('One for each text, in order'),
})

export type NerResponse = z.output<typeof nerResponse>

export const errorResponse = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    where: z.string().optional(),
    mend: z.string().optional(),
    retry: z.boolean(),
  }),
})

/** Hugging Face's token-classification task: https://huggingface.co/docs/inference-providers/tasks/token-classification */
export const huggingFaceRequest = z.object({
  inputs: z.union([z.string(), z.array(z.string()).min(1)]),
  parameters: z
    .object({
      aggregation_strategy: z
        .enum(strategies)
        .nullish()
        .describe(
          'As transformers’ pipeline does it with the model; without it, or with lists or overrides, the entities of /v1/ner',
        ),
      ignore_labels: z.array(z.string()).nullish().describe('Types or tags to leave out; O where absent'),
      stride: z.int().min(0).nullish().describe('Read and not needed: long texts always have overlapping windows'),
    })
    .prefault({})
    .nullish(),
  options: z.unknown().optional(),
})

export const huggingFaceEntity = z.object({
  entity_group: z.string().optional(),
  entity: z.string().optional(),
  index: z.int().optional(),
  score: z.number(),
  word: z.string(),
  start: offset,
  end: offset,
})

export const huggingFaceResponse = z.union([z.array(huggingFaceEntity), z.array(z.array(huggingFaceEntity))])

export const healthResponse = z.strictObject({ status: z.literal('ok') })
export const readyResponse = z.strictObject({ ready: z.boolean() })

export const modelResponse = z.strictObject({
  name: z.string(),
  version: z.string(),
  labels: z.array(z.string()),
  ready: z.boolean(),
  files: z.array(z.strictObject({ file: z.string(), sha256: z.string() })),
  ner_version: z.string(),
})

/** The Open Inference Protocol, version 2, over HTTP: https://github.com/kserve/open-inference-protocol */
const parameters = z.record(z.string(), z.unknown()).optional()

export const inferRequest = z.object({
  id: z.string().optional(),
  parameters,
  inputs: z
    .array(
      z.object({
        name: z.literal('text'),
        shape: z.array(z.int().min(0)).min(1),
        datatype: z.literal('BYTES'),
        parameters,
        data: z.array(z.string()).optional().describe('The texts, where they do not follow the JSON as bytes'),
      }),
    )
    .length(1),
  outputs: z.array(z.object({ name: z.string(), parameters })).optional(),
})

export type InferRequest = z.output<typeof inferRequest>

export const inferResponse = z.strictObject({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(
    z.strictObject({
      name: z.string(),
      datatype: z.literal('BYTES'),
      shape: z.array(z.int()),
      parameters,
      data: z.array(z.string()).optional().describe('A JSON list of entities for each text'),
    }),
  ),
})

const tensor = z.strictObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) })

export const metadataResponse = z.strictObject({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensor),
  outputs: z.array(tensor),
})

export const liveResponse = z.strictObject({ live: z.boolean() })

export const serverResponse = z.strictObject({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
})
