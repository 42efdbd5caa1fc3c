import { alignSpans } from '../data/align.js'
import type { Document, Span } from '../data/document.js'
import { tagLabel, tagLabels, tagsFromSpans, type Scheme, type WordSpan } from '../data/schemes.js'
import { NerError } from '../errors.js'
import type { Allocate } from './allocate.js'
import type { Range } from './windows.js'

/** How the words of a corpus get their targets. */
export interface LabelOptions {
  /** The span layer to learn from. */
  readonly layer: string
  /** The model's tags in order, e.g. from `schemeTags`. */
  readonly tags: readonly string[]
  readonly scheme: Scheme
  /** What becomes of a span that is no run of words, or that shares a word with another: an error, or a list. */
  readonly onMisaligned: 'error' | 'skip'
}

/** A span that cannot be learnt from, and why. */
export interface MisalignedSpan {
  /** The document's index in the corpus, and its name. */
  readonly document: number
  readonly id: string
  readonly span: Span
  readonly text: string
  readonly reason: 'cuts a word' | 'overlaps another span' | 'holds no word'
}

/** A document's layer as runs of words, and the spans that are none. */
export function wordSpans(document: Document, index: number, layer: string) {
  const { words, misaligned, overlapping, empty } = alignSpans(document.layers[layer] ?? [], document.tokens ?? [])
  const describe = (spans: readonly Span[], reason: MisalignedSpan['reason']): MisalignedSpan[] =>
    spans.map((span) => ({
      document: index,
      id: document.id,
      span,
      text: document.text.slice(span.start, span.end),
      reason,
    }))
  return {
    spans: words,
    misaligned: [
      ...describe(misaligned, 'cuts a word'),
      ...describe(overlapping, 'overlaps another span'),
      ...describe(empty, 'holds no word'),
    ],
  }
}

/**
 * The spans of a file's documents that are no runs of their words: what no score can count.
 *
 * @throws NerError `data/misaligned-span`, unless they are to be skipped
 */
export function misalignedSpans(
  documents: readonly Document[],
  { layer, onMisaligned, path }: Pick<LabelOptions, 'layer' | 'onMisaligned'> & { readonly path: string },
): readonly MisalignedSpan[] {
  const misaligned = documents.flatMap((document, i) => wordSpans(document, i, layer).misaligned)
  if (misaligned.length > 0 && onMisaligned === 'error') throw misalignedError(misaligned, path)
  return misaligned
}

/** Spans listed in the message; the count says how many more there are. */
const listed = 5

export function misalignedError(spans: readonly MisalignedSpan[], path?: string): NerError {
  const lines = spans
    .slice(0, listed)
    .map(({ id, span, text, reason }) => `${id}, ${span.start}–${span.end} ${span.label} “${text}” ${reason}`)
  const more = spans.length > listed ? [`and ${spans.length - listed} more`] : []
  return new NerError(
    'data/misaligned-span',
    spans.length === 1
      ? 'A span cannot be learnt word by word.'
      : `${spans.length} spans cannot be learnt word by word.`,
    {
      where: `${path === undefined ? '' : `${path}: `}${[...lines, ...more].join('; ')}`,
      mend: 'Correct the spans. Or give `on-misaligned` skip, which leaves them out and lists them in a file.',
    },
  )
}

/** Turns a document's spans and soft tags into a sentence's targets. */
export interface Targets {
  /** Index of each word's tag in the tag list. `spans` are the document's, sorted, none crossing the sentence's ends. */
  tags(document: Document, spans: readonly WordSpan[], sentence: Range): Int32Array
  /** Distributions over the tag list, [words × tags]. */
  soft(document: Document, sentence: Range): Float32Array
}

/** @throws NerError from its functions: `data/unseen-label` for a label or soft tag outside the tag list. */
export function targets({ tags, scheme }: LabelOptions, allocate: Allocate): Targets {
  const index = new Map(tags.map((tag, i) => [tag, i]))
  const outside = tags.indexOf('O')
  const unseen = (label: string, document: Document) =>
    new NerError('data/unseen-label', `The label ${label} is not one the model knows.`, {
      where: `document ${document.id}`,
      mend: `Known are ${[...tagLabels(tags)].join(', ') || 'none'}. Correct the label, or add it to the training data.`,
    })
  return {
    tags(document, spans, { start, end }) {
      const indices = allocate(end - start).fill(outside)
      const inside = spansInside(spans, { start, end })
      if (inside.length === 0) return indices
      const rebased = inside.map((span) => ({ ...span, start: span.start - start, end: span.end - start }))
      for (const [i, tag] of tagsFromSpans(rebased, end - start, scheme).entries()) {
        const found = index.get(tag)
        if (found === undefined) throw unseen(tagLabel(tag) ?? tag, document)
        indices[i] = found
      }
      return indices
    },
    soft(document, { start, end }) {
      const { tags: names, rows } = document.soft!
      if (rows.length !== document.tokens?.length)
        throw new NerError('data/bad-row', 'Soft tags need one row a token.', {
          where: `document ${document.id}: ${rows.length} rows, ${document.tokens?.length ?? 0} tokens`,
          mend: 'Write one distribution for every token of the document.',
        })
      const columns = names.map((name) => {
        const column = index.get(name)
        if (column === undefined) throw unseen(name, document)
        return column
      })
      const distribution = new Float32Array((end - start) * tags.length)
      for (let word = start; word < end; word++)
        for (const [i, column] of columns.entries())
          distribution[(word - start) * tags.length + column] = rows[word]![i] ?? 0
      return distribution
    },
  }
}

/** The spans that lie in a run of words. O(log spans + found). */
function spansInside(spans: readonly WordSpan[], { start, end }: Range): WordSpan[] {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (spans[middle]!.start >= start) high = middle
    else low = middle + 1
  }
  const inside: WordSpan[] = []
  for (let i = low; i < spans.length && spans[i]!.start < end; i++) inside.push(spans[i]!)
  return inside
}
