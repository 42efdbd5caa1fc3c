import { stringify } from 'yaml'
import type { EvaluationData } from '../evaluation/emissions.js'
import { lineChart } from './charts.js'
import { highlightedErrors } from './errors.js'
import { type Markup, markup } from './markup.js'
import { percent, thousands } from './numbers.js'
import { type Facts, figures, keyValues, page, type Section } from './page.js'
import { confusionTable, type ScoreColumns, scoreBars, scoreTable } from './scores.js'

export interface TrainingStep {
  readonly step: number
  readonly loss: number
  readonly learningRate: number
}

export interface DevScore {
  readonly step: number
  /** From 0 to 1. */
  readonly f1: number
}

/** A round of self-training; round 0 is the training before. */
export interface Round {
  readonly round: number
  /** Share of the words that it learnt from. */
  readonly confident?: number | undefined
  /** The best on dev, from 0 to 1. */
  readonly f1: number
}

export interface TrainingData {
  readonly title: string
  readonly steps: readonly TrainingStep[]
  readonly devScores: readonly DevScore[]
  /** Of self-training; empty where there was none. */
  readonly rounds?: readonly Round[]
  /** The finished model, on test where there is one, else on dev; absent where there is neither. */
  readonly evaluation?: (EvaluationData & { readonly split: 'dev' | 'test' }) | undefined
  /** The run: device, time, versions. */
  readonly run: Facts
  /** Where the model comes from: base model, data files and their hashes, seed. */
  readonly lineage: Facts
  /** Every key of the configuration. */
  readonly config: object
}

/** What `ner train` leaves beside the model: an HTML file. */
export function trainingReport(data: TrainingData): string {
  const { title, steps, devScores, rounds = [], evaluation, run, lineage, config } = data
  const best = devScores.reduce<DevScore | undefined>((a, b) => (a && a.f1 >= b.f1 ? a : b), undefined)
  const headline: Facts = {
    ...(evaluation && { [`F1 on ${evaluation.split}`]: percent(micro(evaluation).f1) }),
    ...(best && { 'best F1 on dev': percent(best.f1) }),
    steps: thousands(steps.at(-1)?.step ?? 0),
  }
  const configuration = markup`<details><summary>Configuration</summary><pre>${stringify(config)}</pre></details>`
  return page(
    title,
    [figures(headline)],
    [
      { heading: 'Training', body: [curves(steps, devScores, best)] },
      ...(rounds.length > 0 ? [{ heading: 'Self-training', body: [roundTable(rounds)] }] : []),
      ...(evaluation ? evaluationSections(evaluation) : []),
      { heading: 'Run', body: [keyValues(run)] },
      { heading: 'Lineage', body: [keyValues(lineage), configuration] },
    ],
  )
}

function curves(steps: readonly TrainingStep[], devScores: readonly DevScore[], best: DevScore | undefined): Markup {
  const f1 = {
    points: devScores.map(({ step, f1 }) => ({ x: step, y: f1 })),
    dots: true,
    best: best?.step,
    format: (share: number) => String(Number((100 * share).toFixed(1))),
  }
  const loss = steps.map(({ step, loss }) => ({ x: step, y: loss }))
  const rate = steps.map(({ step, learningRate }) => ({ x: step, y: learningRate }))
  return markup`<div class="charts">
${lineChart({ title: 'Loss', xName: 'step', points: loss })}
${lineChart({ title: 'F1 on dev', xName: 'step', ...f1 })}
${lineChart({ title: 'Learning rate', xName: 'step', points: rate })}
</div>`
}

function roundTable(rounds: readonly Round[]): Markup {
  const best = rounds.reduce((a, b) => (b.f1 > a.f1 ? b : a))
  const rows = rounds.map(
    ({ round, confident, f1 }) => markup`<tr${{ html: round === best.round ? ' class="total"' : '' }}>
<th scope="row">${round}</th><td>${confident === undefined ? '' : percent(confident)}</td><td>${percent(f1)}</td></tr>\n`,
  )
  return markup`<div class="scroll"><table>
<caption>Round 0 is training on the labels; the others learn from the words that the best model before was sure of.
Round ${best.round} was kept.</caption>
<thead><tr><th scope="col">round</th><th scope="col">% of words</th><th scope="col">best F1 on dev</th></tr></thead>
<tbody>
${rows}</tbody></table></div>
`
}

/** What `ner eval --report` writes: an HTML file. */
export function evaluationReport(title: string, evaluation: EvaluationData, run: Facts): string {
  const { precision, recall, f1, support } = micro(evaluation)
  const headline = {
    F1: percent(f1),
    precision: percent(precision),
    recall: percent(recall),
    entities: thousands(support),
  }
  return page(
    title,
    [figures(headline)],
    [...evaluationSections(evaluation), { heading: 'Run', body: [keyValues(run)] }],
  )
}

const micro = ({ crf, argmax }: ScoreColumns) => (crf ?? argmax).scores.micro

function evaluationSections({ crf, argmax, confusion, wrong }: EvaluationData): Section[] {
  return [
    { heading: 'Scores', body: [scoreTable({ crf, argmax }), scoreBars(crf ?? argmax)] },
    { heading: 'Confusion', body: [confusionTable(confusion)] },
    { heading: 'Mistakes', body: [highlightedErrors(wrong)] },
  ]
}
