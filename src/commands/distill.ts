import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { distill } from '../compress/distill/distill.js'
import { isTaughtBy } from '../compress/distill/finished.js'
import { dropsBetween } from '../compress/quantize/gates.js'
import { atMost } from '../evaluation/gate.js'
import { loadConfig } from '../config/load.js'
import { NerError } from '../errors.js'
import { writeFileAtomically } from '../io/write.js'
import { comparisonReport } from '../report/comparison.js'
import { percent, short, thousands } from '../report/numbers.js'
import { checkComparable, compareModels, onlyWrongIn, type ModelProfile } from '../evaluation/compare.js'
import { versions } from '../runtime/versions.js'
import { defineCommand, exit } from './command.js'
import { passing } from './gates.js'
import { followRun } from './follow.js'
import { table } from './format.js'
import { device, onMisaligned } from './options.js'
import { write } from './output.js'
import { during, located } from './progress.js'

export const command = defineCommand({
  positionals: {
    teachers: {
      type: 'string',
      array: true,
      demandOption: true,
      describe:
        'Model folders, or org/name[@revision] on the Hugging Face hub; of several, the student learns the mean',
    },
  },
  options: {
    config: { type: 'string', describe: 'A YAML file; configs/default.yaml explains every key' },
    set: { type: 'string', array: true, describe: 'A key of the configuration, e.g. training.epochs=30' },
    layers: { type: 'number', describe: "Layers of the student; half the teacher's by default" },
    hidden: { type: 'number', describe: "Width of the student; the teacher's by default" },
    train: { type: 'string', describe: 'Labelled text to train on' },
    dev: { type: 'string', describe: 'Labelled text that picks the best checkpoint' },
    test: { type: 'string', describe: 'Labelled text that teacher and student are compared on; else dev' },
    unlabeled: { type: 'string', array: true, describe: 'Text that the teachers label, a text on each line, or JSONL' },
    device,
    out: { type: 'string', describe: 'The folder for the student and its reports' },
    compare: { type: 'string', array: true, describe: 'More model folders for the chart of F1 against latency' },
    'max-f1-drop': {
      type: 'number',
      describe: "Exit 1 where the student loses more points of the first teacher's F1, e.g. 1.0",
    },
    'on-misaligned': onMisaligned,
    resume: { type: 'boolean', describe: 'Continue the run in the output folder, exactly, or its comparison' },
    json: { type: 'boolean', describe: 'The comparison as JSON' },
  },
  examples: [
    ['ner distill runs/teacher --layers 6 --train a.conll --dev b.conll', 'half of 12 layers'],
    [
      'ner distill runs/a runs/b --layers 3 --train a.conll --dev b.conll --unlabeled news.txt',
      'two teachers, more text',
    ],
    ['ner distill runs/teacher --train a.conll --dev b.conll --max-f1-drop 1.0', 'a gate for CI'],
  ],
  async run(args) {
    const config = loadConfig({
      file: args.config,
      set: args.set ?? [],
      overrides: {
        'distill.num_hidden_layers': args.layers,
        'distill.hidden_size': args.hidden,
        'data.train': args.train,
        'data.dev': args.dev,
        'data.test': args.test,
        'distill.unlabeled': args.unlabeled,
        'data.on_misaligned': args['on-misaligned'],
        output: args.out,
        device: args.device,
      },
    })
    const data = config.data.test ?? config.data.dev
    if (data === null) {
      throw new NerError('config/bad-value', 'There is nothing to compare teacher and student on.', {
        where: 'data.dev, data.test',
        mend: 'Name a file with --dev or --test.',
      })
    }
    const { format, layer, scheme } = config.data
    const reading = { format, layer, scheme, onMisaligned: config.data.on_misaligned, threads: config.threads }
    const others = args.compare ?? []
    await checkComparable(others, data, reading)
    const teachers: string[] = []
    for (const teacher of args.teachers) teachers.push(await located(teacher, 'teacher'))
    const resume = args.resume === true
    const comparisonFile = join(config.output, 'comparison.json')
    // Else it was interrupted while models were compared.
    if (!resume || existsSync(comparisonFile) || !isTaughtBy(config.output, teachers)) {
      const outcome = await followRun((signal) => distill(teachers, config, { resume, signal }))
      if (outcome.interrupted) return exit.interrupted
    }

    const models = await during('comparing', compareModels([...teachers, config.output, ...others], data, reading))
    const [teacher, student] = [models[0]!, models[args.teachers.length]!]
    const drops = dropsBetween(teacher.scores, student.scores)
    const report = join(config.output, 'comparison.html')
    const run = { data, threads: config.threads || 'all cores', ...versions() }
    const title = `${student.name}, distilled from ${teacher.name}`
    const lost = onlyWrongIn(student, teacher)
    writeFileAtomically(report, comparisonReport({ title, teacher, student, models, lost, run }))
    const compared = `${JSON.stringify({ data, f1_drop: drops.overall, models: models.map(toJson) }, null, 2)}\n`
    writeFileAtomically(comparisonFile, compared)

    await write(args.json === true ? compared : `${comparison(models)}\nmodel   ${config.output}\nreport  ${report}\n`)
    const most = args['max-f1-drop']
    const gates = most === undefined ? [] : [atMost('the F1 that the student lost, in points,', drops.overall, most)]
    return passing(gates, (points) => points.toFixed(2))
  },
})

function comparison(models: readonly ModelProfile[]): string {
  const types = [...new Set(models.flatMap(({ scores }) => Object.keys(scores.perType)))].sort()
  return table([
    ['', 'parameters', 'MiB', ...types, 'F1', '95 %', 'p50 ms', 'p95 ms', 'words/s'],
    ...models.map(({ name, parameters, bytes, scores, intervals, latency, wordsPerSecond }) => [
      name,
      thousands(parameters),
      (bytes / 2 ** 20).toFixed(1),
      ...types.map((type) => percent(scores.perType[type]?.f1 ?? 0)),
      percent(scores.micro.f1),
      `${percent(intervals.micro.low)}–${percent(intervals.micro.high)}`,
      short(latency.p50),
      short(latency.p95),
      thousands(wordsPerSecond),
    ]),
  ])
}

const toJson = ({ name, parameters, bytes, scores, intervals, latency, wordsPerSecond }: ModelProfile) => ({
  name,
  parameters,
  bytes,
  overall_f1: scores.micro.f1,
  f1_by_type: Object.fromEntries(Object.entries(scores.perType).map(([type, { f1 }]) => [type, f1])),
  f1_intervals: { level: 0.95, overall: intervals.micro, ...intervals.perType },
  latency_ms: latency,
  words_per_second: wordsPerSecond,
})
