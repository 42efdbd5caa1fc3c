import type { ConfusionMatrix } from '../data/confusion.js'
import type { Interval, Intervals, Rates, Scores } from '../data/scoring.js'
import { type Bar, barsWithIntervals } from './charts.js'
import { type Markup, markup } from './markup.js'
import { percent, thousands } from './numbers.js'

/** How one way of decoding did. */
export interface DecodingScores {
  readonly scores: Scores
  readonly intervals: Intervals
}

/** A model's own decoding, and, where that is a CRF's, plain argmax to compare it with. */
export interface ScoreColumns {
  readonly crf?: DecodingScores | undefined
  readonly argmax: DecodingScores
}

/** Scores by type and of all types together; with a CRF, the F1 of plain argmax beside its own. */
export function scoreTable({ crf, argmax }: ScoreColumns): Markup {
  const { scores, intervals } = crf ?? argmax
  const cells = (name: string, number: number | undefined, rates: Rates, interval?: Interval, plain?: Rates) => [
    markup`<th scope="row">${name}</th><td>${number === undefined ? '' : thousands(number)}</td>`,
    [rates.precision, rates.recall, rates.f1].map((rate) => markup`<td>${percent(rate)}</td>`),
    markup`<td>${interval && `${percent(interval.low)}–${percent(interval.high)}`}</td>`,
    crf && markup`<td>${percent(plain?.f1 ?? 0)}</td>`,
  ]
  const rows = Object.entries(scores.perType).map(
    ([type, score]) =>
      markup`<tr>${cells(type, score.number, score, intervals.perType[type], argmax.scores.perType[type])}</tr>\n`,
  )
  const { micro, macro } = scores
  return markup`<div class="scroll"><table>
<caption>A span is right where both its ends and its type are (${scores.mode}). The interval holds the F1 of 95 % of
bootstrap resamples.</caption>
<thead><tr><td></td><th scope="col">entities</th><th scope="col">precision</th><th scope="col">recall</th>
<th scope="col">F1</th><th scope="col">95 %</th>${crf && markup`<th scope="col">F1 by argmax</th>`}</tr></thead>
<tbody>
${rows}<tr class="total">${cells('all (micro)', micro.support, micro, intervals.micro, argmax.scores.micro)}</tr>
<tr>${cells('mean of types (macro)', undefined, macro, undefined, argmax.scores.macro)}</tr>
</tbody></table></div>
`
}

/** F1 by type, with the intervals that say which differences mean something. */
export function scoreBars({ scores, intervals }: DecodingScores): Markup {
  const types = Object.entries(scores.perType).map(([name, { f1 }]): Bar => ({
    name,
    value: f1,
    interval: intervals.perType[name],
  }))
  return barsWithIntervals('F1 by type', [...types, { name: 'all', value: scores.micro.f1, interval: intervals.micro }])
}

/** What the rows and columns of a confusion matrix are, for its readers. */
export interface ConfusionNames {
  readonly rows: string
  readonly columns: string
  /** Spans of the rows alone, and of the columns alone. */
  readonly missed: string
  readonly spurious: string
}

const modelErrors: ConfusionNames = {
  rows: 'gold types',
  columns: 'what the model said',
  missed: 'missed',
  spurious: 'spurious',
}

/** The rows' types down, the columns' across; shaded by share of the row, spans of the columns alone by theirs. */
export function confusionTable(
  { types, exact, boundary, missed, spurious }: ConfusionMatrix,
  names: ConfusionNames = modelErrors,
): Markup {
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  const rows = types.map((gold, row) => {
    const total = sum(exact[row]!) + sum(boundary[row]!) + missed[row]!
    const cells = types.map((_, column) => cell(row === column, exact[row]![column]!, boundary[row]![column]!, total))
    return markup`<tr><th scope="row">${gold}</th>${cells}${cell(false, missed[row]!, 0, total)}</tr>\n`
  })
  const unasked = spurious.map((count, column) => {
    const found = sum(types.map((_, row) => exact[row]![column]! + boundary[row]![column]!))
    return cell(false, count, 0, found + count)
  })
  const headings = [...types, names.missed].map((type) => markup`<th scope="col">${type}</th>`)
  return markup`<div class="scroll"><table class="matrix">
<caption>Rows are ${names.rows}, columns ${names.columns}. “+n” are spans that overlap but begin or
end elsewhere.</caption>
<thead><tr><td class="none"></td>${headings}</tr></thead>
<tbody>
${rows}<tr><th scope="row">${names.spurious}</th>${unasked}<td class="none"></td></tr>
</tbody></table></div>
`
}

function cell(isRight: boolean, exact: number, boundary: number, total: number): Markup {
  if (exact + boundary === 0) return markup`<td class="zero">0</td>`
  const share = ((isRight ? exact : exact + boundary) / total).toFixed(3)
  const overlapping = boundary > 0 ? markup`<small title="with other ends">+${thousands(boundary)}</small>` : undefined
  const kind = isRight ? 'right' : 'wrong'
  return markup`<td class="${kind}" style="--share:${share}">${thousands(exact)}${overlapping}</td>`
}
