import { formatJsonl } from '../data/jsonl.js'
import { toMetrics } from '../data/scoring.js'
import { writeFileAtomically } from '../files.js'
import { percent, thousands } from '../report/numbers.js'
import { loadWeakConfig } from '../weak/config.js'
import { fitWeakLabels, type CheckedScores, type WeakFit } from '../weak/fit.js'
import { weakLayer } from '../weak/label-model.js'
import { labelModelJson } from '../weak/model-file.js'
import { isClosedPattern } from '../weak/segments.js'
import { defaultSettings } from '../weak/settings.js'
import { defineCommand, exit } from './command.js'
import { write } from './output.js'
import { during } from './progress.js'
import { evaluationTable } from './scores.js'

/** Documents written at once. */
const documentsAtOnce = 1000

export const command = defineCommand({
  positionals: {
    votes: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Documents with the votes of labelling functions, as ner weak apply writes them',
    },
  },
  options: {
    dev: { type: 'string', describe: 'A small checked set with votes and labels: to learn from, and to be scored on' },
    model: {
      type: 'string',
      choices: ['majority', 'weighted', 'hmm'],
      describe: 'How votes are weighed; hmm unless the configuration says otherwise',
    },
    config: { type: 'string', describe: "A YAML file with a label_model section, e.g. ner weak apply's" },
    out: {
      type: 'string',
      demandOption: true,
      describe: 'Write spans and a distribution for every word to this JSONL file',
    },
    save: { type: 'string', describe: 'Write what the model learnt of its sources to this JSON file' },
    json: { type: 'boolean', describe: 'The summary as JSON' },
  },
  examples: [
    ['ner weak fit votes.jsonl --dev checked.jsonl --out weak.jsonl', 'then ner train with data.train=weak.jsonl'],
    ['ner weak fit votes.jsonl --model majority --out weak.jsonl', 'the plain vote, to compare with'],
  ],
  async run(args) {
    const configured = args.config === undefined ? defaultSettings : loadWeakConfig(args.config).config.label_model
    const settings = { ...configured, ...(args.model && { model: args.model }) }
    const fit = await during('fitting', fitWeakLabels(args.votes, settings, args.dev))
    writeFileAtomically(args.out, labelledLines(fit))
    if (args.save !== undefined) {
      const json = labelModelJson(fit.corpus.evidence.votes, fit.model)
      writeFileAtomically(args.save, `${JSON.stringify(json, null, 1)}\n`)
    }
    await write(args.json === true ? `${JSON.stringify(summaryJson(fit), null, 2)}\n` : summary(fit, args.out))
    for (const line of unusableLines(fit)) process.stderr.write(`${line}\n`)
    return exit.done
  },
})

function labelledLines({ corpus, label }: WeakFit): Uint8Array[] {
  const { documents, unchecked } = corpus
  return Array.from({ length: Math.ceil(unchecked / documentsAtOnce) }, (_, chunk) => {
    const first = chunk * documentsAtOnce
    const some = documents.slice(first, Math.min(unchecked, first + documentsAtOnce))
    const labelled = some.map((document, i) => label(document, first + i))
    return Buffer.from([...formatJsonl(labelled, { layer: weakLayer })].join(''))
  })
}

function coverage({ corpus }: WeakFit) {
  const { votes, open } = corpus.evidence
  const voted = votes.words.reduce((sum, pattern) => sum + Number(!isClosedPattern(open, pattern)), 0)
  return { words: votes.words.length, voted }
}

function summary(fit: WeakFit, out: string): string {
  const { words, voted } = coverage(fit)
  const { sources, labels } = fit.corpus.evidence.votes
  const head =
    `${thousands(fit.corpus.unchecked)} documents; ${sources.length} sources vote for ${labels.join(', ')} on ` +
    `${thousands(voted)} of ${thousands(words)} words (${percent(voted / words)} %)\n`
  const rounds = fit.model.kind === 'hmm' ? `EM ended after ${fit.model.history.length} rounds\n` : ''
  const plain = fit.dev && `plain majority: F1 ${percent(fit.dev.majority.scores.micro.f1)}\n`
  const dev =
    fit.dev && `\ndev, by models that had not seen its labels\n${evaluationTable({ argmax: fit.dev.own })}${plain}`
  return `${head}${rounds}${dev ?? ''}\nlabels  ${out}\n`
}

function summaryJson(fit: WeakFit) {
  const { sources, labels, unusable } = fit.corpus.evidence.votes
  const scored = ({ scores, intervals }: CheckedScores) => ({
    ...toMetrics(scores),
    f1_intervals: { level: 0.95, overall: intervals.micro, ...intervals.perType },
  })
  return {
    model: fit.model.kind,
    documents: fit.corpus.unchecked,
    ...coverage(fit),
    sources,
    labels,
    unusable_spans: Object.fromEntries(sources.map((name, source) => [name, unusable[source]!])),
    ...(fit.model.kind === 'hmm' && { rounds: fit.model.history.length, objective: fit.model.history.at(-1) }),
    ...(fit.dev && { dev: scored(fit.dev.own), dev_majority: scored(fit.dev.majority) }),
  }
}

/** Spans that are no votes on words. */
function unusableLines({ corpus }: WeakFit): string[] {
  const { sources, unusable } = corpus.evidence.votes
  return sources.flatMap((name, source) =>
    unusable[source]! > 0
      ? [`${thousands(unusable[source]!)} spans of ${name} cut a word or overlap a longer one, and were left out.`]
      : [],
  )
}
