import type { Intervals, Scores } from '../data/scoring.js'
import { scatterChart } from './charts.js'
import type { WrongSentence } from '../evaluation/emissions.js'
import { highlightedErrors } from './errors.js'
import { type Markup, markup } from './markup.js'
import { percent, short, thousands } from './numbers.js'
import { type Facts, figures, keyValues, page } from './page.js'

/** A model as it stands beside others. */
export interface ComparedModel {
  readonly name: string
  readonly parameters: number
  readonly bytes: number
  readonly latency: { readonly p50: number; readonly p95: number }
  readonly wordsPerSecond: number
  readonly scores: Scores
  readonly intervals: Intervals
}

export interface ComparisonData {
  readonly title: string
  readonly teacher: ComparedModel
  readonly student: ComparedModel
  /** All models, teacher and student among them. */
  readonly models: readonly ComparedModel[]
  /** Sentences that the student got wrong and the teacher right. */
  readonly lost: readonly WrongSentence[]
  readonly run: Facts
}

/** What `ner distill` leaves beside the student: an HTML file. */
export function comparisonReport({ title, teacher, student, models, lost, run }: ComparisonData): string {
  const headline: Facts = {
    'F1 lost': (100 * (teacher.scores.micro.f1 - student.scores.micro.f1)).toFixed(2),
    'times as fast': (teacher.latency.p50 / student.latency.p50).toFixed(2),
    'of its size': `${Math.round((100 * student.bytes) / teacher.bytes)} %`,
  }
  const points = models.map(({ name, latency, scores }) => ({ name, x: latency.p50, y: scores.micro.f1 }))
  return page(
    title,
    [figures(headline)],
    [
      { heading: 'Models', body: [modelTable(models)] },
      {
        heading: 'F1 against latency',
        body: [scatterChart({ title: 'F1, by the median time of a sentence', xName: 'ms', points, format: percent })],
      },
      { heading: 'F1 by type', body: [typeTable(models)] },
      {
        heading: 'Lost by the student',
        body: [
          markup`<p class="note">Sentences that ${student.name} got wrong and ${teacher.name} right.</p>`,
          highlightedErrors(lost),
        ],
      },
      { heading: 'Run', body: [keyValues(run)] },
    ],
  )
}

function modelTable(models: readonly ComparedModel[]): Markup {
  const rows = models.map(
    ({ name, parameters, bytes, scores, intervals, latency, wordsPerSecond }) => markup`<tr><th scope="row">${name}</th>
<td>${thousands(parameters)}</td><td>${(bytes / 2 ** 20).toFixed(1)}</td><td>${percent(scores.micro.f1)}</td>
<td>${percent(intervals.micro.low)}–${percent(intervals.micro.high)}</td><td>${short(latency.p50)}</td>
<td>${short(latency.p95)}</td><td>${thousands(wordsPerSecond)}</td></tr>
`,
  )
  return markup`<div class="scroll"><table>
<caption>Latency is of one sentence at a time, from text to entities; words a second are of many at a time.</caption>
<thead><tr><td></td><th scope="col">parameters</th><th scope="col">MiB</th><th scope="col">F1</th>
<th scope="col">95 %</th><th scope="col">p50 ms</th><th scope="col">p95 ms</th><th scope="col">words/s</th></tr></thead>
<tbody>
${rows}</tbody></table></div>
`
}

function typeTable(models: readonly ComparedModel[]): Markup {
  const types = [...new Set(models.flatMap(({ scores }) => Object.keys(scores.perType)))].sort()
  const cell = ({ scores, intervals }: ComparedModel, type: string) => {
    const interval = intervals.perType[type]
    return markup`<td>${percent(scores.perType[type]?.f1 ?? 0)}${
      interval && markup` <small>${percent(interval.low)}–${percent(interval.high)}</small>`
    }</td>`
  }
  const rows = types.map(
    (type) => markup`<tr><th scope="row">${type}</th>${models.map((model) => cell(model, type))}</tr>\n`,
  )
  return markup`<div class="scroll"><table>
<caption>Strict spans, with the interval that holds the F1 of 95 % of bootstrap resamples.</caption>
<thead><tr><td></td>${models.map(({ name }) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows}</tbody></table></div>
`
}
