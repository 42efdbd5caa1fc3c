import { writeFileAtomically } from '../../io/write.js'
import { percent, thousands } from '../../report/numbers.js'
import { analyseVotes, type Proportion, type VoteAnalysis } from '../../weak/analysis/analyse.js'
import { analysisReport } from '../../weak/analysis/analysis-report.js'
import { loadWeakConfig } from '../../weak/config.js'
import { readVotes } from '../../weak/fit.js'
import { defaultSettings } from '../../weak/models/settings.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { labelModelConfig, votes } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'

export const command = defineCommand({
  positionals: { votes },
  options: {
    dev: { type: 'string', describe: 'A small checked set with votes and labels: adds precision, recall and mistakes' },
    config: labelModelConfig,
    report: { type: 'string', describe: 'Write a report to this HTML file' },
    json: { type: 'boolean', describe: 'The analysis as JSON' },
  },
  examples: [
    ['ner weak analyse votes.jsonl --dev checked.jsonl', 'which functions are worth keeping'],
    ['ner weak analyse votes.jsonl --dev checked.jsonl --report votes.html', 'with the spans each got wrong'],
  ],
  async run(args) {
    const settings = args.config === undefined ? defaultSettings : loadWeakConfig(args.config).config.label_model
    const analysis = analyseVotes(await during('reading', readVotes(args.votes, { dev: args.dev })), settings)
    if (args.report !== undefined) {
      writeFileAtomically(args.report, analysisReport(`Votes of ${args.votes.join(', ')}`, analysis))
    }
    await write(args.json === true ? `${JSON.stringify(analysis, null, 2)}\n` : analysisTables(analysis))
    return exit.done
  },
})

function analysisTables({ documents, words, sources, rows, agreement }: VoteAnalysis): string {
  const checked = rows.some(({ precision }) => precision)
  const shares = [
    ['', 'words', 'coverage', 'overlaps', 'conflicts', 'estimated'],
    ...rows.map((row) => [
      `${row.source} ${row.label}`,
      thousands(row.words),
      ...[row.coverage, row.overlaps, row.conflicts, row.estimated].map(percent),
    ]),
  ]
  const spans = [
    ['checked spans', 'precision', '95 %', 'recall', '95 %'],
    ...rows.map((row) => [`${row.source} ${row.label}`, ...cells(row.precision), ...cells(row.recall)]),
  ]
  const pairs = [
    ['agreement', ...sources],
    ...sources.map((name, i) => [
      name,
      ...sources.map((_, j) => {
        const { both, same } = agreement[i]![j]!
        return i === j || both === 0 ? '' : percent(same / both)
      }),
    ]),
  ]
  const head = `${thousands(documents)} documents, ${thousands(words)} words\n`
  return [head, table(shares), ...(checked ? [table(spans)] : []), table(pairs)].join('\n')
}

function cells(share: Proportion | undefined): string[] {
  if (share === undefined || share.of === 0) return ['', '']
  const { low, high } = share.interval
  return [percent(share.right / share.of), `${percent(low)}–${percent(high)}`]
}
