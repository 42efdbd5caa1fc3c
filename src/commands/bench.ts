import { NerError } from '../errors.js'
import { writeFileAtomically } from '../io/write.js'
import { short, thousands } from '../report/numbers.js'
import { latencyReport } from '../report/latency.js'
import { bench, type Bench } from '../evaluation/bench.js'
import type { Estimate } from '../evaluation/latency-summary.js'
import { versions } from '../runtime/versions.js'
import { defineCommand, exit } from './command.js'
import { table } from './format.js'
import { threads } from './options.js'
import { write } from './output.js'
import { steps } from './progress.js'

export const command = defineCommand({
  positionals: {
    models: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Model folders, or graphs in them (FOLDER/onnx/NAME.onnx); others are compared with the first',
    },
  },
  options: {
    data: { type: 'string', describe: 'Text to take sentences from, CoNLL or JSONL; by default the sample' },
    batch: { type: 'string', default: '1,8,64', describe: 'Texts in a request, by commas' },
    length: { type: 'string', describe: 'Words of a text, by commas; by default sentences as they are' },
    rounds: { type: 'number', default: 5, describe: 'How often the models take turns' },
    json: { type: 'boolean', describe: 'The measurements as JSON' },
    report: { type: 'string', describe: 'Write a report to this HTML file' },
    threads,
  },
  examples: [
    ['ner bench runs/teacher runs/student runs/student-int8', 'side by side'],
    ['ner bench ship ship/onnx/model_fp16.onnx --batch 1 --length 16,64,128', 'files of one folder, by length'],
  ],
  async run(args) {
    const measured = await steps(
      bench(args.models, {
        data: args.data,
        batches: wholeNumbers('batch', args.batch),
        lengths: args.length === undefined ? [] : wholeNumbers('length', args.length),
        rounds: wholeNumbers('rounds', String(args.rounds))[0]!,
        threads: args.threads,
      }),
    )
    if (args.report !== undefined) {
      const run = { threads: args.threads || 'all cores', rounds: args.rounds, ...versions() }
      writeFileAtomically(args.report, latencyReport({ ...measured, findings: findings(measured), run }))
    }
    await write(args.json === true ? `${JSON.stringify(toJson(measured), null, 2)}\n` : summary(measured))
    return exit.done
  },
})

function wholeNumbers(flag: string, list: string): number[] {
  return list.split(',').map((text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= 1) return value
    throw new NerError('usage/bad-flag', `--${flag} takes whole numbers from 1, not '${text}'.`, {
      mend: `For example: --${flag} ${flag === 'rounds' ? '5' : '1,8,64'}`,
    })
  })
}

const toJson = ({ models, data, rows }: Bench) => ({
  models,
  data,
  rows: rows.map(({ models: timed, ...requests }) => ({
    ...requests,
    models: timed.map(({ name, requests: count, p50, p95, p99, wordsPerSecond, stages, comparison }) => ({
      name,
      requests: count,
      latency_ms: { p50, p95, p99 },
      words_per_second: wordsPerSecond,
      stages_ms: stages,
      comparison,
    })),
  })),
})

function summary(measured: Bench): string {
  const interval = ({ value, low, high }: Estimate, show = short) => `${show(value)} (${show(low)}–${show(high)})`
  const blocks = measured.rows.map(({ batch, length, models }) =>
    table([
      [heading(batch, length), 'p50 ms', 'p95 ms', 'p99 ms', 'engine', 'tokenizing', 'decoding', 'words/s'],
      ...models.map(({ name, p50, p95, p99, stages, wordsPerSecond }) => [
        name,
        ...[p50, p95, p99].map((it) => interval(it)),
        ...[stages.engine, stages.tokenizing, stages.decoding].map(short),
        interval(wordsPerSecond, thousands),
      ]),
    ]),
  )
  const said = findings(measured)
  return [...blocks, ...(said.length > 0 ? [said.map((line) => `${line}\n`).join('')] : [])].join('\n')
}

function heading(batch: number, length?: number): string {
  const texts = batch === 1 ? 'one text at a time' : `${batch} texts at once`
  return length === undefined ? texts : `${texts}, of ${length} words`
}

/** Each model against the first one, in a sentence. */
function findings({ models, rows }: Bench): string[] {
  const first = models[0]!.name
  return rows.flatMap(({ batch, length, models: timed }) =>
    timed.flatMap(({ name, comparison }) => {
      if (comparison === undefined) return []
      const { ratio, verdict } = comparison
      const times = (value: number) => value.toFixed(2)
      const took = `${times(ratio.value)}× the time (95 %: ${times(ratio.low)}–${times(ratio.high)})`
      const where = heading(batch, length)
      if (verdict === 'alike') return [`${name} is neither faster nor slower than ${first} with ${where}: ${took}.`]
      return [`${name} is ${verdict} than ${first} on this machine with ${where}: ${took}.`]
    }),
  )
}
