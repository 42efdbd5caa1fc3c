import type { CorpusStats, Spread } from '../data/stats.js'
import { barsWithIntervals } from './charts.js'
import { histogram } from './histogram.js'
import { type Markup, markup } from './markup.js'
import { percent, short, thousands } from './numbers.js'
import { figures, keyValues, page, type Section } from './page.js'

export interface DatasetFile {
  readonly path: string
  readonly stats: CorpusStats
}

/** What `ner data stats --report` writes: an HTML file with a section for each data file. */
export function datasetReport(files: readonly DatasetFile[]): string {
  const sections = files.map(({ path, stats }): Section => ({ heading: path, body: fileBody(stats) }))
  return page('Labelled data', [], sections)
}

function fileBody(stats: CorpusStats): Markup[] {
  const types = Object.entries(stats.types)
  return [
    figures({
      documents: thousands(stats.documents),
      sentences: thousands(stats.sentences),
      tokens: thousands(stats.tokens),
      spans: thousands(stats.spans),
    }),
    barsWithIntervals(
      'Share of spans by type, %',
      types.map(([name, { spans }]) => ({ name, value: stats.spans === 0 ? 0 : spans / stats.spans })),
    ),
    markup`<div class="charts">
${histogram({ title: 'Sentences by length', xName: 'tokens', counts: stats.sentenceLengths })}
${histogram({ title: 'Spans by length', xName: 'tokens', counts: stats.spanLengths })}
</div>`,
    keyValues({
      'tokens inside a span': `${percent(stats.labelledTokens)} %`,
      'documents without a span': `${percent(stats.withoutSpans)} %`,
      'spans in 100 tokens': short(stats.spansPer100Tokens),
      'tokens in a document': spread(stats.tokensPerDocument),
      'tokens in a sentence': spread(stats.tokensPerSentence),
      'tokens in a span': spread(stats.tokensPerSpan),
    }),
    typeTable(types),
  ]
}

const spread = ({ mean, median, p95, max }: Spread) =>
  `mean ${short(mean)}, median ${short(median)}, 95 % up to ${short(p95)}, at most ${short(max)}`

function typeTable(types: readonly (readonly [string, CorpusStats['types'][string]])[]): Markup {
  const rows = types.map(([name, { spans, surfaces, commonest }]) => {
    const examples = commonest.map(([surface, count]) => `${surface} (${thousands(count)})`).join(', ')
    return markup`<tr><th scope="row">${name}</th><td>${thousands(spans)}</td><td>${thousands(surfaces)}</td>
<td>${examples}</td></tr>
`
  })
  return markup`<div class="scroll"><table>
<thead><tr><td></td><th scope="col">spans</th><th scope="col">distinct</th><th scope="col">commonest</th></tr></thead>
<tbody>
${rows}</tbody></table></div>
`
}
