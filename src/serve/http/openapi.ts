import { z } from 'zod'
import * as schemas from './schemas.js'

/** The OpenAPI 3.1 document, made of the schemas that validate. */
export function openApi(version: string, secured: boolean): object {
  return {
    openapi: '3.1.0',
    info: { title: 'ner', version, description: 'Named entities of texts.' },
    paths: {
      '/v1/ner': { post: operation('Find the entities of texts', schemas.nerRequest, schemas.nerResponse) },
      '/v1/model': { get: read('The model that answers', schemas.modelResponse) },
      '/': {
        post: operation(
          'The same in the form of Hugging Face’s token-classification task',
          schemas.huggingFaceRequest,
          z.union([z.array(schemas.huggingFaceEntity), z.array(z.array(schemas.huggingFaceEntity))]),
        ),
      },
      '/healthz': { get: read('Whether the server lives', z.object({ status: z.string() })) },
      '/readyz': {
        get: { ...read('Whether the server takes requests', readyResponse), responses: readiness },
      },
      '/metrics': {
        get: {
          summary: 'What the server counts, for Prometheus',
          responses: { 200: { description: 'Prometheus’ text format', content: { 'text/plain': {} } } },
        },
      },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    ...(secured && { security: [{ token: [] }] }),
  }
}

const readyResponse = z.object({ ready: z.boolean() })

const json = (schema: z.ZodType, io: 'input' | 'output') => ({
  'application/json': { schema: z.toJSONSchema(schema, { io, unrepresentable: 'any' }) },
})

const failure = (description: string) => ({ description, content: json(schemas.errorResponse, 'output') })

const readiness = {
  200: { description: 'It does', content: json(readyResponse, 'output') },
  503: { description: 'It is starting, or stopping', content: json(readyResponse, 'output') },
}

const read = (summary: string, response: z.ZodType) => ({
  summary,
  responses: {
    200: { description: 'Done', content: json(response, 'output') },
    401: failure('The token is missing or wrong'),
  },
})

const operation = (summary: string, request: z.ZodType, response: z.ZodType) => ({
  summary,
  requestBody: { required: true, content: json(request, 'input') },
  responses: {
    200: { description: 'Done', content: json(response, 'output') },
    400: failure('The request is malformed'),
    401: failure('The token is missing or wrong'),
    413: failure('The request or a text is too large'),
    415: failure('The body is no JSON'),
    429: failure('The queue is full; Retry-After says when to come again'),
    500: failure('The server failed'),
    503: failure('The server is starting or stopping, or an engine was replaced'),
    504: failure('The deadline has passed'),
  },
})
