// npm run bench -- predict [--model DIR] [--data F] [--sentences N] [--rounds N] [--threads N]
//
// Text in, entities out: the sentences of CoNLL-2003's test set, in batch and one at a time, beside transformers'
// pipeline(batch_size=32) on the same model folder. Tokens are the words of the data. Without --model, MiniLM with a head
// of random weights: as fast as a trained one, and as slow.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { readDocuments } from '../dist/data/read.js'
import { legalTransitions, schemeTags } from '../dist/data/schemes.js'
import { loadEncoder } from '../dist/models/folder.js'
import { saveModel } from '../dist/artifacts/model.js'
import { initialise } from '../dist/models/parameters.js'
import { taggerParameters } from '../dist/models/tagger.js'
import { loadPredictor } from '../dist/inference/predict.js'
import { median, peakMemory, printTable, quantile, startPeer, takeTurns } from './turns.js'

const shared = new URL('../../shared/', import.meta.url).pathname

export async function bench(flags) {
  const { values } = parseArgs({
    args: flags,
    options: {
      model: { type: 'string' },
      data: { type: 'string', default: join(shared, 'data/conll2003/eng.testb') },
      sentences: { type: 'string', default: '4000' },
      rounds: { type: 'string', default: '3' },
      threads: { type: 'string', default: '2' },
    },
  })
  const { texts, words } = await sentencesOf(values.data, Number(values.sentences))
  const scratch = mkdtempSync(join(tmpdir(), 'ner-bench-'))
  const model = values.model ?? (await freshModel(scratch))
  const ours = await loadPredictor(model, { threads: Number(values.threads) })
  const peer = await startPeer('pipeline.py', [model, '--threads', values.threads])
  try {
    await ours.predict(texts.slice(0, 100))
    const rounds = Number(values.rounds)
    const batch = await takeTurns(sides(ours, peer, texts, 32), rounds)
    // One sentence at a time takes longer, and a few hundred tell the percentiles.
    const single = await takeTurns(sides(ours, peer, everyNth(texts, Math.ceil(texts.length / 500)), 1), rounds)
    report(batch, single, words, texts.length)
  } finally {
    await peer?.end()
    await ours.close()
    rmSync(scratch, { recursive: true })
  }
}

async function sentencesOf(path, most) {
  const { documents } = await readDocuments(path)
  const sentences = documents
    .flatMap(({ text, tokens, sentences }) =>
      sentences.map(({ start, end }) => ({
        text: text.slice(tokens[start].start, tokens[end - 1].end),
        words: end - start,
      })),
    )
    .slice(0, most)
  return {
    texts: sentences.map(({ text }) => text),
    words: sentences.reduce((sum, { words }) => sum + words, 0),
  }
}

async function freshModel(folder) {
  const { config, encoder, tokenizer, weights } = await loadEncoder(join(shared, 'models/minilm-l6-uncased'))
  const tags = schemeTags(['LOC', 'MISC', 'ORG', 'PER'], 'IOB2')
  const tagger = { encoder, head: 'crf', tags, legal: legalTransitions(tags, 'IOB2'), dropout: 0 }
  saveModel(folder, {
    config,
    tagger,
    tokenizer,
    weights: new Map([...initialise(taggerParameters(tagger), 1), ...weights]),
    ner: { scheme: 'IOB2', window: 128, context: 'sentence', contextPieces: 0, lineage: {} },
  })
  return folder
}

/** Each side's way to measure itself; the answers are those of bench/peers/pipeline.py. */
function sides(ours, peer, texts, batchSize) {
  return {
    ours: () => (batchSize === 1 ? oneAtATime(ours, texts) : allAtOnce(ours, texts)),
    ...(peer && { peer: () => peer.ask(JSON.stringify({ texts, batch_size: batchSize })) }),
  }
}

async function allAtOnce(predictor, texts) {
  const start = performance.now()
  await predictor.predict(texts)
  return { seconds: (performance.now() - start) / 1000, latencies_ms: [], peak_rss_mb: peakMemory() }
}

async function oneAtATime(predictor, texts) {
  const latencies = []
  for (const text of texts) {
    const start = performance.now()
    await predictor.predict([text])
    latencies.push(performance.now() - start)
  }
  return { latencies_ms: latencies, peak_rss_mb: peakMemory() }
}

const everyNth = (items, n) => items.filter((_, i) => i % n === 0)

/** Medians over the rounds. A ratio above 1 says that ours is so many times as fast, or takes so much less. */
function report(batch, single, words, sentences) {
  const both = 'peer' in batch
  const latency = (share) => (side) => median(single[side].map((turn) => quantile(turn.latencies_ms, share)))
  const figures = [
    ['batch, tokens/s', (side) => words / median(batch[side].map(({ seconds }) => seconds)), (a, b) => a / b],
    ['one at a time, p50 ms', latency(0.5), (a, b) => b / a],
    ['one at a time, p95 ms', latency(0.95), (a, b) => b / a],
    ['peak memory, MiB', (side) => Math.max(...single[side].map((turn) => turn.peak_rss_mb)), (a, b) => b / a],
  ]
  console.log(`${sentences} sentences, ${words} words, medians of ${batch.ours.length} turns`)
  printTable([
    ['', 'ours', ...(both ? ['pipeline', 'ratio'] : [])],
    ...figures.map(([name, of, ratio]) => {
      const [a, b] = [of('ours'), both ? of('peer') : undefined]
      return [name, show(a), ...(both ? [show(b), `${ratio(a, b).toFixed(2)}×`] : [])]
    }),
  ])
}

const show = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2))
