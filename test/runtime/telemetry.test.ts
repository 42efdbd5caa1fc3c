import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { tinyTagger } from '../inference/tiny-tagger.js'

test('the engine keeps nothing of the machine in its user’s folder', async () => {
  const home = mkdtempSync(join(tmpdir(), 'ner-home-'))
  const { ORT_DISABLE_TELEMETRY: _, XDG_CACHE_HOME: _cache, ...env } = process.env
  const folder = await tinyTagger()
  execFileSync(process.execPath, [resolve('bin/ner.js'), 'predict', folder, 'ab cab'], {
    env: { ...env, HOME: home },
    stdio: 'pipe',
  })
  expect(readdirSync(home, { recursive: true })).toEqual([])
})
