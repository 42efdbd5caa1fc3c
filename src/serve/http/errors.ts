import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import { NerError } from '../../errors.js'
import { httpStatus } from './status.js'
import type { errorResponse } from './schemas.js'

export interface HttpError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: z.output<typeof errorResponse>
}

/** Seconds after which a client may try again. */
const retryAfter = '1'

/** An error as an answer. What is no `NerError` is a defect of ours: its text stays in the log. */
export function httpError(error: unknown): HttpError {
  const told = error instanceof NerError ? error : new NerError('runtime/failed', 'The server failed on this request.')
  const { status, retry } = httpStatus[told.code]
  const { where, mend } = told.detail
  return {
    status,
    headers: retry ? { 'retry-after': retryAfter } : {},
    body: {
      error: {
        code: told.code,
        message: told.what,
        ...(where !== undefined && { where }),
        ...(mend !== undefined && { mend }),
        retry,
      },
    },
  }
}

/** What a schema objects to in a request, as one error. */
export function parsed<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new NerError('serve/bad-request', `The request is wrong: ${message.replace(/^Invalid input: /, '')}.`, {
    ...(path.length > 0 && { where: path.map(String).join('.') }),
    mend: 'GET /openapi.json says what each address takes.',
  })
}

/** Answers with an error. One that a client cannot mend is logged. */
export function sendError(error: unknown, reply: FastifyReply): FastifyReply {
  const told = ofClient(error)
  if (!(told instanceof NerError)) reply.log.error({ err: error }, 'a request failed')
  const { status, headers, body } = httpError(told)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(status).headers(headers).send(body)
}

/** Fastify's own errors that a client can mend, by ours. */
function ofClient(error: unknown): unknown {
  const { statusCode, message } = error as { statusCode?: number; message?: string }
  if (error instanceof NerError || statusCode === undefined || statusCode >= 500) return error
  if (statusCode === 413) {
    return new NerError('serve/too-large', 'The body is larger than the server takes.', { mend: 'Send less at once.' })
  }
  if (statusCode === 415) {
    return new NerError('serve/unsupported-type', 'The body is of a type that is not read.', {
      mend: 'Send JSON, with “Content-Type: application/json”.',
    })
  }
  return new NerError(
    'serve/bad-request',
    `The request is wrong: ${(message ?? 'it cannot be read').replace(/\.$/, '')}.`,
    {
      mend: 'GET /openapi.json says what each address takes.',
    },
  )
}
