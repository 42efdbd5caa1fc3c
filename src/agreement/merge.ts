import { type Document, goldLayer, type Span } from '../data/document.js'
import {
  agreedSpans,
  contextOf,
  type Disagreement,
  findDisagreements,
  keyOfSpan,
  majorityAnswer,
} from './disagreements.js'
import type { SharedCorpus, SharedDocument } from './match.js'
import { bySpan, overlap } from './pairing.js'
import { readDecisions } from './queue.js'

/** One layer made of several annotators'. */
export interface Merged {
  /** Every text: first those that several have labelled, then, as it is, what one alone has. */
  readonly documents: readonly Document[]
  /** How many disagreements a decision or a majority settled. */
  readonly settled: { readonly decision: number; readonly majority: number }
  /** Disagreements that nothing settled: there is no span there. */
  readonly ties: readonly Disagreement[]
}

/**
 * Merges annotators: the spans that all agree on, and for each disagreement the adjudicator's decision, else the answer of
 * more than half of those who labelled the text.
 *
 * @param decided the records of the queue as they came back from adjudication
 * @throws NerError `agreement/bad-decision`
 */
export function mergeAnnotations(corpus: SharedCorpus, decided: readonly Document[] = []): Merged {
  const disagreements = findDisagreements(corpus)
  const decisions = readDecisions(decided, corpus, disagreements)
  const settled = { decision: 0, majority: 0 }
  const ties: Disagreement[] = []
  const byDocument = corpus.documents.map((): Disagreement[] => [])
  for (const disagreement of disagreements) byDocument[disagreement.document]!.push(disagreement)

  const documents = corpus.documents.map((shared, d) => {
    const spans = new Map(agreedSpans(shared).map((span) => [keyOfSpan(span), span]))
    for (const disagreement of byDocument[d]!) {
      const decision = decisions.get(disagreement.id)
      const majority = majorityAnswer(disagreement)
      if (decision) {
        settled.decision++
        const { added, removed } = changesOf(decision, disagreement, shared, byDocument[d]!)
        for (const span of removed) spans.delete(keyOfSpan(span))
        for (const span of added) spans.set(keyOfSpan(span), span)
      } else if (majority) {
        settled.majority++
        for (const span of majority) spans.set(keyOfSpan(span), span)
      } else ties.push(disagreement)
    }
    return { ...shared.document, layers: { [goldLayer]: [...spans.values()].sort(bySpan) } }
  })
  return { documents: [...documents, ...corpus.alone.flat()], settled, ties }
}

/**
 * What a decision makes of the spans that all agree on. It is about the whole sentence that the adjudicator saw, save for
 * the sentence's other disagreements, which have decisions of their own. A span that all agree on is in the records of
 * these too: it is removed where one of them leaves it out, and never added again.
 */
function changesOf(
  decision: readonly Span[],
  disagreement: Disagreement,
  shared: SharedDocument,
  all: readonly Disagreement[],
): { readonly added: readonly Span[]; readonly removed: readonly Span[] } {
  const context = contextOf(shared, disagreement)
  const others = all.filter((other) => other !== disagreement)
  const decided = new Set(decision.map(keyOfSpan))
  const isOwn = (span: Span) => overlap(span, disagreement) || !others.some((other) => overlap(span, other))
  const agreed = agreedSpans(shared)
  const isAgreed = new Set(agreed.map(keyOfSpan))
  return {
    added: decision.filter((span) => isOwn(span) && !isAgreed.has(keyOfSpan(span))),
    removed: agreed.filter(
      (span) => context.start <= span.start && span.end <= context.end && !decided.has(keyOfSpan(span)),
    ),
  }
}
