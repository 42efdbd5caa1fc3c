import { toMetrics } from '../../data/scoring.js'
import { writeFileAtomically } from '../../io/write.js'
import { percent } from '../../report/numbers.js'
import { loadWeakConfig } from '../../weak/config.js'
import { fitWeakLabels, type CheckedScores, type WeakFit } from '../../weak/fit.js'
import { labelModelJson } from '../../weak/models/model-file.js'
import { defaultSettings } from '../../weak/models/settings.js'
import { defineCommand, exit } from '../command.js'
import { labelModelConfig, votes } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'
import { evaluationTable } from '../scores.js'
import { labelledLines, unusableLines, votesJson, votesLine } from './labels.js'
import { tell } from '../../terminal.js'

export const command = defineCommand({
  positionals: { votes },
  options: {
    dev: { type: 'string', describe: 'A small checked set with votes and labels: to learn from, and to be scored on' },
    model: {
      type: 'string',
      choices: ['majority', 'weighted', 'hmm'],
      describe: 'How votes are weighed; hmm unless the configuration says otherwise',
    },
    config: labelModelConfig,
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
    [
      'ner weak fit votes.jsonl --out weak.jsonl --save model.json',
      'then ner weak predict model.json other-votes.jsonl',
    ],
    ['ner weak fit votes.jsonl --model majority --out weak.jsonl', 'the plain vote, to compare with'],
  ],
  async run(args) {
    const configured = args.config === undefined ? defaultSettings : loadWeakConfig(args.config).config.label_model
    const settings = { ...configured, ...(args.model && { model: args.model }) }
    const fit = await during('fitting', fitWeakLabels(args.votes, settings, args.dev))
    writeFileAtomically(args.out, labelledLines(fit))
    if (args.save !== undefined) {
      const json = labelModelJson({ ...fit.corpus.evidence.votes, model: fit.model })
      writeFileAtomically(args.save, `${JSON.stringify(json, null, 1)}\n`)
    }
    await write(args.json === true ? `${JSON.stringify(summaryJson(fit), null, 2)}\n` : summary(fit, args.out))
    for (const line of unusableLines(fit)) tell(`${line}\n`)
    return exit.done
  },
})

function summary(fit: WeakFit, out: string): string {
  const rounds = fit.model.kind === 'hmm' ? `EM ended after ${fit.model.history.length} rounds\n` : ''
  const plain = fit.dev && `plain majority: F1 ${percent(fit.dev.majority.scores.micro.f1)}\n`
  const dev =
    fit.dev && `\ndev, by models that had not seen its labels\n${evaluationTable({ argmax: fit.dev.own })}${plain}`
  return `${votesLine(fit)}${rounds}${dev ?? ''}\nlabels  ${out}\n`
}

function summaryJson(fit: WeakFit) {
  const scored = ({ scores, intervals }: CheckedScores) => ({
    ...toMetrics(scores),
    f1_intervals: { level: 0.95, overall: intervals.micro, ...intervals.perType },
  })
  return {
    ...votesJson(fit),
    ...(fit.model.kind === 'hmm' && { rounds: fit.model.history.length, objective: fit.model.history.at(-1) }),
    ...(fit.dev && { dev: scored(fit.dev.own), dev_majority: scored(fit.dev.majority) }),
  }
}
