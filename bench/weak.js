// npm run bench -- weak [--sentences N] [--surfaces N] [--threads N]
//
// `ner weak apply` with all of the shared knowledge bases and 20 patterns (bench/weak.yaml) over CoNLL-2003's training
// text, repeated until there are so many sentences; look-ups alone; and a knowledge base of so many made-up names. Each
// is measured in a process of its own, since memory is measured too.
import { execFileSync } from 'node:child_process'
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { partsOf, readPart } from '../dist/data/parts.js'
import { applyFunctions } from '../dist/sources/apply.js'
import { loadWeakConfig, schema } from '../dist/weak/config.js'
import { gazetteerMatcher, wordNumbers } from '../dist/gazetteer/matcher.js'
import { lexicon } from '../dist/text/lexicon.js'
import { prepare } from '../dist/sources/prepare.js'
import { segment } from '../dist/data/segment.js'
import { lookUp } from '../dist/data/words.js'
import { random } from '../dist/random.js'
import { peakMemory, printTable } from './turns.js'

const corpus = fileURLToPath(new URL('../../shared/data/conll2003/eng.train', import.meta.url))
const config = fileURLToPath(new URL('weak.yaml', import.meta.url))

export async function bench(flags) {
  const { values } = parseArgs({
    args: flags,
    options: {
      sentences: { type: 'string', default: '200000' },
      surfaces: { type: 'string', default: '1000000' },
      threads: { type: 'string', default: '2' },
      // One of the measurements, in this process.
      only: { type: 'string' },
      file: { type: 'string' },
    },
  })
  if (values.only !== undefined) return console.log(JSON.stringify(await measurements[values.only](values)))
  const folder = mkdtempSync(join(tmpdir(), 'ner-bench-'))
  try {
    const text = join(folder, 'text.conll')
    const tokens = await repeatCorpus(text, Number(values.sentences))
    const names = join(folder, 'names.csv')
    await makeNames(names, Number(values.surfaces))
    const measure = (only, file) => ({ ...measureApart(only, file, values), only })
    report(measure('apply', text), measure('lookups', text), measure('load', names), { ...values, tokens })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const measureApart = (only, file, { threads }) =>
  JSON.parse(
    execFileSync(
      process.execPath,
      [fileURLToPath(new URL('run.js', import.meta.url)), 'weak', '--only', only, '--file', file, '--threads', threads],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    ),
  )

/** The corpus so many times over that there are enough sentences; gives its tokens. */
async function repeatCorpus(file, sentences) {
  const once = readFileSync(corpus, 'utf8')
  const rows = once.split('\n').filter((row) => row !== '' && !row.startsWith('-DOCSTART-')).length
  const inCorpus = once.split('\n\n').length - once.split('-DOCSTART-').length
  const times = Math.max(1, Math.round(sentences / inCorpus))
  await writeAll(
    file,
    (function* () {
      for (let i = 0; i < times; i++) yield once.endsWith('\n\n') ? once : `${once.trimEnd()}\n\n`
    })(),
  )
  return times * rows
}

/** Names of one to four made-up words, of which there are as many as in large knowledge bases. */
async function makeNames(file, count) {
  const next = random('names')
  const syllables = 'ba ri to len kos mar ven du shi gor pel an ti zu wex hal'.split(' ')
  const word = () => {
    const made = Array.from({ length: 2 + Math.floor(next() * 3) }, () => syllables[Math.floor(next() * 16)]).join('')
    return made[0].toUpperCase() + made.slice(1)
  }
  await writeAll(
    file,
    (function* () {
      yield 'surface,type,popularity\n'
      for (let i = 0; i < count; i++) {
        const name = Array.from({ length: 1 + Math.floor(next() * 4) }, word).join(' ')
        yield `${name},${['LOC', 'ORG', 'PER'][i % 3]},${Math.floor(next() * 1000)}\n`
      }
    })(),
  )
}

async function writeAll(file, chunks) {
  const stream = createWriteStream(file)
  for (const chunk of chunks) if (!stream.write(chunk)) await once(stream, 'drain')
  stream.end()
  await once(stream, 'finish')
}

const seconds = (start) => (performance.now() - start) / 1000

const measurements = {
  async apply({ file, threads }) {
    const prepared = await prepare(loadWeakConfig(config))
    const start = performance.now()
    let bytes = 0
    let early = 0
    for await (const { lines } of applyFunctions(prepared, [file], { threads: Number(threads) })) {
      bytes += lines.length
      // Once every thread has warmed up and filled its tables.
      if (early === 0 && bytes > 5e7) early = process.memoryUsage.rss() / 2 ** 20
    }
    return { seconds: seconds(start), early, late: process.memoryUsage.rss() / 2 ** 20, peak: peakMemory() }
  },
  async lookups({ file }) {
    const { gazetteer } = await prepare(loadWeakConfig(config))
    const lexemeOf = lexicon(wordNumbers(gazetteer), { startsWith: () => [], tests: 0 })
    const find = gazetteerMatcher(gazetteer)
    const layers = Array.from({ length: 4 }, () => [])
    let tokens = 0
    let spent = 0
    for await (const part of partsOf(file)) {
      const { documents } = readPart(part)
      const start = performance.now()
      for (const document of documents) find(lookUp(segment(document), lexemeOf), layers)
      spent += seconds(start)
      for (const layer of layers) layer.length = 0
      for (const document of documents) tokens += document.tokens.length
    }
    return { seconds: spent, tokens }
  },
  async load({ file }) {
    const functions = { names: { kind: 'knowledge_base', files: file } }
    const before = process.memoryUsage.rss() / 2 ** 20
    const start = performance.now()
    const prepared = await prepare({
      config: schema.parse({ labels: ['LOC', 'ORG', 'PER'], functions }),
      where: () => file,
    })
    const { vocabulary, trie } = prepared.gazetteer
    const arrays = [
      vocabulary.starts,
      vocabulary.units,
      vocabulary.table,
      trie.edges,
      trie.first,
      trie.entries,
      trie.weights,
    ]
    const held = arrays.reduce((sum, { byteLength }) => sum + byteLength, 0) / 2 ** 20
    return { seconds: seconds(start), before, peak: peakMemory(), held }
  },
}

const whole = (value) => Math.round(value).toLocaleString('en')

function report(apply, lookups, load, { tokens, sentences, surfaces, threads }) {
  console.log(`${whole(tokens)} words in about ${whole(Number(sentences))} sentences; ${threads} threads`)
  printTable([
    ['', 'ours', 'target'],
    ['apply, words/s', whole(tokens / apply.seconds), '> 400,000'],
    ['  memory after 50 MB of output, and at the end, MiB', `${whole(apply.early)}, ${whole(apply.late)}`, 'flat'],
    ['  peak memory, MiB', whole(apply.peak), ''],
    ['look-ups alone, one thread, words/s', whole(lookups.tokens / lookups.seconds), '> 1,000,000'],
    [`loading ${whole(Number(surfaces))} names, s`, load.seconds.toFixed(1), '< 15'],
    ['  held, MiB', whole(load.held), ''],
    ['  peak memory, MiB', whole(load.peak), '< 1,500'],
  ])
}
