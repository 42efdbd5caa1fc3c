import { Writable } from 'node:stream'
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import Fastify, { LogController } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { loggerOptions } from '../../src/serve/http/log.js'
import { nerPlugin, type Served } from '../../src/serve/http/plugin.js'
import { loadServeSettings } from '../../src/serve/load.js'
import { openService, type NerService } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

let service: NerService
let folder: string

beforeAll(async () => {
  folder = await tinyTagger()
  service = await openService(loadServeSettings(undefined, { model: folder }))
})
afterAll(() => service.close())

interface Line {
  readonly msg: string
  readonly trace_id: string
  readonly span_id: string
  readonly [key: string]: unknown
}

/** An application that logs into a list. */
async function logged(changes: Partial<Served> = {}) {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const app = Fastify({
    logger: { ...loggerOptions({ level: 'debug', texts: false }), stream },
    logController: new LogController({ disableRequestLogging: true }),
  })
  await app.register(nerPlugin, { served: { ...service.served, ready: true, ...changes } })
  return {
    app,
    text: () => lines.join(''),
    requests: () => lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === 'request'),
  }
}

const secret = 'cab Geheimnis bab'
const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('the log', () => {
  const askEverywhere = async ({ app }: Awaited<ReturnType<typeof logged>>) => {
    const headers = { 'content-type': 'application/json' }
    const bodies: [string, string][] = [
      ['/v1/ner', JSON.stringify({ text: secret })],
      ['/v1/ner', JSON.stringify({ text: secret, [secret]: 1 })],
      ['/v1/ner', `{"text": "${secret}`],
      [`/v1/ner?q=${encodeURIComponent(secret)}`, JSON.stringify({ texts: [secret, 'a'] })],
      ['/', JSON.stringify({ inputs: secret, parameters: { aggregation_strategy: 'none' } })],
      [`/v2/models/${service.served.name}/infer`, `{"inputs": "${secret}`],
      ['/v1/ner', JSON.stringify({ documents: [{ text: secret, tokens: [{ start: 0, end: 999 }] }] })],
    ]
    for (const [url, payload] of bodies) await app.inject({ method: 'POST', url, headers, payload })
    return bodies.length
  }

  test('has a line for every request, and no text', async () => {
    const own = await logged()
    const asked = await askEverywhere(own)
    expect(own.requests()).toHaveLength(asked)
    const [first] = own.requests()
    expect(first).toMatchObject({
      status: 200,
      answered: 1,
      units: secret.length,
      req: { method: 'POST', path: '/v1/ner' },
    })
    expect(own.text()).not.toContain('Geheimnis')
  })

  test('has texts where they are asked for', async () => {
    const own = await logged({ logTexts: true })
    await askEverywhere(own)
    expect(own.requests()[0]).toMatchObject({ texts: [secret] })
  })

  test('has no text where the server fails, either', async () => {
    const failing = { ...service.served.recognizer, find: () => Promise.reject(new Error('broken')) }
    const own = await logged({ recognizer: failing })
    expect((await own.app.inject({ method: 'POST', url: '/v1/ner', payload: { text: secret } })).statusCode).toBe(500)
    expect(own.text()).toContain('broken')
    expect(own.text()).not.toContain('Geheimnis')
  })
})

describe('traces', () => {
  test('a request goes on with the trace of its traceparent; what is malformed is as none', async () => {
    const { app, requests } = await logged()
    const ask = async (traceparent: string) => {
      const { headers } = await app.inject({ url: '/healthz', headers: { traceparent } })
      return /^00-([\da-f]{32})-([\da-f]{16})-0([01])$/.exec(String(headers['traceresponse']))!
    }
    const [, id, span, sampled] = await ask(parent)
    expect([id, sampled]).toEqual(['0af7651916cd43dd8448eb211c80319c', '1'])
    expect(requests().at(-1)).toMatchObject({ trace_id: id, span_id: span })
    for (const malformed of [
      '',
      'x',
      parent.toUpperCase(),
      parent.replace('00-', 'ff-'),
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    ]) {
      expect((await ask(malformed))[1], malformed).not.toMatch(/^0(af7|0{5})/)
    }
  })

  describe('with an SDK of OpenTelemetry', () => {
    const exporter = new InMemorySpanExporter()
    beforeAll(() => {
      trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
      propagation.setGlobalPropagator({
        fields: () => ['traceparent'],
        inject: () => undefined,
        extract: (around, carrier) => {
          const [, traceId, spanId] = String((carrier as Record<string, string>)['traceparent']).split('-')
          if (spanId === undefined) return around
          return trace.setSpanContext(around, { traceId: traceId!, spanId, traceFlags: 1, isRemote: true })
        },
      })
    })
    afterEach(() => exporter.reset())
    afterAll(() => {
      trace.disable()
      propagation.disable()
      context.disable()
    })

    test('a request is a span in its trace, and the stages of its texts lie in it', async () => {
      const { app } = await logged()
      const payload = { texts: ['abc cab', 'abc cab bab'] }
      const { headers } = await app.inject({
        method: 'POST',
        url: '/v1/ner',
        headers: { traceparent: parent },
        payload,
      })
      const spans = exporter.getFinishedSpans()
      const request = spans.find(({ name }) => name === 'POST /v1/ner')!
      expect(request.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331' })
      expect(request.attributes).toMatchObject({ 'http.route': '/v1/ner', 'http.response.status_code': 200 })
      expect(headers['traceresponse']).toContain(request.spanContext().spanId)
      const within = (parentId: string) =>
        spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parentId)
      const texts = within(request.spanContext().spanId)
      expect(texts.map(({ name, attributes }) => [name, attributes['ner.cache']])).toEqual([
        ['text', 'miss'],
        ['text', 'miss'],
      ])
      for (const text of texts) {
        const stages = within(text.spanContext().spanId)
        expect(stages.map(({ name }) => name)).toEqual(['tokenizing', 'queued', 'engine', 'decoding'])
      }
      for (const span of spans) expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c')
      expect(JSON.stringify(spans.map(({ name, attributes }) => [name, attributes]))).not.toContain('cab')
    })

    test('a failed request is marked; another begins a trace', async () => {
      const failing = { ...service.served.recognizer, find: () => Promise.reject(new Error('broken')) }
      const { app } = await logged({ recognizer: failing })
      await app.inject({ method: 'POST', url: '/v1/ner', payload: { text: 'a' } })
      const [request] = exporter.getFinishedSpans()
      expect(request).toMatchObject({ status: { code: 2 }, attributes: { 'http.response.status_code': 500 } })
      expect(request!.parentSpanContext).toBe(undefined)
      expect(trace.getSpanContext(ROOT_CONTEXT)).toBe(undefined)
    })
  })
})
