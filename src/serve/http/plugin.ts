import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { NerError } from '../../errors.js'
import type { Metrics } from '../metrics.js'
import type { Page } from '../page/page.js'
import { sendError } from './errors.js'
import { answerHuggingFace } from './hugging-face.js'
import { answerNer } from './ner.js'
import { answerInfer, lengthHeader, modelMetadata } from './open-inference.js'
import { type Asked, logRequest } from './log.js'
import { openApi } from './openapi.js'
import type { Asker, Service } from './requests.js'
import { loadTracing, type RequestTrace, traceResponse, type Tracing } from './tracing.js'

export interface Served extends Service {
  /** The files that the model was loaded from. */
  readonly files: readonly { readonly file: string; readonly sha256: string }[]
  readonly nerVersion: string
  readonly metrics: Metrics
  /** What clients must send as a bearer token; nothing where absent. Probes and metrics need none. */
  readonly token?: string | undefined
  /** Whether texts may stand in the log. */
  readonly logTexts: boolean
  /** The page at `/`, or none. */
  readonly page?: Page | undefined
}

/** Addresses that load balancers and monitoring ask without a token. */
const openRoutes = new Set(['/healthz', '/readyz', '/metrics', '/v2/health/live', '/v2/health/ready', '/openapi.json'])

export interface NerPluginOptions {
  /** As `openService` gives it. */
  readonly served: Served
}

/**
 * A Fastify plugin with every address of the server, for an application of one's own: `app.register(nerPlugin, { prefix:
 * '/ner', served })`. Its hooks and its error handler hold for its own addresses; limits of size and time are the
 * application's.
 */
export const nerPlugin: FastifyPluginAsync<NerPluginOptions> = async (app, { served: service }) => {
  const { name, metrics } = service
  const asker = observe(app, service, await loadTracing())
  const allowed = service.token === undefined ? undefined : tokenCheck(service.token)
  const isOpen = ({ method, routeOptions: { url = '' } }: FastifyRequest) => {
    const path = url.slice(app.prefix.length) || '/'
    return openRoutes.has(path) || (path === '/' && (method === 'GET' || method === 'HEAD'))
  }
  app.addHook('onRequest', (request, _reply, done) => {
    if (allowed === undefined || isOpen(request) || allowed(request.headers.authorization)) done()
    else done(unauthorized())
  })
  app.setErrorHandler((error, _request, reply) => sendError(error, reply))
  // JSON is all that is read. Texts as text/plain would have no place for what is asked of them.
  app.removeContentTypeParser('text/plain')

  app.post('/v1/ner', async (request, reply) => answerNer(service, request.body, asker(request, reply)))
  app.post('/', async (request, reply) => answerHuggingFace(service, request.body, asker(request, reply)))
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => readiness(service, reply))
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  app.get('/v1/model', () => ({
    name,
    version: service.recognizer.version,
    labels: service.recognizer.labels,
    ready: service.ready,
    files: service.files,
    ner_version: service.nerVersion,
  }))
  app.get('/openapi.json', () => openApi(service.nerVersion, service.token !== undefined, service.page !== undefined))
  if (service.page !== undefined) {
    const { html, headers } = service.page
    app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').headers(headers).send(html))
  }
  registerOpenInference(app, service, asker)
}

type AskerOf = (request: FastifyRequest, reply: FastifyReply) => Asker

/** Metrics, log and trace of every request; gives what follows who asks. */
function observe(app: FastifyInstance, { metrics, logTexts }: Served, tracing: Tracing): AskerOf {
  const open = new WeakMap<FastifyRequest, { readonly trace: RequestTrace; readonly asked: Asked }>()
  app.addHook('onRequest', (request, reply, done) => {
    const trace = tracing.start(request.method, request.routeOptions.url ?? 'unknown', request.headers)
    open.set(request, { trace, asked: { answered: [], units: 0, texts: logTexts ? [] : undefined } })
    request.log = reply.log = request.log.child({ trace_id: trace.traceId, span_id: trace.spanId })
    void reply.header('traceresponse', traceResponse(trace))
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode, elapsedTime } = reply
    metrics.request(request.routeOptions.url ?? 'unknown', statusCode, elapsedTime)
    const { trace, asked } = open.get(request)!
    logRequest(request, asked, statusCode, elapsedTime)
    trace.end(statusCode)
    done()
  })
  return (request, reply) => {
    const { trace, asked } = open.get(request)!
    return {
      gone: goneSignal(reply),
      answered(text, { cache, stages, labels }, began) {
        const answered = { began, cache, stages, entities: labels.length }
        asked.answered.push(answered)
        asked.units += text.length
        asked.texts?.push(text)
        trace.text(answered)
      },
    }
  }
}

function registerOpenInference(app: FastifyInstance, service: Served, asker: AskerOf): void {
  app.get('/v2', () => ({ name: 'ner', version: service.nerVersion, extensions: ['binary_tensor_data'] }))
  app.get('/v2/health/live', () => ({ live: true }))
  app.get('/v2/health/ready', (_request, reply) => readiness(service, reply))
  const known = (request: FastifyRequest) => {
    const { model, version } = request.params as { model: string; version?: string }
    if (model === service.name && (version === undefined || version === service.recognizer.version)) return
    throw new NerError('serve/not-found', 'The server has no model of that name and version.', {
      mend: `It has ${service.name}, version ${service.recognizer.version}.`,
    })
  }
  // Tensors may follow the JSON, so that the body is read as bytes, whatever its type says.
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsedBody) => parsedBody(null, body))
    for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
      scope.get(path, (request) => {
        known(request)
        return modelMetadata(service.name, service.recognizer.version)
      })
      scope.get(`${path}/ready`, (request, reply) => {
        known(request)
        return readiness(service, reply)
      })
      scope.post(`${path}/infer`, async (request, reply) => {
        known(request)
        const answer = await answerInfer(service, bytesOf(request.body), jsonLength(request), asker(request, reply))
        if (answer.jsonLength === undefined) return reply.type('application/json').send(answer.body)
        return reply.type('application/octet-stream').header(lengthHeader, answer.jsonLength).send(answer.body)
      })
    }
    done()
  })
}

const bytesOf = (body: unknown): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0))

function jsonLength(request: FastifyRequest): number | undefined {
  const header = request.headers[lengthHeader]
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^\d{1,9}$/.test(header)) return Number(header)
  throw new NerError('serve/bad-request', `${lengthHeader} is no length.`, { mend: 'Send the length of the JSON.' })
}

function readiness({ ready }: Served, reply: FastifyReply) {
  return reply.code(ready ? 200 : 503).send({ ready })
}

/** Aborted when the client goes away before its answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new NerError('serve/deadline', 'The client has gone.'))
  })
  return controller.signal
}

const unauthorized = () =>
  new NerError('serve/unauthorized', 'The request has no token, or a wrong one.', {
    mend: 'Send the header “Authorization: Bearer TOKEN”.',
  })

/** Whether a header has the token; in constant time, whatever it has. */
function tokenCheck(token: string): (header: string | undefined) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(token)
  // The scheme is in any case: RFC 9110, 11.1.
  return (header = '') =>
    timingSafeEqual(digest(header.replace(/^bearer +/i, '')), expected) && /^bearer /i.test(header)
}
