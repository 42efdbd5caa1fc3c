import type { Span } from '../../data/document.js'
import { marked } from '../../report/errors.js'
import { type Markup, markup } from '../../report/markup.js'
import { percent, thousands } from '../../report/numbers.js'
import { figures, page } from '../../report/page.js'
import type { Proportion, SourceLabel, VoteAnalysis } from './analyse.js'

/** What `ner weak analyse --report` writes: an HTML file. */
export function analysisReport(title: string, analysis: VoteAnalysis): string {
  const { documents, words, sources, rows } = analysis
  const mistaken = rows.filter(({ wrong }) => wrong.length > 0)
  return page(
    title,
    [figures({ documents: thousands(documents), words: thousands(words), sources: sources.length })],
    [
      { heading: 'Votes', body: [voteTable(rows)] },
      { heading: 'Agreement', body: [agreementTable(analysis)] },
      ...(mistaken.length > 0 ? [{ heading: 'Mistakes', body: mistaken.map(mistakes) }] : []),
    ],
  )
}

function voteTable(rows: readonly SourceLabel[]): Markup {
  const checked = rows.some(({ precision }) => precision)
  const headings = [
    ...['votes for', 'words', 'coverage', 'overlaps', 'conflicts', 'estimated'],
    ...(checked ? ['precision', '95 %', 'recall', '95 %'] : []),
  ]
  const body = rows.map(
    (
      row,
      i,
    ) => markup`<tr><th scope="row">${rows[i - 1]?.source === row.source ? '' : row.source}</th><td>${row.label}</td>
<td>${thousands(row.words)}</td><td>${percent(row.coverage)}</td><td>${percent(row.overlaps)}</td>
<td>${percent(row.conflicts)}</td><td>${percent(row.estimated)}</td>${checked ? [row.precision, row.recall].map(cells) : undefined}</tr>
`,
  )
  return markup`<div class="scroll"><table>
<caption>Coverage is of all words; overlaps and conflicts are the shares of a source’s words on which another one votes,
and votes for something else; estimated is the share that the label model believes. Precision and recall are of spans of
the checked set.</caption>
<thead><tr><td></td>${headings.map((name) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div>
`
}

function cells(share: Proportion | undefined): Markup {
  if (share === undefined || share.of === 0) return markup`<td></td><td></td>`
  const { low, high } = share.interval
  return markup`<td>${percent(share.right / share.of)}</td><td>${percent(low)}–${percent(high)}</td>`
}

function agreementTable({ sources, agreement }: VoteAnalysis): Markup {
  const rows = sources.map((name, i) => {
    const pairs = sources.map((_, j) => {
      const { both, same } = agreement[i]![j]!
      if (i === j || both === 0) return markup`<td class="zero"></td>`
      const share = same / both
      return markup`<td class="right" style="--share:${share.toFixed(3)}">${percent(share)}
<small title="words">${thousands(both)}</small></td>`
    })
    return markup`<tr><th scope="row">${name}</th>${pairs}</tr>\n`
  })
  return markup`<div class="scroll"><table class="matrix">
<caption>Of the words on which two sources vote, the share on which they agree on the type; small, how many words.</caption>
<thead><tr><td class="none"></td>${sources.map((name) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows}</tbody></table></div>
`
}

const mistakes = ({ source, label, wrong }: SourceLabel): Markup => markup`<h3>${source}: ${label}</h3>
<ol class="errors">
${wrong.map(
  ({ document, text, gold, vote }) => markup`<li><div class="where">${document}</div>
<p><span>gold</span><span>${marked(text, gold, none, 'missed')}</span></p>
<p><span>vote</span><span>${marked(text, [vote], new Set([vote]), 'wrong')}</span></p></li>
`,
)}</ol>
`

const none: ReadonlySet<Span> = new Set()
