import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { locateModel } from '../../src/hub/model.js'
import { standInHub, type StandIn } from '../hub/stand-in.js'
import { pythonWith } from './python.js'
import { fromRoot } from './trained.js'

const python = pythonWith('huggingface_hub')

const names = ['config.json', 'tokenizer.json', 'model.safetensors']

describe.skipIf(!python)('the cache', () => {
  let hub: StandIn
  let cache: string

  beforeEach(async () => {
    hub = await standInHub(Object.fromEntries(names.map((name) => [name, Buffer.from(name)])))
    cache = mkdtempSync(join(tmpdir(), 'ner-hub-'))
    vi.stubEnv('HF_ENDPOINT', hub.url)
    vi.stubEnv('HF_HUB_OFFLINE', undefined)
    vi.stubEnv('HF_HUB_CACHE', cache)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    hub.close()
    rmSync(cache, { recursive: true })
  })

  test('is Python’s', async () => {
    const download = locateModel('org/name', 'encoder')
    let folder: string | undefined
    for (let next = await download.next(); folder === undefined; next = await download.next()) {
      if (next.done) folder = next.value
    }
    const read: unknown = JSON.parse(
      execFileSync(python!, [fromRoot('test/interop/hub_cache.py'), cache, 'org/name', ...names], { encoding: 'utf8' }),
    )
    expect(read).toEqual({
      snapshot: folder,
      files: names.map((name) => join(folder, name)),
      scanned: { name: 'org/name', refs: ['main'], size: names.join('').length },
    })
  })
})
