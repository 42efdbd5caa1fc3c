import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NerError, type ErrorCode } from '../../src/errors.js'
import { locateModel, type DownloadEvent, type Purpose } from '../../src/hub/model.js'
import { gitHash, sha256, standInHub, type StandIn } from './stand-in.js'

const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
const encoder = {
  'config.json': Buffer.from('{"model_type":"bert"}'),
  'tokenizer.json': Buffer.from('{}'),
  'tokenizer_config.json': Buffer.from('{"do_lower_case":true}'),
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.from('never asked for'),
  'README.md': Buffer.from('neither is this'),
}

let hub: StandIn
let home: string
let cache: string

beforeEach(async () => {
  hub = await standInHub(encoder)
  home = mkdtempSync(join(tmpdir(), 'ner-hub-'))
  cache = join(home, 'hub', 'models--org--name')
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_HOME', home)
  for (const name of ['HF_HUB_CACHE', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE']) vi.stubEnv(name, undefined)
})

afterEach(() => {
  vi.unstubAllEnvs()
  hub.close()
  rmSync(home, { recursive: true })
})

async function locate(path = 'org/name', purpose: Purpose = 'encoder') {
  const events: DownloadEvent[] = []
  const download = locateModel(path, purpose)
  for (;;) {
    const { value, done } = await download.next()
    if (done === true) return { folder: value, events }
    events.push(value)
    hub.hasReceived(value.received)
  }
}

async function failure(path = 'org/name', purpose: Purpose = 'encoder'): Promise<[ErrorCode, string]> {
  const error: unknown = await locate(path, purpose).catch((reason: unknown) => reason)
  if (!(error instanceof NerError)) throw error
  return [error.code, error.message]
}

const incomplete = () => join(cache, 'blobs', `${sha256(weights)}.incomplete`)
const fromStore = () => hub.requests.filter((request) => request.startsWith('store'))

describe('a model of the hub', () => {
  it('is downloaded, as far as it is needed, into the layout of Python’s cache', async () => {
    const { folder, events } = await locate()
    expect(folder).toBe(join(cache, 'snapshots', hub.commit))
    expect(readFileSync(join(cache, 'refs', 'main'), 'utf8')).toBe(hub.commit)
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect(readlinkSync(join(folder, 'config.json'))).toBe(`../../blobs/${gitHash(encoder['config.json'])}`)
    expect(readlinkSync(join(folder, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`)
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
    expect(readdirSync(join(cache, 'blobs'))).toHaveLength(4)
    const last = events.at(-1)!
    expect(last).toEqual({
      kind: 'download',
      model: 'org/name@main',
      file: 'model.safetensors',
      received: weights.length,
      size: weights.length,
    })
  })

  it('is not downloaded twice, nor a file that another revision has too', async () => {
    await locate()
    hub.requests.length = 0
    expect((await locate()).events).toEqual([])
    rmSync(join(cache, 'snapshots'), { recursive: true })
    expect((await locate()).events).toEqual([])
    expect(hub.requests.filter((request) => !request.includes('/api/'))).toEqual([])
  })

  it('stands back behind a folder of the same name, and leaves other paths alone', async () => {
    expect((await locate('test/hub')).folder).toBe('test/hub')
    expect((await locate('no-such-folder')).folder).toBe('no-such-folder')
    expect((await locate('./no/folder')).folder).toBe('./no/folder')
    expect(hub.requests).toEqual([])
  })

  it('may bring its graph, and the one that its ner.json names', async () => {
    const onnx = Buffer.from('a graph')
    hub.files.set('ner.json', Buffer.from('{"graph":"onnx/model_quantized.onnx"}'))
    hub.files.set('onnx/model.onnx', Buffer.from('another'))
    hub.files.set('onnx/model_quantized.onnx', onnx)
    const { folder } = await locate('org/name', 'tagger')
    expect(readdirSync(join(folder, 'onnx'))).toEqual(['model_quantized.onnx'])
    expect(readlinkSync(join(folder, 'onnx/model_quantized.onnx'))).toBe(`../../../blobs/${sha256(onnx)}`)
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(false)
  })

  it('to start from is known as a trained one by its ner.json', async () => {
    hub.files.set('ner.json', Buffer.from('{"head":"crf"}'))
    const { folder } = await locate()
    expect(readFileSync(join(folder, 'ner.json'), 'utf8')).toBe('{"head":"crf"}')
    expect(existsSync(join(folder, 'onnx'))).toBe(false)
  })

  it('is asked for with the token, which the host that files are on is not told', async () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret')
    await locate()
    const asked = hub.requests.filter((request) => request.startsWith('hub'))
    for (const request of asked) expect(request).toMatch(/Bearer hf_secret$/)
    expect(fromStore()).toEqual([`store GET /${sha256(weights)}`])
  })

  it('is asked for with the token that a login has left', async () => {
    writeFileSync(join(home, 'token'), 'hf_login\n')
    await locate()
    expect(hub.requests[0]).toMatch(/Bearer hf_login$/)
  })
})

describe('a download', () => {
  it('goes on where the connection broke', async () => {
    hub.faults.cutAfter = 120_000
    const { folder } = await locate()
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
    const ranges = fromStore().map((request) => /bytes=\d+-$/.exec(request)?.[0])
    expect(ranges).toEqual([undefined, 'bytes=120000-', 'bytes=240000-'])
  })

  it('that is cut again and again is an error, after which the next call goes on', async () => {
    hub.faults.cutAfter = 10_000
    const [code, message] = await failure()
    expect(code).toBe('hub/cut-short')
    expect(message).toContain('50000 of 300000 bytes')
    delete hub.faults.cutAfter
    hub.requests.length = 0
    const { events } = await locate()
    expect(fromStore()).toEqual([`store GET /${sha256(weights)} bytes=50000-`])
    expect(events[0]!.received).toBeGreaterThan(50_000)
  })

  it('waits for a store that is busy', async () => {
    hub.faults.busy = 2
    expect(existsSync((await locate()).folder)).toBe(true)
  })

  it('begins anew where the store cannot go on, or what is there is too long', async () => {
    mkdirSync(join(cache, 'blobs'), { recursive: true })
    writeFileSync(incomplete(), weights.subarray(0, 10_000))
    hub.faults.ignoresRange = true
    await locate()
    expect(fromStore()).toEqual([`store GET /${sha256(weights)} bytes=10000-`])
    rmSync(join(cache, 'blobs', sha256(weights)))
    writeFileSync(incomplete(), Buffer.alloc(weights.length + 1))
    const { folder } = await locate()
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
  })

  it('of other bytes than were announced is deleted and refused', async () => {
    hub.faults.corrupt = true
    const [code, message] = await failure()
    expect(code).toBe('hub/checksum')
    expect(message).toContain(gitHash(encoder['tokenizer_config.json']))
    expect(readdirSync(join(cache, 'blobs'))).toEqual([])
    expect(existsSync(join(cache, 'refs'))).toBe(false)
  })

  it('that goes on from other bytes than there were is deleted and refused, and then begins anew', async () => {
    await locate()
    rmSync(join(cache, 'snapshots'), { recursive: true })
    rmSync(join(cache, 'blobs', sha256(weights)))
    writeFileSync(incomplete(), Buffer.alloc(1000))
    expect((await failure())[0]).toBe('hub/checksum')
    expect(existsSync(incomplete())).toBe(false)
    await locate()
  })

  it('by two at once does no harm', async () => {
    const [one, other] = await Promise.all([locate(), locate()])
    expect(one.folder).toBe(other.folder)
    expect(readFileSync(join(one.folder, 'model.safetensors')).equals(weights)).toBe(true)
  })
})

describe('without a network', () => {
  it('the cache answers, offline without a question', async () => {
    const { folder } = await locate()
    hub.requests.length = 0
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect((await locate()).folder).toBe(folder)
    expect((await locate(`org/name@${hub.commit}`)).folder).toBe(folder)
    expect(hub.requests).toEqual([])
    vi.stubEnv('HF_HUB_OFFLINE', undefined)
    expect((await locate(`org/name@${hub.commit}`)).folder).toBe(folder)
    expect(hub.requests).toEqual([])
    hub.close()
    expect((await locate()).folder).toBe(folder)
  })

  it('what is not in the cache, whole, is an error', async () => {
    await locate()
    vi.stubEnv('HF_HUB_OFFLINE', 'true')
    expect((await failure('org/name@v2'))[0]).toBe('hub/not-cached')
    expect((await failure('org/name', 'tagger'))[0]).toBe('hub/not-cached')
    truncateSync(join(cache, 'refs', 'main'))
    const [code, message] = await failure()
    expect([code, message]).toEqual(['hub/not-cached', expect.stringContaining(cache)])
  })

  it('a hub that does not answer is named', async () => {
    hub.close()
    const [code, message] = await failure('runs/typo')
    expect(code).toBe('hub/unreachable')
    expect(message).toMatch(/no folder runs\/typo here, and http:\/\/127.0.0.1:\d+ cannot be reached: .*ECONNREFUSED/)
  })
})

describe('the hub refuses', () => {
  it.each<[ErrorCode, RegExp, NonNullable<StandIn['faults']['refusal']>, string?]>([
    ['hub/not-found', /no model of that name/, [401, 'RepoNotFound']],
    ['hub/not-found', /no model of that name/, [404, 'RepoNotFound'], 'hf_token'],
    ['hub/not-found', /no branch, tag or commit main/, [404, 'RevisionNotFound']],
    ['hub/refused', /does not accept the token/, [401], 'hf_wrong'],
    ['hub/refused', /is gated/, [403, 'GatedRepo'], 'hf_token'],
    ['hub/unreachable', /HTTP 500/, [500]],
  ])('with %s, %s', async (code, says, refusal, token) => {
    vi.stubEnv('HF_TOKEN', token)
    Object.assign(hub.faults, { refusal })
    const [found, message] = await failure()
    expect(found).toBe(code)
    expect(message).toMatch(says)
    expect(message).not.toContain('hf_')
  })

  it('a revision that there is not', async () => {
    expect((await failure('org/name@v9'))[1]).toMatch(/org\/name has no branch, tag or commit v9/)
  })

  it('a token that is none', async () => {
    vi.stubEnv('HF_TOKEN', 'abc')
    expect(await failure()).toEqual(['hub/refused', expect.stringContaining('begin with hf_')])
  })
})

describe('a repository cannot be used', () => {
  it.each<[string, string, Purpose, RegExp]>([
    ['with pickles alone', 'model.safetensors', 'encoder', /as a pickle only, pytorch_model\.bin: a program that runs/],
    ['without a fast tokenizer', 'tokenizer.json', 'encoder', /AutoTokenizer/],
    ['that is no model of ner train', 'ner.json', 'tagger', /no model of ner train/],
  ])('%s', async (_, lacking, purpose, says) => {
    hub.files.delete(lacking)
    expect(await failure('org/name', purpose)).toEqual(['hub/unusable', expect.stringMatching(says)])
    expect(existsSync(cache)).toBe(false)
  })

  it('whose weights are in several files', async () => {
    hub.files.delete('model.safetensors')
    hub.files.set('model.safetensors.index.json', Buffer.from('{}'))
    expect((await failure())[1]).toMatch(/several files/)
  })

  it('whose file names would lead elsewhere', async () => {
    hub.files.set('ner.json', Buffer.from('{"graph":"onnx/../../../../../escaped.onnx"}'))
    hub.files.set('onnx/../../../../../escaped.onnx', Buffer.from('x'))
    await locate('org/name', 'tagger')
    expect(existsSync(join(home, '..', 'escaped.onnx'))).toBe(false)
  })
})
