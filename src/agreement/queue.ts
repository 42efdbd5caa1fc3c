import { type Document, goldLayer, type Span, type Token } from '../data/document.js'
import type { Json } from '../data/json.js'
import { formatJsonl } from '../data/formats/jsonl.js'
import { NerError } from '../errors.js'
import { agreedSpans, contextOf, type Disagreement, majorityAnswer } from './disagreements.js'
import type { SharedCorpus } from './match.js'

/*
 * The adjudication queue: JSONL with a record for each disagreement, which annotation tools open and `ner data merge`
 * reads back. Its text is the sentence; `spans` are what all agree on there and, where they do not, what most say, or the
 * first annotator; `layers` has what each said; `meta` what the matter is. `answer` is null until somebody decides:
 * Prodigy, or a hand, makes it "accept".
 */

export function formatQueue(corpus: SharedCorpus, disagreements: readonly Disagreement[]): string {
  const byDocument = new Map<number, Disagreement[]>()
  for (const disagreement of disagreements) {
    const others = byDocument.get(disagreement.document)
    if (others) others.push(disagreement)
    else byDocument.set(disagreement.document, [disagreement])
  }
  const records = disagreements.map((one) => recordOf(corpus, one, byDocument.get(one.document)!))
  return [...formatJsonl(records)].join('')
}

function recordOf(corpus: SharedCorpus, disagreement: Disagreement, others: readonly Disagreement[]): Document {
  const shared = corpus.documents[disagreement.document]!
  const { document, spans } = shared
  const context = contextOf(shared, disagreement)
  const inContext = <T extends Token>(list: readonly T[]) =>
    list
      .filter((item) => context.start <= item.start && item.end <= context.end)
      .map((item) => ({ ...item, start: item.start - context.start, end: item.end - context.start }))
  const proposed = [...agreedSpans(shared), ...others.flatMap((other) => proposal(other))].sort(
    (a, b) => a.start - b.start,
  )
  const layers = spans.map((list, a) => [corpus.annotators[a]!, list && inContext(list)] as const)
  return {
    id: disagreement.id,
    text: document.text.slice(context.start, context.end),
    tokens: inContext(document.tokens),
    layers: {
      [goldLayer]: inContext(proposed),
      ...(Object.fromEntries(layers.filter(([, list]) => list !== undefined)) as Record<string, Span[]>),
    },
    fields: {
      answer: null,
      meta: {
        document: document.id,
        kind: disagreement.kind,
        confusion: disagreement.confusion,
        frequency: disagreement.frequency,
        at: document.text.slice(disagreement.start, disagreement.end),
      },
    },
  }
}

/** What most say, else the first who labelled the text. */
const proposal = (disagreement: Disagreement): readonly Span[] =>
  majorityAnswer(disagreement) ?? disagreement.answers.find((spans) => spans !== undefined)!

/**
 * The decisions in a queue that came back, by the disagreement's id: the sentence's spans, placed in their document.
 * Records whose answer is still null are no decisions.
 *
 * @throws NerError `agreement/bad-decision` where a record is of another queue, has an answer that is not known, or is
 *   decided twice
 */
export function readDecisions(
  records: readonly Document[],
  corpus: SharedCorpus,
  disagreements: readonly Disagreement[],
): ReadonlyMap<string, readonly Span[]> {
  const byId = new Map(disagreements.map((disagreement) => [disagreement.id, disagreement]))
  const decisions = new Map<string, readonly Span[]>()
  for (const record of records) {
    const disagreement = byId.get(record.id)
    if (!disagreement) throw foreign(record, 'is of no disagreement between these annotators')
    const shared = corpus.documents[disagreement.document]!
    const context = contextOf(shared, disagreement)
    if (record.text !== shared.document.text.slice(context.start, context.end)) {
      throw foreign(record, 'has another text than the disagreement of that id')
    }
    const answer = record.fields?.['answer']
    if (answer === null) continue
    if (answer !== 'accept') throw unknownAnswer(record, answer)
    if (decisions.has(record.id)) throw decidedTwice(record)
    const placed = (record.layers[goldLayer] ?? []).map(({ start, end, label }) => ({
      start: start + context.start,
      end: end + context.start,
      label,
    }))
    decisions.set(record.id, placed)
  }
  return decisions
}

const bad = ({ id, text }: Document, what: string, mend: string) =>
  new NerError('agreement/bad-decision', what, { where: `${id}: ${JSON.stringify(text.slice(0, 60))}`, mend })

const foreign = (record: Document, what: string) => {
  const mend = 'Write the queue again from the same files, in the same order, that are merged.'
  return bad(record, `A decision ${what}.`, mend)
}

function unknownAnswer(record: Document, answer: Json | undefined): NerError {
  const what = answer === undefined ? 'A record has no answer.' : `The answer ${JSON.stringify(answer)} is not known.`
  return bad(record, what, 'Write "answer": "accept" where the spans are right, and null where nobody has decided.')
}

const decidedTwice = (record: Document) =>
  bad(record, 'A disagreement is decided twice.', 'Leave one of the records of that id.')
