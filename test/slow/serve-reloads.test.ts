import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadServeSettings } from '../../src/serve/load.js'
import { openService } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

it('answers from exactly one version of list and overrides while both are reloaded 1,000 times, torn files among them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ner-reloads-'))
  let clock = 1_700_000_000
  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    utimesSync(join(folder, name), ++clock, clock)
  }
  const names = (i: number) => `surface,type\nab,V${i}\ncc,V${i}\n`
  const overrides = (i: number) => `{"surface": "ba", "label": "O${i}"}\n{"surface": "bc", "label": "O${i}"}\n`
  write('names.csv', names(0))
  write('overrides.jsonl', overrides(0))
  const config = join(folder, 'serve.yaml')
  const list = { source: 'names.csv', policy: 'force', refresh_s: 3600 }
  const settings = { lists: { names: list }, overrides: { source: 'overrides.jsonl', refresh_s: 60 } }
  writeFileSync(config, JSON.stringify(settings))
  const service = await openService(loadServeSettings(config, { model: await tinyTagger() }))
  const byVersion = new Map<string, string>()
  let over = false
  let answers = 0
  const client = async () => {
    while (!over) {
      const { recognizer } = service.served
      const { spans } = await recognizer.find({ text: 'ab cc ba bc' }, new AbortController().signal)
      const labels = spans.map(({ label }) => label)
      expect([labels.length, labels[0], labels[2]]).toEqual([4, labels[1], labels[3]])
      const known = byVersion.get(recognizer.version) ?? labels.join(' ')
      expect(labels.join(' ')).toBe(known)
      byVersion.set(recognizer.version, known)
      answers++
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const clients = Array.from({ length: 4 }, client)
  for (let i = 1; i <= 500; i++) {
    write('names.csv', i % 5 === 0 ? names(i).slice(0, -2) + '"' : names(i))
    write('overrides.jsonl', i % 7 === 0 ? overrides(i).slice(0, -3) : overrides(i))
    await service.refresh()
  }
  over = true
  await Promise.all(clients)
  expect(answers).toBeGreaterThan(1000)
  expect(byVersion.size).toBeGreaterThan(100)
  const metrics = await service.served.metrics.text()
  expect(metrics).toMatch(/ner_list_failures\{list="names"\} 100\n/)
  expect(metrics).toMatch(/ner_list_failures\{list="overrides"\} 71\n/)
  await service.close()
  rmSync(folder, { recursive: true })
})
