import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Document, Span } from '../../src/data/document.js'
import { schemeTags, spansFromTags } from '../../src/data/schemes.js'
import type { Example } from '../../src/features/batch.js'
import { buildExamples, type ExampleOptions } from '../../src/features/examples.js'
import { loadTokenizer } from '../../src/features/tokenizer.js'

const tokenizer = await loadTokenizer(new URL('../golden/tokenizers/wordpiece', import.meta.url).pathname)
const tags = schemeTags(['LOC', 'PER'], 'IOB2')
const train = {
  window: 16,
  context: 'sentence',
  layer: 'gold',
  tags,
  scheme: 'IOB2',
  onMisaligned: 'error',
  task: 'train',
} as const satisfies ExampleOptions

/** A document of words, one space apart; spans and sentences are given in words. */
function documentOf(
  words: readonly string[],
  sentenceLengths: readonly number[],
  spans: readonly { start: number; end: number; label: string }[] = [],
  id = 'd',
): Document {
  let end = -1
  const tokens = words.map((word) => {
    const start = end + 1
    end = start + word.length
    return { start, end }
  })
  let start = 0
  const sentences = sentenceLengths.map((length) => ({ start, end: (start += length) }))
  const gold = spans.map((span) => ({
    start: tokens[span.start]!.start,
    end: tokens[span.end - 1]!.end,
    label: span.label,
  }))
  return { id, text: words.join(' '), tokens, sentences, layers: { gold } }
}

const randomWord = fc.oneof(
  fc.constantFrom('Lisbon', 'the', 'Trondheim', 'a', ',', 'moved', '\u0007'),
  fc.string({ unit: fc.constantFrom('a', 'd', 'e', 'o', 'z', '-'), minLength: 1, maxLength: 40 }),
)

const randomDocument = fc
  .record({
    sentences: fc.array(fc.array(randomWord, { minLength: 1, maxLength: 60 }), { maxLength: 8 }),
    cuts: fc.array(
      fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 9 }), label: fc.constantFrom('PER', 'LOC') }),
      {
        maxLength: 12,
      },
    ),
  })
  .map(({ sentences, cuts }) => {
    const words = sentences.flat()
    const taken = new Set<number>()
    const spans = cuts.flatMap(({ at, length, label }) => {
      const start = words.length > 0 ? at % words.length : 0
      const end = start + length
      const run = Array.from({ length }, (_, i) => start + i)
      if (end > words.length || run.some((word) => taken.has(word))) return []
      for (const word of run) taken.add(word)
      return [{ start, end, label }]
    })
    return documentOf(
      words,
      sentences.map((sentence) => sentence.length),
      spans,
    )
  })

const randomOptions = fc.record({
  window: fc.integer({ min: 3, max: 60 }),
  context: fc.constantFrom('sentence' as const, 'document' as const),
  contextPieces: fc.integer({ min: 0, max: 20 }),
})

const firstWords = (examples: readonly Example[]) =>
  examples
    .flatMap(({ sentences }) => sentences)
    .toSorted((a, b) => a.document - b.document || a.firstWord - b.firstWord)

/** Every word of every document once, in order, at its own first piece. */
async function checkPlaces(documents: readonly Document[], examples: readonly Example[]) {
  const seen: string[] = []
  const read: number[] = []
  for (const { windows, sentences } of examples)
    for (const { document, firstWord, window, piece } of sentences)
      for (let i = 0; i < piece.length; i++) {
        const { tokens, text } = documents[document]!
        const { start, end } = tokens![firstWord + i]!
        seen.push(`${document}:${firstWord + i} ${text.slice(start, end)}`)
        read.push(windows[window[i]!]![piece[i]!]!)
      }
  const all = documents.flatMap(({ text, tokens }, d) =>
    tokens!.map(({ start, end }, i) => `${d}:${i} ${text.slice(start, end)}`),
  )
  expect(seen.toSorted()).toEqual(all.toSorted())
  const pieces = await tokenizer.encodeWords(seen.map((word) => word.slice(word.indexOf(' ') + 1)))
  expect(read).toEqual(pieces.map((word) => word[0]))
}

describe('buildExamples', () => {
  it('gives every word one place, at its first piece, in windows that are never too long', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomDocument, { maxLength: 3 }), randomOptions, async (documents, options) => {
        for (const task of ['train', 'predict'] as const) {
          const { examples } = await buildExamples(documents, tokenizer, { ...train, ...options, task })
          await checkPlaces(documents, examples)
          for (const window of examples.flatMap(({ windows }) => windows)) {
            expect(window.length).toBeLessThanOrEqual(options.window)
            expect(window[0]).toBe(tokenizer.cls)
            expect(window.at(-1)).toBe(tokenizer.sep)
          }
        }
      }),
      { numRuns: 80 },
    )
  })

  it('keeps every gold span whole', async () => {
    await fc.assert(
      fc.asyncProperty(randomDocument, randomOptions, async (document, options) => {
        const { examples } = await buildExamples([document], tokenizer, { ...train, ...options })
        const found = firstWords(examples).flatMap(({ firstWord, tags: indices }) =>
          spansFromTags(
            Array.from(indices!, (index) => tags[index]!),
            'IOB2',
          ).map(({ start, end, label }) => ({
            start: document.tokens![firstWord + start]!.start,
            end: document.tokens![firstWord + end - 1]!.end,
            label,
          })),
        )
        const byStart = (a: Span, b: Span) => a.start - b.start
        expect(found).toEqual(document.layers['gold']!.toSorted(byStart))
      }),
      { numRuns: 80 },
    )
  })

  it('reads a word of a long sentence where it has a sixth of the window on both sides, or the end', async () => {
    const document = documentOf(new Array<string>(500).fill('the'), [500])
    const { examples } = await buildExamples([document], tokenizer, {
      window: 62,
      context: 'sentence',
      task: 'predict',
    })
    const [{ windows, sentences }] = examples as [Example]
    expect(windows.length).toBeGreaterThan(8)
    const [{ window, piece }] = sentences as [Example['sentences'][number]]
    for (let word = 0; word < 500; word++) {
      const before = piece[word]! - 1
      const after = 60 - piece[word]!
      if (window[word]! > 0) expect(before).toBeGreaterThanOrEqual(9)
      if (window[word]! < windows.length - 1) expect(after).toBeGreaterThanOrEqual(9)
    }
  })

  it('cuts a very long sentence to train on outside its spans, and leaves it whole to predict', async () => {
    const spans = Array.from({ length: 40 }, (_, i) => ({ start: i * 20 + 1, end: i * 20 + 20, label: 'PER' }))
    const document = documentOf(new Array<string>(800).fill('the'), [800], spans)
    const cut = await buildExamples([document], tokenizer, train)
    expect(Math.max(...cut.examples.map(({ windows }) => windows.length))).toBeLessThanOrEqual(8)
    expect(cut.examples.length).toBeGreaterThan(5)
    const whole = await buildExamples([document], tokenizer, { ...train, task: 'predict' })
    expect(whole.examples).toHaveLength(1)
    expect(whole.examples[0]!.sentences[0]!.tags).toBeUndefined()
  })

  it('packs the sentences of a document, and of no other, into shared windows', async () => {
    const sentence = ['the', 'a', ',']
    const document = (id: string) => documentOf([...sentence, ...sentence, ...sentence], [3, 3, 3], [], id)
    const options = { window: 8, context: 'document', task: 'predict' } as const
    const { examples } = await buildExamples([document('x'), document('y')], tokenizer, options)
    expect(examples.map(({ sentences }) => sentences.map((it) => [it.document, it.firstWord]))).toEqual([
      [
        [0, 0],
        [0, 3],
      ],
      [[0, 6]],
      [
        [1, 0],
        [1, 3],
      ],
      [[1, 6]],
    ])
  })

  it('fills windows with neighbours as context, and scores each sentence once', async () => {
    const words = 'a the a the a the a the a the a the'.split(' ')
    const document = documentOf(words, [2, 2, 2, 2, 2, 2])
    const options = { window: 8, context: 'document', contextPieces: 2, task: 'predict' } as const
    const { examples } = await buildExamples([document], tokenizer, options)
    expect(examples).toHaveLength(6)
    for (const { windows } of examples) expect(windows.map((window) => window.length)).toEqual([8])
    // The document's first sentence has all its context on the right, a middle one on both sides, the last on the left.
    expect(examples.map(({ sentences }) => sentences[0]!.piece[0])).toEqual([1, 3, 3, 3, 3, 5])
  })

  it('does not part a sentence that fits a window to make room for context', async () => {
    const document = documentOf(new Array<string>(24).fill('the'), [8, 8, 8])
    const options = { window: 12, context: 'document', contextPieces: 3, task: 'predict' } as const
    const { examples } = await buildExamples([document], tokenizer, options)
    expect(examples.map(({ windows }) => windows.length)).toEqual([1, 1, 1])
  })

  it('joins sentences that a gold span crosses', async () => {
    const document = documentOf(['the', 'Lisbon', 'Porto', 'a', 'the'], [2, 2, 1], [{ start: 1, end: 3, label: 'LOC' }])
    const { examples } = await buildExamples([document], tokenizer, train)
    expect(firstWords(examples).map(({ firstWord, piece }) => [firstWord, piece.length])).toEqual([
      [0, 4],
      [4, 1],
    ])
  })

  it('finds words and sentences where a document has none', async () => {
    const document: Document = {
      id: 'raw',
      text: 'Ada moved to Porto. It rained.',
      layers: { gold: [{ start: 13, end: 18, label: 'LOC' }] },
    }
    const { documents, examples } = await buildExamples([document], tokenizer, train)
    expect(documents[0]!.tokens).toHaveLength(8)
    expect(firstWords(examples).map(({ tags }) => [...tags!])).toEqual([
      [0, 0, 0, tags.indexOf('B-LOC'), 0],
      [0, 0, 0],
    ])
  })

  it('lists spans that are no runs of words, or gives them back', async () => {
    const text = 'Ada Lindqvist moved'
    const tokens = [
      { start: 0, end: 3 },
      { start: 4, end: 13 },
      { start: 14, end: 19 },
    ]
    const gold = [
      { start: 0, end: 6, label: 'PER' },
      { start: 4, end: 13, label: 'PER' },
      { start: 4, end: 19, label: 'LOC' },
      { start: 3, end: 4, label: 'LOC' },
    ]
    const document: Document = { id: 'notes.jsonl:7', text, tokens, layers: { gold } }
    await expect(buildExamples([document], tokenizer, train)).rejects.toMatchObject({
      code: 'data/misaligned-span',
      message: expect.stringContaining('notes.jsonl:7, 0–6 PER “Ada Li” cuts a word') as string,
    })
    const { misaligned, examples } = await buildExamples([document], tokenizer, { ...train, onMisaligned: 'skip' })
    expect(misaligned.map(({ span, reason }) => [span.start, span.end, reason])).toEqual([
      [0, 6, 'cuts a word'],
      [4, 13, 'overlaps another span'],
      [3, 4, 'holds no word'],
    ])
    expect([...examples[0]!.sentences[0]!.tags!]).toEqual([0, tags.indexOf('B-LOC'), tags.indexOf('I-LOC')])
  })

  it('names a label the model does not know', async () => {
    const document = documentOf(['the', 'Lisbon'], [2], [{ start: 1, end: 2, label: 'CITY' }], 'dev.conll:12')
    const built = buildExamples([document], tokenizer, train)
    await expect(built).rejects.toMatchObject({ code: 'data/unseen-label' })
    await expect(built).rejects.toThrow(/CITY[^]*dev\.conll:12[^]*LOC, PER/)
  })

  it('leaves out tags where a document lacks the layer', async () => {
    const document = { ...documentOf(['the'], [1]), layers: {} }
    const { examples } = await buildExamples([document], tokenizer, train)
    expect(examples[0]!.sentences[0]!.tags).toBeUndefined()
  })

  it('puts soft tags into the columns of the tag list by name', async () => {
    const soft = {
      tags: ['I-PER', 'O'],
      rows: [
        [0.25, 0.75],
        [1, 0],
        [0, 1],
      ],
    }
    const document = { ...documentOf(['the', 'Ada', 'moved'], [1, 2]), soft }
    const { examples } = await buildExamples([document], tokenizer, train)
    const row = (person: number, outside: number) =>
      tags.map((tag) => (tag === 'I-PER' ? person : tag === 'O' ? outside : 0))
    expect(firstWords(examples).map((sentence) => [...sentence.soft!])).toEqual([
      row(0.25, 0.75),
      [...row(1, 0), ...row(0, 1)],
    ])
    const strange = { ...document, soft: { tags: ['O', 'B-CITY'], rows: soft.rows } }
    await expect(buildExamples([strange], tokenizer, train)).rejects.toMatchObject({ code: 'data/unseen-label' })
    const short = { ...document, soft: { ...soft, rows: soft.rows.slice(1) } }
    await expect(buildExamples([short], tokenizer, train)).rejects.toMatchObject({ code: 'data/bad-row' })
  })

  it('refuses a window without room for a word', async () => {
    await expect(buildExamples([], tokenizer, { ...train, window: 2 })).rejects.toMatchObject({
      code: 'config/bad-value',
    })
  })
})
