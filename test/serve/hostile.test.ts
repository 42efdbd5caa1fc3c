import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { codes } from '../../src/errors.js'
import { loadServeSettings } from '../../src/serve/load.js'
import { createApp } from '../../src/serve/http/app.js'
import type { Recognizer } from '../../src/serve/recognizer.js'
import { openService, serve, type Server } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

/* Requests over a real socket that no client of good will sends. Others are served all the while. */

let server: Server
let port: number

beforeAll(async () => {
  const settings = loadServeSettings(undefined, { model: await tinyTagger(), port: 0, token: 'secret' })
  server = await serve({
    ...settings,
    limits: { ...settings.limits, request_ms: 400 },
    log: { ...settings.log, level: 'silent' },
  })
  port = Number(new URL(server.address).port)
})
afterAll(() => server.close())

interface Answer {
  readonly status: number
  readonly code: string | undefined
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })

/** All that comes back on a connection until the server closes it. */
async function read(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A reset after the answer is a way to close, too.
  socket.on('error', () => undefined)
  await closed(socket)
  return Buffer.concat(chunks).toString('latin1')
}

function answersIn(text: string): Answer[] {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((part) => part.startsWith('HTTP/1.1 '))
    .map((part) => ({
      status: Number(part.slice(9, 12)),
      code: /"code":"([^"]+)"/.exec(part)?.[1],
    }))
}

/** Sends bytes as they are, and gives the answers. */
async function send(...parts: readonly (string | Buffer)[]): Promise<Answer[]> {
  const socket = connect({ port, host: '127.0.0.1' })
  const said = read(socket)
  for (const part of parts) socket.write(part)
  return answersIn(await said)
}

const head = (headers: readonly string[], line = 'POST /v1/ner HTTP/1.1') =>
  [line, 'Host: x', 'Authorization: Bearer secret', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')

/** A request as it should be, after which the connection is closed. */
const whole = (body: string, headers: readonly string[] = []) =>
  head([`Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', ...headers]) + body

const asOthers = async () => (await send(whole('{"text": "ab cab"}')))[0]

/** Asks, as others do, from the first until `hostile` is over; gives the worst of their statuses. */
async function whileOthersAsk<T>(hostile: Promise<T>): Promise<{ readonly outcome: T; readonly others: Set<number> }> {
  const state = { over: false }
  const ended = hostile.finally(() => {
    state.over = true
  })
  const others = new Set<number>()
  do {
    others.add((await asOthers())?.status ?? 0)
    await wait(5)
  } while (!state.over)
  return { outcome: await ended, others }
}

beforeEach(async () => {
  expect((await asOthers())?.status).toBe(200)
})

describe('a slow client is let go, and others are served', () => {
  test.each([
    ['sends a byte of its head now and then', 'POST /v1/ner HTTP/1.1\r\nX: ', 'a'],
    ['sends a byte of its body now and then', head(['Content-Length: 1000']), ' '],
    ['sends chunks of one byte', head(['Transfer-Encoding: chunked']), '1\r\n \r\n'],
    ['says nothing more', head(['Content-Length: 1000']), ''],
  ])('that %s', async (_, first, more) => {
    const slow = async () => {
      const socket = connect({ port, host: '127.0.0.1' })
      const said = read(socket)
      socket.write(first)
      const drip = setInterval(() => socket.writable && more !== '' && socket.write(more), 20)
      const answers = answersIn(await said)
      clearInterval(drip)
      return answers
    }
    const { outcome, others } = await whileOthersAsk(Promise.all(Array.from({ length: 50 }, slow)))
    for (const answers of outcome) expect(answers).toEqual([{ status: 408, code: 'serve/slow-request' }])
    expect([...others]).toEqual([200])
  })
})

test('a client that waits for its answer is not taken for a slow one', async () => {
  const settings = loadServeSettings(undefined, { model: await tinyTagger() })
  const service = await openService(settings)
  const { recognizer } = service.served
  const slow: Recognizer = {
    ...recognizer,
    async find(query, signal) {
      await wait(1500)
      return recognizer.find(query, signal)
    },
  }
  const app = createApp(
    { ...settings, limits: { ...settings.limits, request_ms: 300 }, log: { ...settings.log, level: 'silent' } },
    { served: { ...service.served, ready: true, recognizer: slow } },
  )
  const address = await app.listen({ port: 0 })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${address}/v1/ner`, {
    method: 'POST',
    headers,
    body: '{"text": "ab", "deadline_ms": 9000}',
  })
  expect(answer.status).toBe(200)
  await app.close()
  await service.close()
})

describe('a body over the limit is not read to its end', () => {
  const endless = async (headers: readonly string[], chunk: Buffer) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const said = read(socket)
    socket.write(head(headers))
    let sent = 0
    while (socket.writable && sent < 512 << 20) {
      sent += chunk.length
      if (!socket.write(chunk)) {
        await Promise.race([new Promise<void>((resolve) => socket.once('drain', () => resolve())), closed(socket)])
      }
    }
    return { answers: answersIn(await said), sent }
  }
  const space = Buffer.alloc(1 << 16, ' ')

  test.each([
    ['whose length says so', ['Content-Length: 10000000000'], space],
    [
      'in chunks',
      ['Transfer-Encoding: chunked'],
      Buffer.concat([Buffer.from('10000\r\n'), space, Buffer.from('\r\n')]),
    ],
  ])('%s', async (_, headers, chunk) => {
    const { outcome, others } = await whileOthersAsk(
      Promise.all(Array.from({ length: 8 }, () => endless(headers, chunk))),
    )
    for (const { answers, sent } of outcome) {
      // Who goes on sending after the answer may lose it to the reset of the connection.
      for (const answer of answers) expect(answer).toEqual({ status: 413, code: 'serve/too-large' })
      // The limit is 1 MiB; the rest lies in the buffers of the two sockets.
      expect(sent).toBeLessThan(64 << 20)
    }
    expect([...others]).toEqual([200])
  })
})

test('1 MB of one token is more than a text may have', async () => {
  const { outcome, others } = await whileOthersAsk(send(whole(JSON.stringify({ text: 'a'.repeat(1_000_000) }))))
  expect(outcome).toEqual([{ status: 413, code: 'serve/too-large' }])
  expect([...others]).toEqual([200])
})

test('a body that says it is too long is refused before it is sent', async () => {
  expect(await send(head(['Content-Length: 10000000']))).toEqual([{ status: 413, code: 'serve/too-large' }])
})

describe('a request that two readers could divide in two ways is refused, and its connection closed', () => {
  const body = '{"text":"ab"}'
  const next = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  test.each([
    ['a length and chunks', head([`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked']) + chunked],
    ['chunks and a length', head(['Transfer-Encoding: chunked', `Content-Length: ${body.length}`]) + chunked],
    ['two lengths', head([`Content-Length: ${body.length}`, `Content-Length: ${body.length + next.length}`]) + body],
    ['the same length twice', head([`Content-Length: ${body.length}`, `Content-Length: ${body.length}`]) + body],
    ['a list of lengths', head([`Content-Length: ${body.length}, ${body.length}`]) + body],
    ['a signed length', head([`Content-Length: +${body.length}`]) + body],
    ['a folded header', head(['X: a\r\n b', `Content-Length: ${body.length}`]) + body],
    ['a folded encoding', head(['Transfer-Encoding:\r\n chunked']) + chunked],
    ['a space before the colon', head(['Transfer-Encoding : chunked']) + chunked],
    ['chunks that are not last', head(['Transfer-Encoding: chunked, identity']) + chunked],
    ['an unknown encoding', head(['Transfer-Encoding: xchunked']) + chunked],
    ['a chunk whose length is none', `${head(['Transfer-Encoding: chunked'])}0x5\r\nabcde\r\n0\r\n\r\n`],
    ['a chunk longer than it says', `${head(['Transfer-Encoding: chunked'])}1\r\nab\r\n0\r\n\r\n`],
    ['a bare line feed', head([`Content-Length: ${body.length}`]).replaceAll('\r\n', '\n') + body],
    ['a zero byte in a header', head(['X: a\0b', `Content-Length: ${body.length}`]) + body],
    ['no host', `POST /v1/ner HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s', async (_, request) => {
    const answers = await send(request, next)
    // One answer: what follows is not taken for a request.
    expect(answers.map(({ status }) => status)).toEqual([400])
    for (const { code } of answers) expect(code === undefined || code in codes).toBe(true)
  })

  test('a head without end', async () => {
    const answers = await send('POST /v1/ner HTTP/1.1\r\n', `X: ${'a'.repeat(1 << 20)}`)
    expect(answers).toEqual([{ status: 431, code: 'serve/long-head' }])
  })
})

describe('a body that is no request is told so', () => {
  const deep = (open: string, close: string, middle = '') => open.repeat(100_000) + middle + close.repeat(100_000)
  test.each([
    ['deep lists', deep('[', ']'), 400],
    ['deep objects', deep('{"text":', '}', '1'), 400],
    ['a deep value of an unknown key', `{"text": "a", "x": ${deep('[', ']')}}`, 400],
    ['__proto__', '{"text": "a", "__proto__": {"admin": true}}', 400],
    ['constructor.prototype', '{"text": "a", "constructor": {"prototype": {"admin": true}}}', 400],
    ['a lone surrogate', '{"text": "a\\ud800"}', 400],
    ['a hundred thousand keys', `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join(',')}}`, 400],
    ['a number that is none', '{"text": "a", "min_score": 1e999}', 400],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('latin1'), 400],
    ['nothing', '', 400],
  ])('%s', async (_, body, status) => {
    const { outcome, others } = await whileOthersAsk(send(whole(body)))
    expect(outcome).toEqual([{ status, code: 'serve/bad-request' }])
    expect([...others]).toEqual([200])
    expect(({} as { admin?: boolean }).admin).toBe(undefined)
  })

  test('another content type, and none', async () => {
    const body = '{"text": "a"}'
    const typed = (type: string) =>
      whole(body).replace('Content-Type: application/json\r\n', type === '' ? '' : `Content-Type: ${type}\r\n`)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      expect(await send(typed(type)), type).toEqual([{ status: 415, code: 'serve/unsupported-type' }])
    }
  })

  test('a wrong token, before the body is read', async () => {
    for (const token of [
      '',
      'Bearer',
      'Bearer wrong',
      'Basic secret',
      'secret',
      'Bearersecret',
      `Bearer ${'a'.repeat(8000)}`,
    ]) {
      const request = head(['Content-Length: 10000000', 'Connection: close']).replace('Bearer secret', token)
      expect(await send(request), token).toEqual([{ status: 401, code: 'serve/unauthorized' }])
    }
  })
})

describe('a text that is hard is answered all the same', () => {
  test.each([
    ['one token as long as a text may be', 'a'.repeat(200_000)],
    ['İ, which grows in lower case', 'İ'.repeat(20_000)],
    ['marks without end on one letter', `a${'\u0301'.repeat(50_000)}`],
    ['control characters and directions', '\u0000\u0001\u202e\u200b\ufeff'.repeat(5_000)],
    ['joined people', '👩‍👩‍👧‍👦'.repeat(5_000)],
    ['spaces', ' \t\n\u3000'.repeat(20_000)],
  ])('%s', async (_, text) => {
    const { outcome, others } = await whileOthersAsk(send(whole(JSON.stringify({ text }))))
    expect(outcome.map(({ status }) => status)).toEqual([200])
    expect([...others]).toEqual([200])
  })
})
