// npm run bench -- weak-fit --votes F [--rounds N]
//
// Label models on the same votes, ours and skweak's (NER_BENCH_PYTHON with spacy and skweak): F1 against the gold layer,
// and how long fitting and labelling take from documents in memory. F is JSONL with words, gold spans as `spans` and each
// function's as `layers`, as `ner weak apply` writes it for CoNLL-2003's test set.
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { alignSpans } from '../dist/data/align.js'
import { readDocuments } from '../dist/data/read.js'
import { scoreSpans } from '../dist/data/scoring.js'
import { segment } from '../dist/data/segment.js'
import { fitLabelModel, labeller } from '../dist/weak/models/label-model.js'
import { evidenceOf } from '../dist/weak/votes/segments.js'
import { defaultSettings } from '../dist/weak/models/settings.js'
import { collectVotes } from '../dist/weak/votes/votes.js'
import { median, printTable, startPeer, takeTurns } from './turns.js'

export async function bench(flags) {
  const { values } = parseArgs({
    args: flags,
    options: { votes: { type: 'string' }, rounds: { type: 'string', default: '3' } },
  })
  if (values.votes === undefined) {
    console.error('npm run bench -- weak-fit --votes FILE; ner weak apply makes one.')
    process.exitCode = 2
    return
  }
  const documents = (await readDocuments(values.votes)).documents.map(segment)
  const words = documents.reduce((sum, { tokens }) => sum + tokens.length, 0)
  const gold = documents.map((document) => spansOf(document, 'gold'))
  const peer = await startPeer('weak_fit.py', [values.votes])
  const sides = {
    'ours, majority': () => label(documents, 'majority'),
    'ours, weighted': () => label(documents, 'weighted'),
    'ours, hmm': () => label(documents, 'hmm'),
    ...(peer && {
      'skweak, majority': () => peer.ask('majority').then(named),
      'skweak, hmm': () => peer.ask('hmm').then(named),
    }),
  }
  try {
    const turns = await takeTurns(sides, Number(values.rounds))
    console.log(`${documents.length} documents, ${words} words, medians of ${values.rounds} turns`)
    printTable([
      ['', 'precision', 'recall', 'F1', 'tokens/s'],
      ...Object.entries(turns).map(([name, runs]) => {
        const { precision, recall, f1 } = scoreSpans(gold, runs[0].spans).micro
        const speed = words / median(runs.map(({ seconds }) => seconds))
        return [
          name,
          ...[precision, recall, f1].map((share) => (100 * share).toFixed(2)),
          Math.round(speed).toLocaleString('en'),
        ]
      }),
    ])
  } finally {
    await peer?.end()
  }
}

const spansOf = ({ layers, tokens }, layer) => alignSpans(layers[layer] ?? [], tokens).words

function label(documents, model) {
  const start = performance.now()
  const evidence = evidenceOf(collectVotes(documents))
  const labelled = documents.map(labeller(evidence, fitLabelModel(evidence, { ...defaultSettings, model })))
  return { seconds: (performance.now() - start) / 1000, spans: labelled.map((document) => spansOf(document, 'weak')) }
}

const named = ({ seconds, spans }) => ({
  seconds,
  spans: spans.map((ofDocument) => ofDocument.map(([start, end, label]) => ({ start, end, label }))),
})
