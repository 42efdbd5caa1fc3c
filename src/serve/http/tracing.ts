import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type * as OpenTelemetry from '@opentelemetry/api'
import type { Stages } from '../recognizer.js'

/*
 * Traces, by the W3C's Trace Context (https://www.w3.org/TR/trace-context/). A request takes part in the trace that its
 * `traceparent` names, or begins one. Its ids stand in the log, and in the answer's `traceresponse`. Where the process has
 * OpenTelemetry's API, and an SDK behind it, requests and the stages of their texts are spans, too.
 */

/** A text that was answered, for its spans. Times are of `performance.now()`. */
export interface AnsweredText {
  readonly began: number
  readonly cache: string
  readonly entities: number
  readonly stages: Stages
}

/** A request's place in a trace. */
export interface RequestTrace {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
  text(answered: AnsweredText): void
  end(status: number): void
}

export interface Tracing {
  start(method: string, route: string, headers: IncomingHttpHeaders): RequestTrace
}

type Api = typeof OpenTelemetry

/** With spans where OpenTelemetry's API is installed; without an SDK it records nothing. */
export async function loadTracing(): Promise<Tracing> {
  const api = await openTelemetry()
  return { start: (method, route, headers) => (api && spans(api, method, route, headers)) ?? idsAlone(headers) }
}

async function openTelemetry(): Promise<Api | undefined> {
  try {
    return await import('@opentelemetry/api')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:$|-)/

/** The ids alone, for the log. A header that is malformed is as none: the W3C wants it so. */
function idsAlone({ traceparent: header }: IncomingHttpHeaders): RequestTrace {
  const [, traceId, flags] = traceparent.exec(typeof header === 'string' ? header : '') ?? []
  return {
    traceId: traceId ?? randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    sampled: (Number.parseInt(flags ?? '0', 16) & 1) === 1,
    text: () => undefined,
    end: () => undefined,
  }
}

/** A request's span, or undefined where nobody records it. */
function spans(api: Api, method: string, route: string, headers: IncomingHttpHeaders): RequestTrace | undefined {
  const tracer = api.trace.getTracer('ner')
  const active = api.context.active()
  // Where HTTP is instrumented, there is a span for the request, and ours lies in it.
  const around = api.trace.getSpan(active) ? active : api.propagation.extract(active, headers)
  const span = tracer.startSpan(
    `${method} ${route}`,
    { kind: api.SpanKind.SERVER, attributes: { 'http.request.method': method, 'http.route': route } },
    around,
  )
  if (!span.isRecording()) return undefined
  const within = api.trace.setSpan(around, span)
  const { traceId, spanId, traceFlags } = span.spanContext()
  return {
    traceId,
    spanId,
    sampled: (traceFlags & api.TraceFlags.SAMPLED) !== 0,
    text({ began, cache, entities, stages }) {
      const startTime = epoch(began)
      const attributes = { 'ner.cache': cache, 'ner.entities': entities }
      const text = tracer.startSpan('text', { startTime, attributes }, within)
      // What the cache had took its time in another request.
      if (cache === 'miss') {
        let at = startTime
        for (const [name, milliseconds] of Object.entries(stages) as [string, number][]) {
          const stage = tracer.startSpan(name, { startTime: at }, api.trace.setSpan(within, text))
          stage.end((at += milliseconds))
        }
      }
      text.end()
    },
    end(status) {
      span.setAttribute('http.response.status_code', status)
      if (status >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR })
      span.end()
    },
  }
}

/** A time of `performance.now()` in milliseconds since 1970. */
const epoch = (time: number) => performance.timeOrigin + time

/** What an answer says of its trace: https://w3c.github.io/trace-context/#trace-context-http-response-headers-format */
export const traceResponse = ({ traceId, spanId, sampled }: RequestTrace): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
