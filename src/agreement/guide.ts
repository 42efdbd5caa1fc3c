import { type Document, goldLayer, type Span } from '../data/document.js'
import { type Answer, boundaryAnswers } from './boundaries.js'
import { contextOf, countKinds, type Disagreement, findDisagreements } from './disagreements.js'
import type { SharedCorpus } from './match.js'

/** What is shown of each thing: a guide is read by people. */
const most = { surfaces: 8, confusions: 12, examples: 3, clashes: 15 }

/**
 * A draft annotation guide in Markdown: each type with its commonest surfaces and a definition to fill in; questions of
 * boundaries with the labels' answers so far; surfaces with several types; and, where several have labelled the same
 * texts, their most frequent confusions as worked examples to decide.
 *
 * @param documents labelled ones; a text by two people is two documents
 */
export function draftGuide(documents: readonly Document[], shared?: SharedCorpus): string {
  const sections = [
    ['Types', typeSections(documents)],
    ['Boundaries', boundarySections(documents)],
    ['One surface, several types', clashes(documents)],
    ['Confusions', shared ? confusions(shared) : ['Give the labels of a second annotator to have these filled in.']],
  ] as const
  const parts = [
    '# Annotation guide (draft)',
    `Labelled documents it is drafted from: ${documents.length.toLocaleString('en-US')}. What is marked ✎ is for you to fill in.`,
    ...sections.flatMap(([heading, body]) => [`## ${heading}`, ...body]),
  ]
  return `${parts.join('\n\n')}\n`
}

const byCount = <T>(counts: ReadonlyMap<T, number>): [T, number][] => [...counts].sort(([, a], [, b]) => b - a)

/** Surfaces by type, with how often each is labelled so. */
function surfacesByType(documents: readonly Document[]): Map<string, Map<string, number>> {
  const types = new Map<string, Map<string, number>>()
  for (const { text, layers } of documents) {
    for (const { start, end, label } of layers[goldLayer] ?? []) {
      const surfaces = types.get(label) ?? new Map<string, number>()
      types.set(label, surfaces)
      const surface = oneLine(text.slice(start, end))
      surfaces.set(surface, (surfaces.get(surface) ?? 0) + 1)
    }
  }
  return new Map([...types].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function typeSections(documents: readonly Document[]): string[] {
  return [...surfacesByType(documents)].map(([type, surfaces]) => {
    const total = [...surfaces.values()].reduce((a, b) => a + b, 0)
    const shown = byCount(surfaces)
      .slice(0, most.surfaces)
      .map(([surface, count]) => `${code(surface)} (${count})`)
    return [
      `### ${escaped(type)}`,
      `✎ Definition: a span is ${escaped(type)} where …`,
      `✎ Not ${escaped(type)}: …`,
      `Spans: ${total.toLocaleString('en-US')}, surfaces: ${surfaces.size.toLocaleString('en-US')}. Commonest: ${shown.join(', ')}.`,
    ].join('\n\n')
  })
}

function boundarySections(documents: readonly Document[]): string[] {
  const told = (word: string, { count, example }: Answer) =>
    `- ${word}: ${count.toLocaleString('en-US')}${example === undefined ? '' : `, e.g. ${code(example)}`}`
  const sections = boundaryAnswers(documents).map(
    ({ question, inside, outside }) =>
      `### ${question}\n\n✎ Rule: …\n\n${told('so far yes', inside)}\n${told('so far no', outside)}`,
  )
  return sections.length > 0 ? sections : ['The labels raise none of the usual questions.']
}

/** Surfaces that are labelled with several types: by context, or by mistake. */
function clashes(documents: readonly Document[]): string[] {
  const types = new Map<string, Map<string, number>>()
  for (const [type, surfaces] of surfacesByType(documents)) {
    for (const [surface, count] of surfaces) {
      const of = types.get(surface) ?? new Map<string, number>()
      types.set(surface, of.set(type, count))
    }
  }
  // The more often the second type is met, the more a rule is needed.
  const second = (counts: ReadonlyMap<string, number>) => byCount(counts)[1]?.[1] ?? 0
  const found = [...types].filter(([, counts]) => counts.size > 1).sort(([, a], [, b]) => second(b) - second(a))
  if (found.length === 0) return ['None: every surface has one type.']
  const rows = found.slice(0, most.clashes).map(([surface, counts]) => {
    const labels = byCount(counts).map(([type, count]) => `${escaped(type)} ${count}`)
    return `| ${code(surface)} | ${labels.join(', ')} | ✎ |`
  })
  return [['| surface | labelled | rule |', '| --- | --- | --- |', ...rows].join('\n')]
}

function confusions(shared: SharedCorpus): string[] {
  const disagreements = findDisagreements(shared)
  if (disagreements.length === 0) return ['The annotators never disagree.']
  return countKinds(disagreements)
    .slice(0, most.confusions)
    .map(({ kind, confusion, count }) => {
      const own = disagreements.filter((one) => one.kind === kind && one.confusion === confusion)
      const examples = distinctSurfaces(shared, own).slice(0, most.examples)
      const times = `${count} ${count === 1 ? 'time' : 'times'}`
      return [
        `### ${escaped(confusion)} (${kind}, ${times})`,
        ...examples.map((one) => workedExample(shared, one)),
      ].join('\n\n')
    })
}

/** The first disagreement about each surface: examples should differ. */
function distinctSurfaces(shared: SharedCorpus, disagreements: readonly Disagreement[]): Disagreement[] {
  const seen = new Set<string>()
  return disagreements.filter(({ document, start, end }) => {
    const surface = shared.documents[document]!.document.text.slice(start, end)
    return !seen.has(surface) && seen.add(surface)
  })
}

function workedExample(shared: SharedCorpus, disagreement: Disagreement): string {
  const document = shared.documents[disagreement.document]!
  const { text } = document.document
  const { start, end } = contextOf(document, disagreement)
  const readings = disagreement.answers.flatMap((answer, annotator) =>
    answer
      ? [`> - ${escaped(shared.annotators[annotator]!)}: ${code(answer.map(spanIn(text)).join(' ') || 'no span')}`]
      : [],
  )
  return [`> ${escaped(oneLine(text.slice(start, end)))}`, '>', ...readings, '>', '> ✎ Right is: … because …'].join(
    '\n',
  )
}

const spanIn =
  (text: string) =>
  ({ start, end, label }: Span) =>
    `[${oneLine(text.slice(start, end))} ${label}]`
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()
/** Markdown's own characters as they are; a bar would end a table's cell. */
const escaped = (text: string) => text.replace(/[\\`*_{}[\]<>#|]/g, '\\$&')
const code = (text: string) => `\`${text.replace(/`/g, '’').replace(/\|/g, '¦')}\``
