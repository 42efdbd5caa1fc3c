import { curvesChart } from '../../report/charts.js'
import { markup } from '../../report/markup.js'
import { percent, thousands } from '../../report/numbers.js'
import { page } from '../../report/page.js'
import type { LearningCurves, Worth } from './curve.js'

/** In labelled sentences without weak labels. */
export const worthText = (worth: Worth): string =>
  'above' in worth
    ? `> ${thousands(worth.above)}`
    : 'below' in worth
      ? `≤ ${thousands(worth.below)}`
      : thousands(worth.sentences)

/** A self-contained HTML file: both curves, and their points as a table. */
export function curveReport({ split, gold, weak }: LearningCurves): string {
  const series = [
    { name: 'with weak labels', points: weak },
    { name: 'labelled sentences alone', points: gold },
  ].map(({ name, points }) => ({ name, points: points.map(({ sentences, f1 }) => ({ x: sentences, y: f1 })) }))
  const rows = [...gold.map((point) => ({ ...point, weakly: 'without', worth: '' })), ...weak.map(withWorth)]
    .sort((a, b) => a.sentences - b.sentences)
    .map(
      ({ sentences, weakly, f1, worth, folder }) => markup`<tr><th scope="row">${thousands(sentences)}</th>
<td>${weakly}</td><td>${percent(f1)}</td><td>${worth}</td><td>${folder}</td></tr>
`,
    )
  return page(
    'What weak labels are worth',
    [],
    [
      {
        heading: `F1 on ${split}, by labelled sentences`,
        body: [curvesChart({ title: `F1 on ${split}`, xName: 'labelled sentences', series, format: percent })],
      },
      {
        heading: 'Runs',
        body: [
          markup`<div class="scroll"><table>
<caption>Worth: how many labelled sentences alone come to the same F1, between the runs that were made.</caption>
<thead><tr><th scope="col">sentences</th><th scope="col">weak labels</th><th scope="col">F1</th>
<th scope="col">worth</th><th scope="col">run</th></tr></thead>
<tbody>
${rows}</tbody></table></div>
`,
        ],
      },
    ],
  )
}

const withWorth = (point: LearningCurves['weak'][number]) => ({
  ...point,
  weakly: 'with',
  worth: worthText(point.worth),
})
