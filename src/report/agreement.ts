import type { CorpusAgreement } from '../agreement/agree.js'
import type { Table } from '../agreement/coefficients.js'
import { contextOf, countKinds, type Disagreement, keyOfSpan } from '../agreement/disagreements.js'
import type { Estimate } from '../agreement/estimate.js'
import { flat, unitNames } from '../agreement/labels.js'
import type { SharedCorpus } from '../agreement/match.js'
import { type Kappa, type PairAgreement, type Variant, variantNames, variantsOf } from '../agreement/pair.js'
import { overlap } from '../agreement/pairing.js'
import type { SpanAgreement } from '../agreement/spans.js'
import { barsWithIntervals } from './charts.js'
import { marked } from './errors.js'
import { type Markup, markup } from './markup.js'
import { kappa, percent, thousands } from './numbers.js'
import { figures, page, type Section } from './page.js'
import { confusionTable } from './scores.js'

/** Examples shown of each confusion; `ner agree --disagreements` writes all. */
const mostExamples = 12

/** What `ner agree --report` writes: an HTML file. */
export function agreementReport(
  corpus: SharedCorpus,
  agreement: CorpusAgreement,
  disagreements: readonly Disagreement[],
): string {
  const { annotators, headline, pairs, common } = agreement
  const { value, interval } = headline.estimate
  const figure = `${headline.measure}, ${variantNames[headline.variant]}`
  return page(
    `Agreement of ${annotators.join(', ')}`,
    [
      figures({
        [figure]: kappa(value),
        ...(interval && { 'its 95 % interval': `${kappa(interval.low)}–${kappa(interval.high)}` }),
        'documents in common': thousands(agreement.documents),
        disagreements: thousands(disagreements.length),
      }),
    ],
    [
      ...(common ? [{ heading: 'All annotators', body: [commonTable(agreement)] }] : []),
      ...pairs.map((pair) => pairSection(pair, agreement)),
      { heading: 'Disagreements', body: disagreementGroups(corpus, disagreements) },
    ],
  )
}

function commonTable({ common, unit }: CorpusAgreement): Markup {
  const { labelledByAll, fleiss, krippendorff } = common!
  const rows = (name: string, estimates: Readonly<Record<Variant, Estimate>>) =>
    variantsOf(unit).map(
      (variant) => markup`<tr><th scope="row">${name}, ${variantNames[variant]}</th>
${estimateCells(estimates[variant], kappa)}</tr>\n`,
    )
  return markup`<div class="scroll"><table>
<caption>Fleiss’ kappa is of the ${thousands(labelledByAll)} documents that everybody has labelled, Krippendorff’s alpha
(nominal) of all.</caption>
<thead><tr><td></td><th scope="col">value</th><th scope="col">95 %</th></tr></thead>
<tbody>
${labelledByAll > 0 ? rows('Fleiss’ kappa', fleiss) : undefined}${rows('Krippendorff’s alpha', krippendorff)}</tbody></table></div>
`
}

function pairSection(pair: PairAgreement, { annotators, types, unit }: CorpusAgreement): Section {
  const [first, second] = pair.annotators.map((annotator) => annotators[annotator]!) as [string, string]
  const bars = [
    ...types.map((type) => ({ name: type, of: pair.perType[type]!.exact })),
    { name: 'all', of: pair.spans.exact },
  ]
  const drawn = bars.flatMap(({ name, of: { value, interval } }) =>
    value === undefined ? [] : [{ name, value, interval }],
  )
  return {
    heading: `${first} and ${second}`,
    body: [
      kappaTable(pair, types, unit),
      markup`<h3>Spans</h3>${spanTable(pair, types, first, second)}`,
      barsWithIntervals('F1 of spans by type', drawn),
      markup`<h3>Confusion of ${unitNames[unit]}</h3>${unitConfusion(pair.confusion, types, first, second)}`,
      markup`<h3>Confusion of spans</h3>${confusionTable(pair.spanConfusion, {
        rows: `the types of ${first}`,
        columns: `what ${second} says`,
        missed: `${first} alone`,
        spurious: `${second} alone`,
      })}`,
    ],
  }
}

const estimateCells = ({ value, interval }: Estimate, show: (value: number) => string) =>
  markup`<td>${value === undefined ? 'undefined' : show(value)}</td><td>${
    interval && `${show(interval.low)}–${show(interval.high)}`
  }</td>`

function kappaTable(pair: PairAgreement, types: readonly string[], unit: CorpusAgreement['unit']): Markup {
  const row = (name: string, { kappa: estimate, observed, expected, units }: Kappa) =>
    markup`<tr><th scope="row">${name}</th>${estimateCells(estimate, kappa)}<td>${units === 0 ? '' : percent(observed)}</td>
<td>${units === 0 ? '' : percent(expected)}</td><td>${thousands(units)}</td></tr>\n`
  return markup`<div class="scroll"><table>
<caption>Cohen’s kappa of ${thousands(pair.documents)} documents. Expected is the agreement of two who label at random,
each with their own frequencies. The interval holds the kappa of 95 % of bootstrap resamples of documents.</caption>
<thead><tr><td></td><th scope="col">kappa</th><th scope="col">95 %</th><th scope="col">observed</th>
<th scope="col">expected</th><th scope="col">${unitNames[unit]}</th></tr></thead>
<tbody>
${variantsOf(unit).map((variant) => row(variantNames[variant], pair.kappa[variant]))}${types.map((type) =>
    row(`${type} or not`, pair.perType[type]!),
  )}</tbody></table></div>
`
}

function spanTable(pair: PairAgreement, types: readonly string[], first: string, second: string): Markup {
  const row = (name: string, { exact, partial, spans }: SpanAgreement) =>
    markup`<th scope="row">${name}</th>${estimateCells(exact, percent)}${estimateCells(partial, percent)}${spans.map(
      (count) => markup`<td>${thousands(count)}</td>`,
    )}`
  return markup`<div class="scroll"><table>
<caption>F1 of one’s spans against the other’s: exact where both ends and the type are equal, partial where the type is
and the spans overlap.</caption>
<thead><tr><td></td><th scope="col">exact</th><th scope="col">95 %</th><th scope="col">partial</th><th scope="col">95 %</th>
<th scope="col">${first}</th><th scope="col">${second}</th></tr></thead>
<tbody>
${types.map((type) => markup`<tr>${row(type, pair.perType[type]!)}</tr>\n`)}<tr class="total">${row('all', pair.spans)}</tr>
</tbody></table></div>
`
}

function unitConfusion({ size, counts }: Table, types: readonly string[], first: string, second: string): Markup {
  const labels = ['O', ...types]
  const row = (label: string, i: number) => {
    const own = counts.subarray(i * size, (i + 1) * size)
    const total = own.reduce((sum, count) => sum + count, 0)
    const cells = Array.from(own, (count, j) =>
      count === 0
        ? markup`<td class="zero">0</td>`
        : markup`<td class="${i === j ? 'right' : 'wrong'}" style="--share:${(count / total).toFixed(3)}">${thousands(count)}</td>`,
    )
    return markup`<tr><th scope="row">${label}</th>${cells}</tr>\n`
  }
  return markup`<div class="scroll"><table class="matrix">
<caption>Rows are the labels of ${first}, columns those of ${second}; shaded by share of the row.</caption>
<thead><tr><td class="none"></td>${labels.map((label) => markup`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>
${labels.map(row)}</tbody></table></div>
`
}

function disagreementGroups(corpus: SharedCorpus, disagreements: readonly Disagreement[]): Markup[] {
  if (disagreements.length === 0) return [markup`<p>None.</p>`]
  return countKinds(disagreements).map(({ kind, confusion, count }, i) => {
    const own = disagreements.filter((one) => one.kind === kind && one.confusion === confusion)
    const shown = own.slice(0, mostExamples)
    const more = own.length > shown.length ? markup`<p class="note">${own.length - shown.length} more.</p>` : undefined
    const items = shown.map((one) => example(corpus, one))
    return markup`<details${i < 3 ? { html: ' open' } : undefined}><summary>${kind}: ${confusion}, ${thousands(count)}</summary>
<ol class="errors named">
${items}</ol>${more}</details>
`
  })
}

/** A disagreement in its sentence, a line for each annotator, with what is disputed standing out. */
function example(corpus: SharedCorpus, disagreement: Disagreement): Markup {
  const shared = corpus.documents[disagreement.document]!
  const context = contextOf(shared, disagreement)
  const text = shared.document.text.slice(context.start, context.end)
  const lines = disagreement.answers.map((answer, annotator) => {
    if (answer === undefined) return undefined
    const disputed = flat(answer)
    const others = flat(
      shared.spans[annotator]!.filter(
        (span) => overlap(span, context) && disputed.every((other) => !overlap(span, other)),
      ),
    )
    const keys = new Set(disputed.map(keyOfSpan))
    const shifted = [...disputed, ...others].map((span) => ({
      span: { ...span, start: span.start - context.start, end: span.end - context.start },
      isDisputed: keys.has(keyOfSpan(span)),
    }))
    const bad = new Set(shifted.filter(({ isDisputed }) => isDisputed).map(({ span }) => span))
    const spans = shifted.map(({ span }) => span)
    return markup`<p><span>${corpus.annotators[annotator]}</span><span>${marked(text, spans, bad, 'wrong')}</span></p>\n`
  })
  return markup`<li><div class="where">${shared.document.id}</div>
${lines}</li>
`
}
