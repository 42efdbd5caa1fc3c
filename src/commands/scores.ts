import type { Interval } from '../data/scoring.js'
import { percent } from '../report/numbers.js'
import type { ScoreColumns } from '../report/scores.js'
import { table } from './format.js'

/**
 * F1 of every type and of all together, as people read them: by the model's own decoding, with the interval that 95 %
 * of the resamples fall into, and beside it, where that is a CRF's, by plain argmax.
 */
export function evaluationTable({ crf, argmax }: ScoreColumns): string {
  const { scores, intervals } = crf ?? argmax
  const rows = [
    ...Object.entries(scores.perType).map(([type, score]) => ({
      name: type,
      score,
      support: score.number,
      interval: intervals.perType[type],
      plain: argmax.scores.perType[type],
    })),
    {
      name: 'all',
      score: scores.micro,
      support: scores.micro.support,
      interval: intervals.micro,
      plain: argmax.scores.micro,
    },
  ]
  const plainColumn = (text: string) => (crf === undefined ? [] : [text])
  return table([
    ['', 'entities', 'precision', 'recall', 'F1', '95 %', ...plainColumn('F1 by argmax')],
    ...rows.map(({ name, score, support, interval, plain }) => [
      name,
      String(support),
      ...[score.precision, score.recall, score.f1].map(percent),
      interval === undefined ? '' : between(interval),
      ...plainColumn(percent(plain?.f1 ?? 0)),
    ]),
  ])
}

const between = ({ low, high }: Interval): string => `${percent(low)}–${percent(high)}`
