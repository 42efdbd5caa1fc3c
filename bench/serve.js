// npm run bench -- serve MODEL SENTENCES [--part NAME]: `ner serve` under requests at a fixed rate. SENTENCES is a CoNLL
// file; MODEL an int8 folder. Each part starts a server of its own; parts: latency, rates, lists, zipf, overload.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { clearInterval, setInterval } from 'node:timers'
import { parseArgs } from 'node:util'
import { loadModel } from '../dist/artifacts/model.js'
import { fillBatch } from '../dist/features/batches.js'
import { loadEngine } from '../dist/inference/engine.js'
import { prepare } from '../dist/inference/prepare.js'
import { atRate, get, percentile } from './load.js'

/** The sentences of a CoNLL file as texts. */
const sentencesOf = (file) =>
  readFileSync(file, 'utf8')
    .split(/\n\s*\n/)
    .map((block) =>
      block
        .split('\n')
        .map((line) => line.split(' ')[0])
        .filter((word) => word !== '' && !word.startsWith('-DOCSTART'))
        .join(' '),
    )
    .filter((text) => text !== '')

async function startServer(model, settings) {
  const folder = mkdtempSync(join(tmpdir(), 'ner-bench-serve-'))
  const config = join(folder, 'serve.yaml')
  writeFileSync(config, JSON.stringify({ model, port: 0, log: { level: 'silent' }, page: false, ...settings }))
  const child = spawn(process.execPath, ['bin/ner.js', 'serve', '--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  const address = await new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      said += chunk
      const found = /at (http:\S+)/.exec(said)
      if (found) resolve(found[1])
    })
    child.once('exit', () => reject(new Error(said)))
  })
  return {
    url: `${address}/v1/ner`,
    metric: async (name) => {
      const { text } = await get(`${address}/metrics`)
      return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
    },
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(folder, { recursive: true })
    },
  }
}

const show = ({ times, statuses }) =>
  `p50 ${percentile(times, 50)?.toFixed(2)}  p95 ${percentile(times, 95)?.toFixed(2)}  p99 ${percentile(times, 99)?.toFixed(2)} ms  ${JSON.stringify(statuses)}`
const say = (what, value) => console.log(`${what.padEnd(44)} ${value}   (load ${loadavg()[0].toFixed(1)})`)
const noCache = { cache: { bytes: 0 } }

/** Bodies in turn. */
const inTurn = (texts) => (i) => ({ text: texts[i % texts.length] })

/** The engine's own time for a sentence, alone in a process. */
async function engineAlone(folder, texts) {
  const model = await loadModel(folder)
  const labels = model.tagger.tags.length
  const engine = await loadEngine(model.onnx, labels)
  const times = []
  for (const text of texts) {
    const { examples } = await prepare([{ id: '', text, layers: {} }], model)
    const batch = fillBatch(examples, { labels, padId: model.tokenizer.pad })
    const began = performance.now()
    await engine.run(batch)
    times.push(performance.now() - began)
  }
  await engine.close()
  return times.slice(200).sort((a, b) => a - b)
}

async function latency({ model, texts }) {
  const alone = await engineAlone(model, texts.slice(0, 1200))
  say('engine alone, a sentence', `p50 ${percentile(alone, 50).toFixed(2)}  p95 ${percentile(alone, 95).toFixed(2)} ms`)
  const server = await startServer(model, noCache)
  await atRate(server.url, inTurn(texts), { rate: 100, count: 500 })
  const served = await atRate(server.url, inTurn(texts), { rate: 100, count: 2000 })
  say('100 requests/s, cache off', show(served))
  say('the server adds to the p50', `${(percentile(served.times, 50) - percentile(alone, 50)).toFixed(2)} ms`)
  await server.stop()
}

async function rates({ model, texts }) {
  const server = await startServer(model, noCache)
  await atRate(server.url, inTurn(texts), { rate: 100, count: 500 })
  for (const rate of [150, 200, 250, 300, 400]) {
    const served = await atRate(server.url, inTurn(texts), { rate, count: 5 * rate })
    say(`${rate} requests/s`, show(served))
    if (percentile(served.times, 95) > 10) break
  }
  await server.stop()
}

async function lists({ model, texts }) {
  const folder = mkdtempSync(join(tmpdir(), 'ner-bench-list-'))
  const source = join(folder, 'million.csv')
  const file = createWriteStream(source)
  file.write('surface,type\n')
  for (let i = 0; i < 1_000_000; i++) file.write(`Name${i % 5000} Word${(i / 5000) | 0} ${i % 7},THING\n`)
  await new Promise((resolve) => file.end(resolve))
  const list = { source, policy: 'prefer', refresh_s: 3600 }
  const without = await startServer(model, noCache)
  const still = await startServer(model, { ...noCache, lists: { million: list } })
  const reloading = await startServer(model, { ...noCache, lists: { million: { ...list, refresh_s: 4 } } })
  const rounds = { without: [], with: [], reloading: [] }
  for (const server of [without, still, reloading]) await atRate(server.url, inTurn(texts), { rate: 100, count: 300 })
  const before = await reloading.metric('ner_list_reloads')
  for (let round = 0; round < 2; round++) {
    for (const [name, server] of Object.entries({ without, with: still, reloading })) {
      const change = name === 'reloading' ? setInterval(() => appendFileSync(source, '\n'), 3000) : undefined
      rounds[name].push(...(await atRate(server.url, inTurn(texts), { rate: 100, count: 1000 })).times)
      clearInterval(change)
    }
  }
  for (const [name, times] of Object.entries(rounds)) {
    say(`a million names: ${name}`, show({ times: times.sort((a, b) => a - b), statuses: {} }))
  }
  say('reloads meanwhile', `${(await reloading.metric('ner_list_reloads')) - before}`)
  for (const server of [without, still, reloading]) await server.stop()
  rmSync(folder, { recursive: true })
}

async function zipf({ model, texts }, { requests, distinct, rate }) {
  const shares = Float64Array.from({ length: distinct }, (_, i) => 1 / (i + 1))
  for (let i = 1; i < distinct; i++) shares[i] += shares[i - 1]
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const at = (state / 2 ** 32) * shares[distinct - 1]
    let [low, high] = [0, distinct - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (shares[middle] < at) low = middle + 1
      else high = middle
    }
    return { text: `${texts[low % texts.length]} ${low}` }
  }
  for (const [name, settings] of Object.entries({ 'without a cache': noCache, cached: {} })) {
    const server = await startServer(model, settings)
    const count = name === 'cached' ? requests : Math.min(requests, 3000)
    await atRate(server.url, next, { rate, count })
    const served = await atRate(server.url, next, { rate, count })
    const mean = served.times.reduce((sum, time) => sum + time, 0) / served.times.length
    say(`Zipf of ${distinct}, ${name}, ${rate}/s`, `mean ${mean.toFixed(2)} ms  ${show(served)}`)
    await server.stop()
  }
}

async function overload({ model, texts }, { seconds }) {
  const server = await startServer(model, { ...noCache, queue: { sentences: 64 } })
  const normal = await atRate(server.url, inTurn(texts), { rate: 100, count: 1000 })
  say('before', show(normal))
  const under = await atRate(server.url, inTurn(texts), { rate: 1500, count: 1500 * seconds, connections: 2048 })
  say(`1,500 requests/s for ${seconds} s`, show(under))
  say('resident after', `${((await server.metric('ner_resident_bytes')) / 2 ** 20).toFixed(0)} MiB`)
  say('the 5 s after', show(await atRate(server.url, inTurn(texts), { rate: 100, count: 500 })))
  await server.stop()
}

const parts = { latency, rates, lists, zipf, overload }

export async function bench(flags) {
  const { positionals, values } = parseArgs({
    args: flags,
    allowPositionals: true,
    options: {
      part: { type: 'string', multiple: true },
      requests: { type: 'string', default: '500000' },
      distinct: { type: 'string', default: '150000' },
      rate: { type: 'string', default: '400' },
      seconds: { type: 'string', default: '60' },
    },
  })
  const [model, sentences] = positionals
  const sizes = Object.fromEntries(['requests', 'distinct', 'rate', 'seconds'].map((key) => [key, Number(values[key])]))
  for (const part of values.part ?? Object.keys(parts))
    await parts[part]({ model, texts: sentencesOf(sentences) }, sizes)
}
