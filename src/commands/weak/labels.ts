import { formatJsonl } from '../../data/formats/jsonl.js'
import { percent, thousands } from '../../report/numbers.js'
import type { WeakLabels } from '../../weak/fit.js'
import { weakLayer } from '../../weak/models/label-model.js'
import { isClosedPattern } from '../../weak/votes/segments.js'

/*
 * What `ner weak fit` and `ner weak predict` write alike.
 */

/** Documents written at once. */
const documentsAtOnce = 1000

/** The labelled documents as JSONL, without the checked ones. */
export function labelledLines({ corpus, label }: WeakLabels): Uint8Array[] {
  const { documents, unchecked } = corpus
  return Array.from({ length: Math.ceil(unchecked / documentsAtOnce) }, (_, chunk) => {
    const first = chunk * documentsAtOnce
    const some = documents.slice(first, Math.min(unchecked, first + documentsAtOnce))
    const labelled = some.map((document, i) => label(document, first + i))
    return Buffer.from([...formatJsonl(labelled, { layer: weakLayer })].join(''))
  })
}

function coverage({ corpus }: WeakLabels) {
  const { votes, open } = corpus.evidence
  const voted = votes.words.reduce((sum, pattern) => sum + Number(!isClosedPattern(open, pattern)), 0)
  return { words: votes.words.length, voted }
}

/** A sentence about the votes. */
export function votesLine(weak: WeakLabels): string {
  const { words, voted } = coverage(weak)
  const { sources, labels } = weak.corpus.evidence.votes
  return (
    `${thousands(weak.corpus.unchecked)} documents; ${sources.length} sources vote for ${labels.join(', ')} on ` +
    `${thousands(voted)} of ${thousands(words)} words (${percent(voted / words)} %)\n`
  )
}

/** The same for programs. */
export function votesJson(weak: WeakLabels) {
  const { sources, labels, unusable } = weak.corpus.evidence.votes
  return {
    model: weak.model.kind,
    documents: weak.corpus.unchecked,
    ...coverage(weak),
    sources,
    labels,
    unusable_spans: Object.fromEntries(sources.map((name, source) => [name, unusable[source]!])),
  }
}

/** Spans that are no votes on words. */
export function unusableLines({ corpus }: WeakLabels): string[] {
  const { sources, unusable } = corpus.evidence.votes
  return sources.flatMap((name, source) =>
    unusable[source]! > 0
      ? [`${thousands(unusable[source]!)} spans of ${name} cut a word or overlap a longer one, and were left out.`]
      : [],
  )
}
