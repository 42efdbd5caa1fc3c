import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { NerError } from '../../errors.js'
import type { ServeSettings } from '../settings.js'
import { httpError, sendError } from './errors.js'
import { loggerOptions } from './log.js'
import { nerPlugin, type Served } from './plugin.js'

/** How often connections are looked at for being too slow, in milliseconds; Node's own 30 s would make limits longer. */
const checkingInterval = 500

/** A Fastify application with the limits of the settings, and every address of the service. */
export function createApp(settings: ServeSettings, { served }: { readonly served: Served }): FastifyInstance {
  const { body_bytes: bodyLimit, request_ms: requestTime } = settings.limits
  const app = Fastify({
    logger: settings.log.level === 'silent' ? false : loggerOptions(settings.log),
    // The plugin has a line of its own, with the trace.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    // For the whole request, its head included.
    requestTimeout: requestTime,
    // A connection that is silent: it may wait for its answer as long as an answer may take.
    connectionTimeout: requestTime + settings.queue.longest_deadline_ms,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: requestTime, connectionsCheckingInterval: Math.min(checkingInterval, requestTime) },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, _request, reply) => void sendError(error, reply),
  })
  const methodsOf = knownMethods(app)
  app.setErrorHandler((error, _request, reply) => sendError(error, reply))
  app.addHook('onRequest', (request, reply, done) => {
    done(request.is404 ? nothingThere(request, reply, methodsOf(request.url)) : undefined)
  })
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) served.metrics.request('unknown', reply.statusCode, reply.elapsedTime)
    done()
  })
  void app.register(nerPlugin, { served })
  return app
}

/** The methods that an address is registered with, whatever method a request has. */
function knownMethods(app: FastifyInstance): (url: string) => string[] {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')
    routes.push({ pattern: new RegExp(`^${pattern}$`), methods: [method].flat() })
  })
  return (url) => {
    const path = url.replace(/\?.*$/s, '')
    return [...new Set(routes.flatMap(({ pattern, methods }) => (pattern.test(path) ? methods : [])))].sort()
  }
}

function nothingThere({ method }: FastifyRequest, reply: FastifyReply, methods: readonly string[]): NerError {
  const mend = 'GET /openapi.json lists the addresses.'
  if (methods.length === 0) return new NerError('serve/not-found', 'There is nothing at this address.', { mend })
  void reply.header('allow', methods.join(', '))
  return new NerError('serve/wrong-method', `The address takes ${methods.join(' and ')}, not ${method}.`, { mend })
}

/**
 * What is no HTTP, has too long a head, or does not come to an end: it never becomes a request. The connection is closed,
 * for where the next request would begin is not known.
 */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, body } = httpError(unreadable(error.code))
  const json = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(json)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${json}`)
  // Whoever goes on sending is not listened to.
  socket.destroySoon()
}

function unreadable(code: string | undefined): NerError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new NerError('serve/slow-request', 'The request has not come to its end in time.', {
      mend: 'Send it in one go, or less at once.',
    })
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new NerError('serve/long-head', 'The address and headers are longer than the server takes.', {
      mend: 'Send fewer or shorter headers.',
    })
  }
  return new NerError('serve/bad-request', 'The request is no HTTP/1.1 that can be read in one way only.', {
    mend: 'Send one Content-Length, or one Transfer-Encoding: chunked; no folded headers.',
  })
}
