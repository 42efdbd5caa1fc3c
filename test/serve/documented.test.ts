import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { codes, type ErrorCode } from '../../src/errors.js'
import { httpStatus } from '../../src/serve/http/status.js'
import { loadServeSettings } from '../../src/serve/load.js'
import { openService } from '../../src/serve/server.js'
import { serveSchema } from '../../src/serve/settings.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

/* README's part on the server, against the server. */

const readme = readFileSync('README.md', 'utf8')
  .replace(/^[^]*?\n## Serve\n/, '')
  .replace(/\n## [^]*$/, '')

test('has every error that a client may get, with its status', () => {
  const written = [...readme.matchAll(/^\| (\d{3}) +\| `(serve\/[\w-]+)`/gm)].map(([, status, code]) => [
    code,
    Number(status),
  ])
  // These two are told to whoever runs the server.
  const others = ['serve/port-taken', 'serve/bad-list']
  const told = (Object.keys(codes) as ErrorCode[]).filter((code) => code.startsWith('serve/') && !others.includes(code))
  expect(written.sort()).toEqual(told.map((code) => [code, httpStatus[code].status]).sort())
})

test('has every metric, and every group of keys', async () => {
  const service = await openService(loadServeSettings(undefined, { model: await tinyTagger() }))
  const metrics = (await service.served.metrics.text()).match(/^# TYPE (\w+)/gm)!.map((line) => line.slice(7))
  await service.close()
  expect(metrics.length).toBeGreaterThan(10)
  expect(metrics.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  expect(Object.keys(serveSchema.shape).filter((key) => !readme.includes(`\`${key}\``))).toEqual([])
})
