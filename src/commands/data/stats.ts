import { statsCounter, type CorpusStats, type Spread } from '../../data/stats.js'
import { streamDocuments } from '../../data/stream/documents.js'
import { findWords } from '../../text/words.js'
import { writeFileAtomically } from '../../io/write.js'
import { datasetReport } from '../../report/dataset.js'
import { percent, short, thousands } from '../../report/numbers.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { reading, readingOptions } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'

export const command = defineCommand({
  positionals: {
    files: { type: 'string', array: true, demandOption: true, describe: 'Labelled text of any format' },
  },
  options: {
    report: { type: 'string', describe: 'Write tables and charts to this HTML file' },
    ...reading,
    json: { type: 'boolean', describe: 'The counts as JSON' },
  },
  examples: [['ner data stats train.conll dev.conll test.conll', 'a column for each file']],
  async run(args) {
    const read = async (path: string, say: (line: string) => void) => {
      const counter = statsCounter(findWords)
      for await (const { documents, after } of streamDocuments(path, readingOptions(args))) {
        counter.add(documents)
        say(`reading ${path} · ${thousands(after.before.documents)} documents`)
      }
      return { path, stats: counter.stats() }
    }
    const files: Counted[] = []
    for (const path of args.files) files.push(await during(`reading ${path}`, (say) => read(path, say)))
    if (args.report !== undefined) writeFileAtomically(args.report, datasetReport(files))
    await write(args.json === true ? `${JSON.stringify(files.map(toJson), null, 2)}\n` : summary(files))
    return exit.done
  },
})

interface Counted {
  readonly path: string
  readonly stats: CorpusStats
}

const toJson = ({ path, stats }: Counted) => ({
  path,
  documents: stats.documents,
  sentences: stats.sentences,
  tokens: stats.tokens,
  spans: stats.spans,
  surfaces: stats.surfaces,
  labelled_tokens: stats.labelledTokens,
  without_spans: stats.withoutSpans,
  spans_per_100_tokens: stats.spansPer100Tokens,
  tokens_per_document: stats.tokensPerDocument,
  tokens_per_sentence: stats.tokensPerSentence,
  tokens_per_span: stats.tokensPerSpan,
  sentence_lengths: Object.fromEntries(stats.sentenceLengths),
  span_lengths: Object.fromEntries(stats.spanLengths),
  types: stats.types,
})

function summary(files: readonly Counted[]): string {
  const row = (name: string, of: (stats: CorpusStats) => string) => [name, ...files.map(({ stats }) => of(stats))]
  const spread = ({ mean, median, p95, max }: Spread) => `${short(mean)} / ${median} / ${p95} / ${max}`
  const types = [...new Set(files.flatMap(({ stats }) => Object.keys(stats.types)))]
  const typeCount = (type: string) => (stats: CorpusStats) => {
    const { spans, surfaces } = stats.types[type] ?? { spans: 0, surfaces: 0 }
    return `${thousands(spans)} (${thousands(surfaces)})`
  }
  return [
    table([
      ['', ...files.map(({ path }) => path)],
      row('documents', (stats) => thousands(stats.documents)),
      row('sentences', (stats) => thousands(stats.sentences)),
      row('tokens', (stats) => thousands(stats.tokens)),
      row('spans (distinct)', (stats) => `${thousands(stats.spans)} (${thousands(stats.surfaces)})`),
      ...types.map((type) => row(`  ${type}`, typeCount(type))),
      row('tokens inside a span', (stats) => `${percent(stats.labelledTokens)} %`),
      row('documents without a span', (stats) => `${percent(stats.withoutSpans)} %`),
      row('spans in 100 tokens', (stats) => short(stats.spansPer100Tokens)),
      row('tokens in a document *', (stats) => spread(stats.tokensPerDocument)),
      row('tokens in a sentence *', (stats) => spread(stats.tokensPerSentence)),
      row('tokens in a span *', (stats) => spread(stats.tokensPerSpan)),
    ]),
    '* mean / median / 95 % up to / at most\n',
    ...files.map(({ path, stats }) => commonest(path, stats)),
  ].join('')
}

function commonest(path: string, { types }: CorpusStats): string {
  const lines = Object.entries(types).map(
    ([type, stats]) =>
      `  ${type}: ${stats.commonest.map(([surface, count]) => `${surface} (${thousands(count)})`).join(', ')}\n`,
  )
  return lines.length === 0 ? '' : [`\ncommonest in ${path}\n`, ...lines].join('')
}
