import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadServeSettings } from '../../src/serve/load.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-serve-'))
const file = (yaml: string) => {
  const path = join(folder, 'serve.yaml')
  writeFileSync(path, yaml)
  return path
}

test('configs/serve.yaml says every key with its default', () => {
  expect(loadServeSettings('configs/serve.yaml', { model: 'm' })).toEqual(loadServeSettings(undefined, { model: 'm' }))
})

test('a file stands over defaults, and overrides over the file; paths are relative to the file', () => {
  const path = file('model: m\nport: 1\nbatch: {sentences: 4}')
  expect(loadServeSettings(path, { port: 2, host: undefined })).toMatchObject({
    model: join(folder, 'm'),
    port: 2,
    host: '127.0.0.1',
    batch: { sentences: 4, pieces: 512 },
  })
})

test.each([
  ['an unknown key', 'model: m\nprot: 1', 'config/unknown-key', /prot[\s\S]*serve\.yaml:2[\s\S]*Did you mean port/],
  ['an unknown key inside', 'model: m\nbatch:\n  sentence: 1', 'config/unknown-key', /serve\.yaml:3[\s\S]*sentences/],
  ['a wrong value', 'model: m\nport: x', 'config/bad-value', /port is wrong[\s\S]*serve\.yaml:2/],
  ['no model', 'port: 1', 'config/bad-value', /model/],
] as const)('%s', (_, yaml, code, message) => {
  const load = () => loadServeSettings(file(yaml))
  expect(load).toThrow(message)
  expect(load).toThrow(expect.objectContaining({ code }) as Error)
})
