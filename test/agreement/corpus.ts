import type { Annotator } from '../../src/agreement/annotators.js'
import type { SharedCorpus } from '../../src/agreement/match.js'
import { matchDocuments } from '../../src/agreement/match.js'
import type { Document, Span } from '../../src/data/document.js'
import { segment } from '../../src/data/segment.js'

/** `Ann went to Paris` with `0-3 PER` and `12-17 LOC`. */
export function spansOf(...written: string[]): Span[] {
  return written.map((text) => {
    const [, start, end, label] = /^(\d+)-(\d+) (.+)$/.exec(text)!
    return { start: Number(start), end: Number(end), label: label! }
  })
}

export const documentOf = (
  id: string,
  text: string,
  spans: readonly Span[],
  rest: Partial<Document> = {},
): Document => ({
  id,
  text,
  layers: { gold: spans },
  ...rest,
})

export const annotator = (name: string, ...documents: Document[]): Annotator => ({
  name,
  file: `${name}.jsonl`,
  documents,
})

export const corpusOf = (...annotators: Annotator[]): SharedCorpus => matchDocuments(annotators, segment)

/** Documents of one-letter words; a code for each rater, document and word: 0 is O, −1 not labelled, c the type c − 1. */
export function corpusOfCodes(
  labels: readonly (readonly (readonly number[])[])[],
  types: readonly string[],
): SharedCorpus {
  return corpusOf(
    ...labels.map((documents, rater) =>
      annotator(
        `rater ${rater + 1}`,
        ...documents.flatMap((codes, d) => {
          if (codes.includes(-1)) return []
          const spans = codes.flatMap((code, w) =>
            code === 0 ? [] : [{ start: 2 * w, end: 2 * w + 1, label: types[code - 1]! }],
          )
          return [documentOf(`d${d}`, codes.map(() => 'w').join(' '), spans)]
        }),
      ),
    ),
  )
}
