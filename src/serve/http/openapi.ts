import { z } from 'zod'
import { codes, type ErrorCode, NerError } from '../../errors.js'
import { httpError } from './errors.js'
import * as examples from './examples.js'
import * as schemas from './schemas.js'
import { httpStatus } from './status.js'

/** The OpenAPI 3.1 document, made of the schemas that validate and the table of errors. */
export function openApi(version: string, secured: boolean, hasPage: boolean): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'ner',
      version,
      description: 'Named entities of texts. An error is told from another by its `code`, which never changes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: {
      '/v1/ner': {
        post: finding('Find the entities of texts', {
          operationId: 'recognize',
          request: json(schemas.nerRequest, 'input', examples.nerRequests),
          response: json(schemas.nerResponse, 'output', { found: examples.nerResponse }),
        }),
      },
      '/v1/model': {
        get: reading('The model that answers', 'model', schemas.modelResponse),
      },
      '/': {
        post: finding('The same in the form of Hugging Face’s token-classification task', {
          operationId: 'classifyTokens',
          request: json(schemas.huggingFaceRequest, 'input', examples.huggingFaceRequests),
          response: json(schemas.huggingFaceResponse, 'output', { found: examples.huggingFaceResponse }),
        }),
        ...(hasPage && {
          get: {
            ...reading('A page to try the model', 'page', z.string()),
            responses: { 200: { description: 'The page', content: { 'text/html': {} } } },
            security: [],
          },
        }),
      },
      ...openInference(),
      '/healthz': { get: probe('Whether the server lives', 'live', schemas.healthResponse) },
      '/readyz': { get: readiness('Whether the server takes requests', 'ready') },
      '/metrics': {
        get: {
          summary: 'What the server counts, for Prometheus',
          operationId: 'metrics',
          responses: { 200: { description: 'Prometheus’ text format', content: { 'text/plain': {} } } },
          security: [],
        },
      },
    },
    components: {
      schemas: { Error: schemaOf(schemas.errorResponse, 'output') },
      ...(secured && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
    ...(secured && { security: [{ token: [] }] }),
  }
}

/** The addresses of the Open Inference Protocol. Each of a model is there with and without its version. */
function openInference(): object {
  const model = { name: 'model', in: 'path', required: true, schema: { type: 'string' }, description: 'Its name' }
  const version = { ...model, name: 'version', description: 'Its version, as /v1/model gives it' }
  const ofModel = (base: string, suffix: string, parameters: readonly object[]) => ({
    [base]: {
      parameters,
      get: reading('What the model takes and gives', `metadata${suffix}`, schemas.metadataResponse, unknownModel),
    },
    [`${base}/ready`]: {
      parameters,
      get: readiness('Whether the model is ready', `modelReady${suffix}`, unknownModel),
    },
    [`${base}/infer`]: {
      parameters,
      post: finding('Find the entities of texts, by the Open Inference Protocol', {
        operationId: `infer${suffix}`,
        request: json(schemas.inferRequest, 'input', { texts: examples.inferRequest }),
        response: json(schemas.inferResponse, 'output', { found: examples.inferResponse }),
        // A body may be of any type: tensors may follow the JSON.
        errors: [...failures.filter((code) => code !== 'serve/unsupported-type'), 'serve/not-found'],
      }),
    },
  })
  return {
    '/v2': { get: reading('The server, by the Open Inference Protocol', 'server', schemas.serverResponse) },
    '/v2/health/live': { get: probe('Whether the server lives', 'v2Live', schemas.liveResponse) },
    '/v2/health/ready': { get: readiness('Whether the server takes requests', 'v2Ready') },
    ...ofModel('/v2/models/{model}', '', [model]),
    ...ofModel('/v2/models/{model}/versions/{version}', 'OfVersion', [model, version]),
  }
}

const unknownModel: readonly ErrorCode[] = ['serve/unauthorized', 'serve/not-found']

/** What may go wrong where entities are found. */
const failures: readonly ErrorCode[] = [
  'serve/bad-request',
  'serve/unauthorized',
  'serve/too-large',
  'serve/unsupported-type',
  'serve/overloaded',
  'serve/not-ready',
  'serve/engine-hung',
  'serve/engine-lost',
  'serve/deadline',
  'runtime/failed',
]

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

const json = (schema: z.ZodType, io: 'input' | 'output', given: Readonly<Record<string, unknown>> = {}) => ({
  'application/json': {
    schema: schemaOf(schema, io),
    ...(Object.keys(given).length > 0 && {
      examples: Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value }])),
    }),
  },
})

/** Answers with an error, by status; each says the codes that it may have. */
function errorAnswers(errors: readonly ErrorCode[]): Record<string, object> {
  const statuses = [...new Set(errors.map((code) => httpStatus[code].status))].sort()
  const answers = statuses.map((status) => {
    const those = errors.filter((code) => httpStatus[code].status === status)
    return [
      status,
      {
        description: those.map((code) => `\`${code}\`: ${codes[code]}`).join(' '),
        ...(those.some((code) => httpStatus[code].retry) && { headers: retryAfter }),
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/Error' },
            examples: Object.fromEntries(
              those.map((code) => [code.replace('/', '-'), { value: httpError(new NerError(code, codes[code])).body }]),
            ),
          },
        },
      },
    ] as const
  })
  return Object.fromEntries(answers)
}

const retryAfter = { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer' } } }

const finding = (
  summary: string,
  {
    operationId,
    request,
    response,
    errors = failures,
  }: { operationId: string; request: object; response: object; errors?: readonly ErrorCode[] },
) => ({
  summary,
  operationId,
  requestBody: { required: true, content: request },
  responses: { 200: { description: 'Done', content: response }, ...errorAnswers(errors) },
})

const reading = (
  summary: string,
  operationId: string,
  response: z.ZodType,
  errors: readonly ErrorCode[] = ['serve/unauthorized'],
) => ({
  summary,
  operationId,
  responses: {
    200: { description: 'Done', content: json(response, 'output') },
    ...errorAnswers(errors),
  },
})

/** What anybody may ask without a token. */
const probe = (summary: string, operationId: string, response: z.ZodType) => ({
  summary,
  operationId,
  responses: { 200: { description: 'It does', content: json(response, 'output') } },
  security: [],
})

function readiness(summary: string, operationId: string, errors: readonly ErrorCode[] = []): object {
  const content = json(schemas.readyResponse, 'output')
  return {
    summary,
    operationId,
    responses: {
      200: { description: 'It is', content },
      503: { description: 'It is starting, or stopping', content },
      ...errorAnswers(errors),
    },
    ...(errors.length === 0 && { security: [] }),
  }
}
