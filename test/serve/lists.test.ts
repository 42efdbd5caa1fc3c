import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashBytes } from '../../src/io/hash.js'
import { fetchIfChanged } from '../../src/serve/lists/fetch.js'
import { exactAnswer, readOverrides } from '../../src/serve/lists/overrides.js'
import { loadServeSettings } from '../../src/serve/load.js'
import { openService, type NerService } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-lists-'))
afterAll(() => rmSync(folder, { recursive: true }))
let clock = 1_700_000_000
/** Writes a file as if later than all before: times of files are coarse. */
function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  utimesSync(path, ++clock, clock)
  return path
}
const bytes = (text: string) => new TextEncoder().encode(text)

describe('a source of a list', () => {
  const watched = (source: string, more = {}) => ({ source, max_bytes: 100, checksum: false, ...more })

  it('is read again only where it has changed', async () => {
    const source = file('a.csv', 'surface\nAnn\n')
    const first = await fetchIfChanged(watched(source), undefined)
    expect(first?.sha256).toBe(hashBytes(bytes('surface\nAnn\n')))
    expect(await fetchIfChanged(watched(source), first)).toBeUndefined()
    file('a.csv', 'surface\nAnn\n')
    expect(await fetchIfChanged(watched(source), first)).toBeUndefined()
    file('a.csv', 'surface\nBob\n')
    expect((await fetchIfChanged(watched(source), first))?.sha256).not.toBe(first?.sha256)
  })

  it('is refused where it is too large, or not what its checksum says', async () => {
    const source = file('large.csv', 'x'.repeat(101))
    await expect(fetchIfChanged(watched(source), undefined)).rejects.toMatchObject({ code: 'serve/bad-list' })
    const torn = file('torn.csv', 'surface\nAn')
    file('torn.csv.sha256', `${hashBytes(bytes('surface\nAnn\n'))}  torn.csv\n`)
    await expect(fetchIfChanged(watched(torn, { checksum: true }), undefined)).rejects.toThrow(/another hash/)
    file('torn.csv', 'surface\nAnn\n')
    expect(await fetchIfChanged(watched(torn, { checksum: true }), undefined)).toBeDefined()
  })

  it('of an address is asked for by its ETag, and never read beyond the limit', async () => {
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      asked.push(request.headers['if-none-match'])
      if (request.url === '/endless.csv') {
        const more = () => {
          if (response.write('x'.repeat(60))) setImmediate(more)
        }
        more()
      } else if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
      else response.writeHead(request.url === '/names.csv' ? 200 : 404, { etag: '"1"' }).end('surface\nAnn\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const first = await fetchIfChanged(watched(`${address}/names.csv`), undefined)
    expect(await fetchIfChanged(watched(`${address}/names.csv`), first)).toBeUndefined()
    expect(asked).toEqual([undefined, '"1"'])
    await expect(fetchIfChanged(watched(`${address}/none.csv`), undefined)).rejects.toThrow(/404/)
    await expect(fetchIfChanged(watched(`${address}/endless.csv`), undefined)).rejects.toThrow(/more than 100 bytes/)
    server.closeAllConnections()
    server.close()
  })
})

describe('overrides', () => {
  it('give the entities of a text that reads exactly so, and the types of surfaces', () => {
    const { exact, surfaces } = readOverrides(
      bytes(
        '{"text": "😀 Ann", "entities": [{"start": 2, "end": 5, "label": "PER"}]}\n\n' +
          '{"text": "none", "entities": []}\n{"surface": "May", "label": null}\n{"surface": "Rome", "label": "LOC"}\n',
      ),
      'o.jsonl',
    )
    expect(exactAnswer(exact, '😀 Ann')).toEqual([{ start: 3, end: 6, label: 'PER' }])
    expect(exactAnswer(exact, 'none')).toEqual([])
    expect(exactAnswer(exact, '😀 Ann ')).toBeUndefined()
    expect(surfaces).toEqual([
      { surface: 'May', type: 'O' },
      { surface: 'Rome', type: 'LOC' },
    ])
  })

  it.each([
    ['no JSON', '{"text": '],
    ['an unknown key', '{"text": "a", "entities": [], "more": 1}'],
    ['an entity beyond the text', '{"text": "a", "entities": [{"start": 0, "end": 2, "label": "X"}]}'],
    [
      'entities that overlap',
      `{"text": "abc", "entities": [${'{"start": 0, "end": 2, "label": "X"},'.repeat(2).slice(0, -1)}]}`,
    ],
  ])('name the line that has %s', (_, row) => {
    expect(() => readOverrides(bytes(`{"surface": "a", "label": "X"}\n${row}\n`), 'o.jsonl')).toThrow(/o\.jsonl:2/)
  })
})

describe('a server with lists', () => {
  let service: NerService
  const failures: string[] = []
  const version = (i: number) => `surface,type\nab,V${i}\ncc,V${i}\n`
  beforeAll(async () => {
    file('names.csv', version(0))
    file('overrides.jsonl', '{"text": "abba", "entities": [{"start": 0, "end": 4, "label": "WHOLE"}]}\n')
    const list = { source: join(folder, 'names.csv'), policy: 'force', refresh_s: 3600 }
    const config = file(
      'serve.yaml',
      JSON.stringify({ lists: { names: list }, overrides: { source: 'overrides.jsonl', refresh_s: 60 } }),
    )
    const settings = loadServeSettings(config, { model: await tinyTagger() })
    service = await openService(settings, ({ message }, name) => failures.push(`${name}: ${message}`))
  })
  afterAll(() => service.close())
  const find = async (text: string) => {
    const { recognizer } = service.served
    const { spans } = await recognizer.find({ text }, new AbortController().signal)
    return { version: recognizer.version, labels: spans.map(({ label }) => label), spans }
  }

  it('answers with names, sources and a version of their own', async () => {
    const { spans } = await find('ab cc')
    expect(spans).toMatchObject([
      { start: 0, end: 2, label: 'V0', score: 1, source: 'names' },
      { start: 3, end: 5, label: 'V0', score: 1, source: 'names' },
    ])
    expect((await find('abba')).labels).toEqual(['WHOLE'])
    expect(service.served.recognizer.labels).toContain('V0')
  })

  it('answers from exactly one version while lists are reloaded, torn ones among them, with the cache warm', async () => {
    const byVersion = new Map<string, Set<string>>()
    let over = false
    let answers = 0
    const client = async () => {
      while (!over) {
        const { version, labels } = await find('ab cc')
        expect(labels[0]).toBe(labels[1])
        byVersion.set(version, (byVersion.get(version) ?? new Set()).add(labels[0]!))
        answers++
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const clients = [client(), client(), client()]
    for (let i = 1; i <= 30; i++) {
      const isTorn = i % 3 === 0
      file('names.csv', isTorn ? version(i).slice(0, -3) + '"' : version(i))
      await service.refresh()
      expect((await find('ab cc')).labels).toEqual(isTorn ? [`V${i - 1}`, `V${i - 1}`] : [`V${i}`, `V${i}`])
      expect(failures.length).toBe(Math.floor(i / 3))
    }
    over = true
    await Promise.all(clients)
    expect(answers).toBeGreaterThan(30)
    for (const labels of byVersion.values()) expect(labels.size).toBe(1)
    expect(await service.served.metrics.text()).toMatch(/ner_list_stale\{list="names"\} 1/)
    file('names.csv', version(31))
    await service.refresh()
    expect(await service.served.metrics.text()).toMatch(/ner_list_stale\{list="names"\} 0/)
  })

  it('has overrides live when their source is read again', async () => {
    file('overrides.jsonl', '{"surface": "ab", "label": null}\n{"surface": "cc", "label": "OTHER"}\n')
    await service.refresh()
    expect((await find('ab cc')).labels).toEqual(['OTHER'])
  })
})

it('refuses an unknown key of a list, and names the nearest', () => {
  const config = file(
    'bad.yaml',
    JSON.stringify({ lists: { names: { source: 'a.csv', policy: 'force', refresh: 3 } } }),
  )
  expect(() => loadServeSettings(config, { model: 'm' })).toThrow(/refresh_s/)
})
