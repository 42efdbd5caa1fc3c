import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codes } from '../../src/errors.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { nerPlugin } from '../../src/serve/http/plugin.js'
import { httpStatus } from '../../src/serve/http/status.js'
import { loadServeSettings } from '../../src/serve/load.js'
import { createApp } from '../../src/serve/http/app.js'
import { openService, type NerService } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

let folder: string
let service: NerService
let app: FastifyInstance
let close: () => Promise<void>

const settingsOf = (overrides = {}) => {
  const settings = loadServeSettings(undefined, { model: folder })
  return { ...settings, log: { ...settings.log, level: 'silent' as const }, ...overrides }
}

beforeAll(async () => {
  folder = await tinyTagger()
  const settings = settingsOf()
  service = await openService(settings)
  app = createApp(settings, service)
  close = async () => {
    await app.close()
    await service.close()
  }
})
afterAll(() => close())

const post = async (url: string, payload: unknown, headers: Record<string, string> = {}) => {
  const response = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })
  return { status: response.statusCode, headers: response.headers, body: response.json<Record<string, never>>() }
}
const names = 'ab caba 😀 bab cab abba. cc aa bcb b.'

interface Found {
  readonly results: {
    readonly entities: { start: number; end: number; label: string; score: number; text: string }[]
  }[]
}

describe('POST /v1/ner', () => {
  test('gives the same entities as predict, to the sixth digit, alone and among others', async () => {
    const predictor = await loadPredictor(folder)
    const texts = [names, 'a', 'b c a', `${names} ${names}`, 'abc cba bca']
    const expected = await predictor.predict(texts)
    await predictor.close()
    expect(expected.flat().length).toBeGreaterThan(5)
    const alone = await Promise.all(texts.map((text) => post('/v1/ner', { text, offset_unit: 'utf16' })))
    const together = await post('/v1/ner', { texts, offset_unit: 'utf16' })
    const rounded = (found: readonly { start: number; end: number; score: number; label: string }[]) =>
      found.map(({ start, end, label, score }) => [start, end, label, score.toFixed(6)])
    const right = expected.map((entities) =>
      rounded(entities.map((entity) => ({ ...entity, label: entity.entity_group }))),
    )
    const results = (together.body as unknown as Found).results
    expect(results.map(({ entities }) => rounded(entities))).toEqual(right)
    expect(alone.map(({ body }) => rounded((body as unknown as Found).results[0]!.entities))).toEqual(right)
  })

  test.each([
    ['utf16', (text: string, start: number, end: number) => text.slice(start, end)],
    ['code_point', (text: string, start: number, end: number) => [...text].slice(start, end).join('')],
    ['byte', (text: string, start: number, end: number) => Buffer.from(text).subarray(start, end).toString()],
  ] as const)('offsets in %s', async (unit, slice) => {
    const { body } = await post('/v1/ner', { text: names, offset_unit: unit })
    const { entities } = (body as unknown as Found).results[0]!
    expect(entities.some(({ start }) => start > names.indexOf('😀'))).toBe(true)
    for (const { start, end, text } of entities) expect(slice(names, start, end)).toBe(text)
  })

  test('takes words that the client gives, and types and a least score', async () => {
    const text = 'abab'
    const tokens = [
      { start: 0, end: 2 },
      { start: 2, end: 4 },
    ]
    const all = (await post('/v1/ner', { documents: [{ text, tokens }] })).body as unknown as Found
    for (const { start, end } of all.results[0]!.entities) expect([start % 2, end % 2]).toEqual([0, 0])
    const found = (await post('/v1/ner', { text: names })).body as unknown as Found
    const scores = found.results[0]!.entities.map(({ score }) => score).sort()
    const least = scores[1]!
    const fewer = (await post('/v1/ner', { text: names, min_score: least, types: ['X'] })).body as unknown as Found
    expect(fewer.results[0]!.entities).toEqual(
      found.results[0]!.entities.filter(({ score, label }) => score >= least && label === 'X'),
    )
  })

  test('says whether the cache had the answer', async () => {
    const ask = async () =>
      (await post('/v1/ner', { text: 'cab cab bab' })).body as unknown as { results: { cache: string }[] }
    expect((await ask()).results[0]!.cache).toBe('miss')
    expect((await ask()).results[0]!.cache).toBe('hit')
  })
})

describe('clients of others', () => {
  test('Hugging Face’s form: one list, or a list of lists; by entity, or by piece', async () => {
    const one = await post('/', { inputs: 'ab cab' })
    const two = await post('/', { inputs: ['ab cab', 'b'], parameters: { aggregation_strategy: 'none' } })
    const [first] = one.body as unknown as { entity_group: string; word: string; start: number }[]
    expect(Object.keys(first!).sort()).toEqual(['end', 'entity_group', 'score', 'start', 'word'])
    expect(two.body).toHaveLength(2)
    for (const pieces of two.body as unknown as { entity: string; index: number }[][]) {
      for (const { entity, index } of pieces) {
        expect(entity).toMatch(/^[BI]-[XY]$/)
        expect(index).toBeGreaterThan(0)
      }
    }
  })

  test('a strategy counts its groups as entities, and single pieces not', async () => {
    const counted = async () => (await service.served.metrics.text()).match(/^ner_entities_total.*$/gm) ?? []
    const before = await counted()
    const inputs = 'bab cab abba caba'
    await post('/', { inputs, parameters: { aggregation_strategy: 'none' } })
    expect(await counted()).toEqual(before)
    await post('/', { inputs, parameters: { aggregation_strategy: 'simple' } })
    const after = await counted()
    expect(after).not.toEqual(before)
    for (const line of after) expect(line).toMatch(/type="[XY]"/)
  })

  test('no strategy gets round what stands beside the model', async () => {
    const recognizer = { ...service.served.recognizer, isModelAlone: false }
    const other = createApp(settingsOf(), { served: { ...service.served, ready: true, recognizer } })
    const ask = async (parameters: object) =>
      (await other.inject({ method: 'POST', url: '/', payload: { inputs: names, parameters } })).json<unknown[]>()
    expect((await ask({})).length).toBeGreaterThan(2)
    expect(await ask({ aggregation_strategy: 'none' })).toEqual(await ask({}))
  })

  test('the Open Inference Protocol, in JSON and in bytes', async () => {
    const { name } = service.served
    const shape = [2]
    const texts = ['ab cab', 'b😀 ab']
    const plain = await post(`/v2/models/${name}/infer`, {
      inputs: [{ name: 'text', shape, datatype: 'BYTES', data: texts }],
    })
    const [output] = (plain.body as unknown as { outputs: { data: string[]; shape: number[] }[] }).outputs
    expect(output!.shape).toEqual(shape)

    const tensor = Buffer.concat(
      texts.map((text) => {
        const bytes = Buffer.from(text)
        const head = Buffer.alloc(4)
        head.writeUInt32LE(bytes.length)
        return Buffer.concat([head, bytes])
      }),
    )
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'text', shape, datatype: 'BYTES', parameters: { binary_data_size: tensor.length } }],
        outputs: [{ name: 'entities', parameters: { binary_data: true } }],
      }),
    )
    const answer = await app.inject({
      method: 'POST',
      url: `/v2/models/${name}/infer`,
      headers: {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(json.length),
      },
      payload: Buffer.concat([json, tensor]),
    })
    const length = Number(answer.headers['inference-header-content-length'])
    const bytes = answer.rawPayload.subarray(length)
    const read: string[] = []
    for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
      read.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)).toString())
    }
    expect(read).toEqual(output!.data)
  })

  test('metadata and health', async () => {
    const { name } = service.served
    const get = async (url: string) => (await app.inject({ url })).json<Record<string, unknown>>()
    expect(await get('/v2/health/live')).toEqual({ live: true })
    expect(await get('/v2/health/ready')).toEqual({ ready: true })
    expect(await get(`/v2/models/${name}`)).toMatchObject({ name, inputs: [{ name: 'text', datatype: 'BYTES' }] })
    expect(await get(`/v2/models/${name}/ready`)).toEqual({ ready: true })
    expect((await app.inject({ url: '/v2/models/other' })).statusCode).toBe(404)
    expect(await get('/v1/model')).toMatchObject({ labels: ['X', 'Y'], version: service.served.recognizer.version })
    expect((await app.inject({ url: '/metrics' })).body).toMatch(/^ner_texts_total\{cache="miss"\} \d+$/m)
  })
})

describe('a bad request gets a clear 4xx', () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  test.each([
    ['no JSON', '{"text": ', 400],
    ['nothing', '{}', 400],
    ['two kinds of text', { text: 'a', texts: ['a'] }, 400],
    ['an unknown key', { text: 'a', typos: 1 }, 400],
    ['a text that is none', { text: 5 }, 400],
    ['a lone surrogate', '{"text": "a\\ud800b"}', 400],
    ['__proto__', '{"text": "a", "__proto__": {"x": 1}}', 400],
    ['deep JSON', deep, 400],
    [
      'words that overlap',
      {
        documents: [
          {
            text: 'abc',
            tokens: [
              { start: 0, end: 2 },
              { start: 1, end: 3 },
            ],
          },
        ],
      },
      400,
    ],
    ['words past the end', { documents: [{ text: 'abc', tokens: [{ start: 0, end: 9 }] }] }, 400],
    [
      'a word inside a character',
      { documents: [{ text: '😀', tokens: [{ start: 1, end: 2 }] }], offset_unit: 'utf16' },
      400,
    ],
    ['a long text', { text: 'a'.repeat(200_001) }, 413],
    ['many texts', { texts: Array.from({ length: 129 }, () => 'a') }, 413],
    ['a large body', { text: 'a'.repeat(1 << 20) }, 413],
  ])('%s', async (_, payload, status) => {
    const answer = await post('/v1/ner', payload)
    expect(answer.status).toBe(status)
    const { error } = answer.body as unknown as { error: Record<string, unknown> }
    expect(Object.keys(codes)).toContain(error['code'])
    expect(error['message']).toEqual(expect.any(String))
    expect(error['retry']).toBe(false)
  })

  test('another content type, another address, another method', async () => {
    expect((await post('/v1/ner', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
    expect((await app.inject({ url: '/v1/nor' })).statusCode).toBe(404)
    const deleted = await app.inject({ method: 'DELETE', url: '/v1/ner' })
    expect([deleted.statusCode, deleted.headers.allow]).toEqual([405, 'POST'])
    const posted = await post('/v2/models/any?x=1', {})
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD'])
  })
})

test('every error code has an HTTP status; those that may succeed later are told so', () => {
  expect(Object.keys(httpStatus).sort()).toEqual(Object.keys(codes).sort())
  for (const [code, { status, retry }] of Object.entries(httpStatus)) {
    expect(status, code).toBeGreaterThanOrEqual(400)
    if (retry) expect([429, 502, 503, 504, 507], code).toContain(status)
  }
})

test('a token is asked for, save by probes', async () => {
  const secured = createApp(settingsOf(), { ...service, served: { ...service.served, ready: true, token: 'secret' } })
  const status = async (url: string, authorization?: string) =>
    (
      await secured.inject({
        method: url === '/v1/ner' ? 'POST' : 'GET',
        url,
        ...(url === '/v1/ner' && { payload: { text: 'a' } }),
        headers: authorization === undefined ? {} : { authorization },
      })
    ).statusCode
  expect(await status('/v1/ner')).toBe(401)
  expect(await status('/v1/ner', 'Bearer wrong')).toBe(401)
  expect(await status('/v1/ner', 'secret')).toBe(401)
  expect(await status('/v1/ner', 'Bearer secret')).toBe(200)
  expect(await status('/v1/ner', 'bearer secret')).toBe(200)
  expect(await status('/v1/model')).toBe(401)
  for (const open of ['/healthz', '/readyz', '/metrics', '/v2/health/ready', '/']) expect(await status(open)).toBe(200)
})

describe('as a plugin of an application of one’s own', () => {
  let own: FastifyInstance
  beforeAll(async () => {
    own = Fastify()
    own.get('/', () => 'mine')
    own.get('/broken', () => {
      throw new Error('mine')
    })
    await own.register(nerPlugin, { prefix: '/ner', served: { ...service.served, ready: true, token: 'secret' } })
  })
  const headers = { authorization: 'Bearer secret' }

  test('answers under its prefix, and asks for its token there alone', async () => {
    const asked = await own.inject({ method: 'POST', url: '/ner/v1/ner', headers, payload: { text: names } })
    expect(asked.json<Found>().results[0]!.entities.length).toBeGreaterThan(0)
    const status = async (url: string) => (await own.inject({ url })).statusCode
    for (const url of ['/ner/v1/model', '/ner/v2', `/ner/v2/models/${service.served.name}`]) {
      expect(await status(url), url).toBe(401)
    }
    for (const url of ['/', '/ner/', '/ner', '/ner/healthz', '/ner/readyz', '/ner/metrics', '/ner/openapi.json']) {
      expect(await status(url), url).toBe(200)
    }
    expect((await own.inject({ method: 'POST', url: '/ner', payload: { inputs: 'a' } })).statusCode).toBe(401)
  })

  test('leaves the rest as it is', async () => {
    expect((await own.inject({ url: '/' })).body).toBe('mine')
    expect((await own.inject({ url: '/broken' })).json()).toMatchObject({ statusCode: 500, message: 'mine' })
    expect((await own.inject({ url: '/nowhere' })).json()).toMatchObject({ statusCode: 404, error: 'Not Found' })
  })
})

describe('the OpenAPI document', () => {
  interface Operation {
    readonly operationId: string
    readonly requestBody?: {
      readonly content: Record<string, { readonly examples: Record<string, { value: unknown }> }>
    }
    readonly responses: Record<string, unknown>
  }

  const operations = async () => {
    const { paths, openapi } = (await app.inject({ url: '/openapi.json' })).json<{
      openapi: string
      paths: Record<string, Record<string, Operation>>
    }>()
    expect(openapi).toBe('3.1.0')
    return Object.entries(paths).flatMap(([path, { parameters: _, ...methods }]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    )
  }

  test('has every address that there is', async () => {
    const written = (await operations()).map(({ path, method }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
    const there: string[] = []
    const other = Fastify()
    other.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) if (one !== 'HEAD' && url !== '/openapi.json') there.push(`${one} ${url}`)
    })
    await other.register(nerPlugin, { served: service.served })
    await other.ready()
    expect(written.sort()).toEqual(there.sort())
  })

  test('names every operation once, and its examples are answered', async () => {
    const all = await operations()
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(all.length)
    const { name, recognizer } = service.served
    let asked = 0
    for (const { path, operation } of all) {
      const { examples = {} } = operation.requestBody?.content['application/json'] ?? {}
      for (const { value } of Object.values(examples)) {
        const url = path.replace('{model}', name).replace('{version}', recognizer.version)
        expect((await post(url, value)).status, url).toBe(200)
        asked++
      }
    }
    expect(asked).toBeGreaterThan(5)
  })
})
