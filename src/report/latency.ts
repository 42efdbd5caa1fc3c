import { type Markup, markup } from './markup.js'
import { short, thousands } from './numbers.js'
import { type Facts, keyValues, page } from './page.js'

interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** A model on requests of one kind, in milliseconds. */
interface TimedModel {
  readonly name: string
  readonly requests: number
  readonly p50: Estimate
  readonly p95: Estimate
  readonly p99: Estimate
  readonly wordsPerSecond: Estimate
  readonly stages: { readonly tokenizing: number; readonly engine: number; readonly decoding: number }
}

export interface LatencyData {
  readonly models: readonly { readonly name: string; readonly bytes: number }[]
  readonly data: { readonly file: string; readonly sha256: string }
  readonly rows: readonly {
    readonly batch: number
    readonly length?: number
    readonly models: readonly TimedModel[]
  }[]
  /** Sentences that say which model is faster. */
  readonly findings: readonly string[]
  readonly run: Facts
}

/** What `ner bench --report` writes: an HTML file. */
export function latencyReport({ models, data, rows, findings, run }: LatencyData): string {
  const names = models.map(({ name }) => name)
  return page(
    `Latency of ${names.join(', ')}`,
    findings.length === 0 ? [] : [markup`<ul>${findings.map((finding) => markup`<li>${finding}</li>\n`)}</ul>`],
    [
      ...rows.map(({ batch, length, models: timed }) => ({
        heading: `${batch} ${batch === 1 ? 'text' : 'texts'} at once${length === undefined ? '' : `, of ${length} words`}`,
        body: [timesTable(timed)],
      })),
      {
        heading: 'Run',
        body: [
          keyValues({
            ...Object.fromEntries(models.map(({ name, bytes }) => [name, `${(bytes / 2 ** 20).toFixed(1)} MiB`])),
            data: `${data.file} (SHA-256 ${data.sha256})`,
            ...run,
          }),
        ],
      },
    ],
  )
}

function timesTable(models: readonly TimedModel[]): Markup {
  const cell = ({ value, low, high }: Estimate, show = short) =>
    markup`<td>${show(value)}<br><small>${show(low)}–${show(high)}</small></td>`
  const rows = models.map(
    ({ name, requests, p50, p95, p99, wordsPerSecond, stages }) => markup`<tr><th scope="row">${name}</th>
<td>${thousands(requests)}</td>${[p50, p95, p99].map((it) => cell(it))}
${[stages.engine, stages.tokenizing, stages.decoding].map((it) => markup`<td>${short(it)}</td>`)}
${cell(wordsPerSecond, thousands)}</tr>
`,
  )
  return markup`<div class="scroll"><table>
<caption>Milliseconds of a request, from text in to entities out, with 95 % confidence intervals; the stages are
means.</caption>
<thead><tr><td></td><th scope="col">requests</th><th scope="col">p50</th><th scope="col">p95</th><th scope="col">p99</th>
<th scope="col">engine</th><th scope="col">tokenizing</th><th scope="col">decoding</th><th scope="col">words/s</th></tr></thead>
<tbody>
${rows}</tbody></table></div>
`
}
