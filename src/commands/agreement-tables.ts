import type { CorpusAgreement } from '../agreement/agree.js'
import type { Table } from '../agreement/coefficients.js'
import { countKinds, type Disagreement } from '../agreement/disagreements.js'
import type { Estimate } from '../agreement/estimate.js'
import { unitNames } from '../agreement/labels.js'
import type { SharedCorpus } from '../agreement/match.js'
import { type Kappa, type PairAgreement, type Variant, variantNames, variantsOf } from '../agreement/pair.js'
import type { SpanAgreement } from '../agreement/spans.js'
import { kappa, percent, thousands } from '../report/numbers.js'
import { table } from './format.js'

const between = (show: (value: number) => string, { interval }: Estimate): string =>
  interval ? `${show(interval.low)}–${show(interval.high)}` : ''
const shown = (show: (value: number) => string, { value }: Estimate): string =>
  value === undefined ? 'undefined' : show(value)

/** What `ner agree` prints. */
export function agreementTables(agreement: CorpusAgreement, disagreements: readonly Disagreement[]): string {
  const { pairs, common, unit } = agreement
  const parts = [
    common && [commonTable(agreement), pairsTable(agreement)],
    pairs.length === 1 && pairTables(pairs[0]!, agreement),
    disagreementsTable(disagreements),
  ]
  const head = `${agreement.annotators.join(', ')}\ndocuments in common: ${thousands(agreement.documents)}`
  const size = pairs.length === 1 ? `, ${unitNames[unit]}: ${thousands(pairs[0]!.kappa.types.units)}` : ''
  return [`${head}${size}\n`, ...parts.flat().filter((part) => typeof part === 'string')].join('\n')
}

function pairTables(pair: PairAgreement, { unit, types, annotators }: CorpusAgreement): string[] {
  const kappas = [
    ['Cohen’s kappa', 'kappa', '95 %', 'observed', 'expected', unitNames[unit]],
    ...variantsOf(unit).map((variant) => kappaRow(variantNames[variant], pair.kappa[variant])),
    ...types.map((type) => kappaRow(`${type} or not`, pair.perType[type]!)),
  ]
  const [first, second] = pair.annotators.map((annotator) => annotators[annotator]!)
  const spans = [
    ['spans', 'F1 exact', '95 %', 'F1 partial', '95 %', first!, second!],
    ...types.map((type) => spanRow(type, pair.perType[type]!)),
    spanRow('all', pair.spans),
  ]
  return [table(kappas), table(spans), confusionRows(pair.confusion, types, `${first} ↓  ${second} →`)]
}

const kappaRow = (name: string, { kappa: estimate, observed, expected, units }: Kappa): string[] => [
  name,
  shown(kappa, estimate),
  between(kappa, estimate),
  units === 0 ? '' : percent(observed),
  units === 0 ? '' : percent(expected),
  thousands(units),
]

const spanRow = (name: string, { exact, partial, spans }: SpanAgreement): string[] => [
  name,
  shown(percent, exact),
  between(percent, exact),
  shown(percent, partial),
  between(percent, partial),
  ...spans.map(thousands),
]

function confusionRows({ size, counts }: Table, types: readonly string[], corner: string): string {
  const labels = ['O', ...types]
  const row = (label: string, i: number) => [label, ...Array.from(counts.subarray(i * size, (i + 1) * size), thousands)]
  return table([[corner, ...labels], ...labels.map(row)])
}

function commonTable({ common, unit }: CorpusAgreement): string {
  const row = (name: string, estimates: Readonly<Record<Variant, Estimate>>) =>
    variantsOf(unit).map((variant) => [
      `${name}, ${variantNames[variant]}`,
      shown(kappa, estimates[variant]),
      between(kappa, estimates[variant]),
    ])
  const { labelledByAll, fleiss, krippendorff } = common!
  return table([
    [`documents labelled by all: ${thousands(labelledByAll)}`, '', '95 %'],
    ...(labelledByAll > 0 ? row('Fleiss’ kappa', fleiss) : []),
    ...row('Krippendorff’s alpha', krippendorff),
  ])
}

function pairsTable({ pairs, annotators, unit }: CorpusAgreement): string {
  const variant = variantsOf(unit)[0]!
  return table([
    ['pairs', 'documents', `kappa, ${variantNames[variant]}`, '95 %', 'F1 exact', '95 %', 'F1 partial'],
    ...pairs.map((pair) => [
      pair.annotators.map((annotator) => annotators[annotator]!).join(' – '),
      thousands(pair.documents),
      shown(kappa, pair.kappa[variant].kappa),
      between(kappa, pair.kappa[variant].kappa),
      shown(percent, pair.spans.exact),
      between(percent, pair.spans.exact),
      shown(percent, pair.spans.partial),
    ]),
  ])
}

/** Most confusions shown; `--disagreements` lists all. */
const mostConfusions = 12

function disagreementsTable(disagreements: readonly Disagreement[]): string {
  if (disagreements.length === 0) return 'No disagreement.\n'
  const kinds = countKinds(disagreements)
  const rows = kinds.slice(0, mostConfusions)
  const more = kinds.length > rows.length ? `and ${kinds.length - rows.length} other confusions\n` : ''
  return (
    table([
      ['disagreements', '', thousands(disagreements.length)],
      ...rows.map(({ kind, confusion, count }) => [kind, confusion, thousands(count)]),
    ]) + more
  )
}

/** Documents that one annotator alone has, and what becomes of them, for standard error. */
export function aloneLines({ annotators, alone }: SharedCorpus, fate = 'not compared'): string[] {
  return alone.flatMap((documents, annotator) =>
    documents.length === 0
      ? []
      : [
          `Of ${annotators[annotator]} alone and ${fate}: ${thousands(documents.length)} documents, ` +
            `e.g. ${documents[0]!.id}.`,
        ],
  )
}

const jsonNames: Record<Variant, string> = {
  tags: 'tags',
  types: 'types',
  tagsWithoutO: 'tags_without_o',
  typesWithoutO: 'types_without_o',
}

/** What `ner agree --json` prints. Shares and kappas as fractions; null is undefined. */
export function agreementJson(
  corpus: SharedCorpus,
  { annotators, documents, unit, types, headline, pairs, common }: CorpusAgreement,
  disagreements: readonly Disagreement[],
) {
  const estimate = (name: string, { value, interval }: Estimate) => ({
    [name]: value ?? null,
    interval: interval ?? null,
  })
  const byVariant = <T>(of: (variant: Variant) => T) =>
    Object.fromEntries(variantsOf(unit).map((variant) => [jsonNames[variant], of(variant)]))
  const kappaOf = ({ units, observed, expected, kappa: of }: Kappa) => ({
    ...estimate('kappa', of),
    ...(units > 0 && { observed, expected }),
    units,
  })
  const spansOf = ({ exact, partial, spans }: SpanAgreement) => ({
    exact: estimate('f1', exact),
    partial: estimate('f1', partial),
    spans,
  })
  const labels = ['O', ...types]
  return {
    annotators,
    documents,
    alone: Object.fromEntries(corpus.alone.map((own, a) => [annotators[a]!, own.length])),
    unit,
    interval_level: 0.95,
    headline: {
      measure: headline.measure,
      labels: jsonNames[headline.variant],
      ...estimate('value', headline.estimate),
    },
    ...(common && {
      common: {
        labelled_by_all: common.labelledByAll,
        fleiss_kappa: byVariant((variant) => estimate('kappa', common.fleiss[variant])),
        krippendorff_alpha: byVariant((variant) => estimate('alpha', common.krippendorff[variant])),
      },
    }),
    pairs: pairs.map((pair) => ({
      annotators: pair.annotators.map((annotator) => annotators[annotator]),
      documents: pair.documents,
      cohen_kappa: byVariant((variant) => kappaOf(pair.kappa[variant])),
      spans: spansOf(pair.spans),
      per_type: Object.fromEntries(
        Object.entries(pair.perType).map(([type, of]) => [type, { ...kappaOf(of), ...spansOf(of) }]),
      ),
      confusion: {
        labels,
        counts: labels.map((_, row) => [
          ...pair.confusion.counts.subarray(row * labels.length, (row + 1) * labels.length),
        ]),
      },
      span_confusion: pair.spanConfusion,
    })),
    disagreements: { count: disagreements.length, by_confusion: countKinds(disagreements) },
  }
}
