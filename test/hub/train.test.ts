import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ner } from '../cli/invoke.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { sha256, standInHub, type StandIn } from './stand-in.js'

let hub: StandIn
let home: string

beforeAll(async () => {
  const folder = await tinyTagger()
  const paths = readdirSync(folder, { recursive: true }).map(String)
  const files = paths.filter((path) => statSync(join(folder, path)).isFile())
  hub = await standInHub(Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path))])))
  home = mkdtempSync(join(tmpdir(), 'ner-hub-'))
  vi.stubEnv('HF_ENDPOINT', hub.url)
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE']) vi.stubEnv(name, undefined)
  vi.stubEnv('HF_HUB_CACHE', join(home, 'cache'))
  writeFileSync(join(home, 'train.conll'), 'a B-X\nb O\n\nc B-Y\na O\n\n')
})

afterAll(() => {
  vi.unstubAllEnvs()
  hub.close()
  rmSync(home, { recursive: true })
})

describe('a name on the hub, where a model is wanted', () => {
  it('is trained from, and stands in the lineage with its commit and hash', async () => {
    const output = join(home, 'run')
    const config = join(home, 'config.yaml')
    writeFileSync(config, 'model: {path: org/name@main}\nfeatures: {window: 32}\ntraining: {epochs: 1}\n')
    const { code, stderr } = await ner('train', config, '--train', join(home, 'train.conll'), '--out', output)
    expect(stderr).toMatch(/^downloading org\/name@main: .*\n(downloading .*\n)*training/)
    expect(code).toBe(0)
    const run = JSON.parse(readFileSync(join(output, 'run.json'), 'utf8')) as Record<string, unknown>
    expect(run).toMatchObject({
      base_model: { name: 'org/name', commit: hub.commit, sha256: sha256(hub.files.get('model.safetensors')!) },
      config: { model: { path: 'org/name@main' } },
    })
    expect(readFileSync(join(output, 'README.md'), 'utf8')).toContain('Fine-tuned from org/name')
    const served = JSON.parse(readFileSync(join(output, 'ner.json'), 'utf8')) as Record<string, unknown>
    expect(served).toMatchObject({ lineage: { config: { model: { path: 'org/name@main' } } } })
  })

  it('predicts, and is scored', async () => {
    const predicted = await ner('predict', 'org/name', 'a b c', '--json')
    expect([predicted.code, JSON.parse(predicted.stdout)]).toMatchObject([0, [{ text: 'a b c' }]])
    expect((await ner('eval', 'org/name', join(home, 'train.conll'))).code).toBe(0)
  })

  it('teaches', async () => {
    const [data, output] = [join(home, 'train.conll'), join(home, 'student')]
    const set = ['distill.path=org/name', 'training.epochs=1'].flatMap((key) => ['--set', key])
    const { code } = await ner('distill', 'org/name', '--train', data, '--dev', data, '--out', output, ...set)
    expect(code).toBe(0)
    expect(JSON.parse(readFileSync(join(output, 'run.json'), 'utf8'))).toMatchObject({
      base_model: { name: 'org/name', commit: hub.commit },
      teachers: [{ name: 'org/name', commit: hub.commit }],
    })
  })

  it('that is no folder, and not on the hub, is an error like any other', async () => {
    const { code, stderr } = await ner('predict', 'runs/typo', 'a')
    expect(code).toBe(2)
    expect(stderr).toMatch(/no folder runs\/typo here, and no model of that name on the hub/)
  })
})
