import { NerError } from '../../errors.js'
import { writeFileAtomically } from '../../io/write.js'
import { percent, thousands } from '../../report/numbers.js'
import { learningCurves, type LabelledRun, type LearningCurves } from '../../weak/analysis/curve.js'
import { curveReport, worthText } from '../../weak/analysis/curve-report.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { write } from '../output.js'

export const command = defineCommand({
  positionals: {},
  options: {
    gold: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'N=RUN, a run trained on N labelled sentences alone',
    },
    weak: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'N=RUN, a run trained on weak labels and N labelled sentences',
    },
    report: { type: 'string', describe: 'Write a report with the chart to this HTML file' },
    json: { type: 'boolean', describe: 'The curves as JSON' },
  },
  examples: [
    ['ner weak curve --gold 500=runs/a --gold 5000=runs/b --weak 500=runs/c', 'what the labels of c are worth'],
    ['ner weak curve … --report curve.html', 'recipes/weak.sh makes all of it'],
  ],
  async run(args) {
    const curves = learningCurves(runsOf('gold', args.gold), runsOf('weak', args.weak))
    if (args.report !== undefined) writeFileAtomically(args.report, curveReport(curves))
    await write(args.json === true ? `${JSON.stringify(curves, null, 2)}\n` : curveTable(curves))
    return exit.done
  },
})

function runsOf(flag: string, texts: readonly string[]): LabelledRun[] {
  return texts.map((text) => {
    const [, sentences, folder] = /^(\d+)=(.+)$/.exec(text) ?? []
    if (sentences !== undefined && folder !== undefined && (flag === 'weak' || Number(sentences) > 0)) {
      return { sentences: Number(sentences), folder }
    }
    throw new NerError('usage/bad-flag', `--${flag} takes sentences and a run, not ${text}.`, {
      mend: `For example: --${flag} 500=runs/${flag}-500`,
    })
  })
}

/** A row for each number of labelled sentences. */
function curveTable({ split, gold, weak }: LearningCurves): string {
  const sizes = [...new Set([...gold, ...weak].map(({ sentences }) => sentences))].sort((a, b) => a - b)
  const f1 = (point: { readonly f1: number } | undefined) => (point === undefined ? '' : percent(point.f1))
  return table([
    [`F1 on ${split}, by labelled sentences`, 'alone', 'with weak labels', 'as many alone'],
    ...sizes.map((size) => {
      const alone = gold.find(({ sentences }) => sentences === size)
      const both = weak.find(({ sentences }) => sentences === size)
      return [thousands(size), f1(alone), f1(both), both === undefined ? '' : worthText(both.worth)]
    }),
  ])
}
