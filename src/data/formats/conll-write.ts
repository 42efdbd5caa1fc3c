import { NerError } from '../../errors.js'
import { alignSpans, spansFromWords } from '../align.js'
import { documentStart } from './conll.js'
import { goldLayer, type Document, type Span, type Token } from '../document.js'
import { tagsFromSpans, type Scheme, type WordSpan } from '../schemes.js'

/**
 * Documents as CoNLL columns, token and tag with a tab between, a string a document. `-DOCSTART-` rows are written where
 * documents have sentences, unless `withStarts` says whether. Documents without the layer get one column.
 *
 * Throws `data/misaligned-span` where a span is no run of words of one sentence, and `data/bad-row` where a document has
 * no tokens or a token cannot stand in a column.
 */
export function* formatConll(
  documents: readonly Document[],
  {
    layer = goldLayer,
    scheme = 'IOB2',
    withStarts = documents.some((document) => document.sentences),
  }: { readonly layer?: string; readonly scheme?: Scheme; readonly withStarts?: boolean } = {},
): Generator<string> {
  for (const document of documents) {
    const tokens = document.tokens ?? []
    const words = tokens.map(({ start, end }) => document.text.slice(start, end))
    const problem = columnProblem(document, layer)
    if (problem !== undefined) throw problem
    const spans = document.layers[layer] && wordSpans(document, tokens, document.layers[layer])
    const sentences = document.sentences ?? [{ start: 0, end: tokens.length }]
    const rows = sentences.flatMap(({ start, end }) => {
      const tags =
        spans &&
        tagsFromSpans(
          spans
            .filter((span) => span.start < end && span.end > start)
            .map((span) => ({ ...span, start: span.start - start, end: span.end - start })),
          end - start,
          scheme,
        )
      return [...words.slice(start, end).map((word, i) => (tags ? `${word}\t${tags[i]}` : word)), '']
    })
    const head = withStarts ? [`${documentStart}${spans ? '\tO' : ''}`, ''] : []
    yield [...head, ...rows, ''].join('\n')
  }
}

/** What keeps a document with words from being written in columns, if anything; its spans aside. */
export function columnProblem({ id, text, tokens = [], layers }: Document, layer: string): NerError | undefined {
  const labels = layers[layer]?.map(({ label }) => label)
  const words = tokens.map(({ start, end }) => text.slice(start, end))
  const unwritable = words.find((word) => !fitsColumn(word, labels === undefined)) ?? labels?.find(breaksRow)
  if (unwritable === undefined && (words.length > 0 || text === '')) return undefined
  const what =
    unwritable === undefined
      ? 'The document has no tokens.'
      : `${JSON.stringify(unwritable)} cannot stand in a CoNLL column.`
  return new NerError('data/bad-row', what, { where: id, mend: 'Write JSONL instead.' })
}

/** Whether a word is read back as it is; where it is alone in its row, a space would divide it. */
const fitsColumn = (word: string, alone: boolean) =>
  word !== '' && word !== documentStart && !breaksRow(word) && !(alone && word.includes(' '))

/** Ends of lines and of columns, and halves of surrogate pairs, which UTF-8 cannot write. */
const breaksRow = (text: string) => /[\t\n\r\p{Surrogate}]/u.test(text)

function wordSpans(document: Document, tokens: readonly Token[], spans: readonly Span[]): readonly WordSpan[] {
  const { words, misaligned, overlapping, empty } = alignSpans(spans, tokens)
  const inOneSentence = (word: WordSpan) =>
    !document.sentences || document.sentences.some(({ start, end }) => start <= word.start && word.end <= end)
  const lost = misaligned[0] ?? overlapping[0] ?? empty[0]
  const crossing = words.filter((word) => !inOneSentence(word))
  const bad = lost ?? spansFromWords(crossing, tokens)[0]
  if (bad) {
    const { start, end, label } = bad
    throw new NerError('data/misaligned-span', 'A span is no run of words of its own in one sentence.', {
      where: `${document.id}, ${label} “${document.text.slice(start, end)}” at ${start}–${end}`,
      mend: 'Move the span to the words’ ends, or write JSONL instead.',
    })
  }
  return words
}
