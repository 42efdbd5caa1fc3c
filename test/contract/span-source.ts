import { afterAll, expect, test } from 'vitest'
import type { Span } from '../../src/data/document.js'
import { segment, type SegmentedDocument } from '../../src/data/segment.js'
import type { SpanSource } from '../../src/sources/source.js'

/** How a source is made, and what of the contract it does not keep, each with its reason. */
export interface SpanSourceContract {
  readonly name: string
  readonly make: () => Promise<SpanSource>
  /** The same source made otherwise: under another name, from a copy of its files. */
  readonly alike: Readonly<Record<string, () => Promise<SpanSource>>>
  /** Sources that differ in one thing that answers depend on. */
  readonly changed: Readonly<Record<string, () => Promise<SpanSource>>>
  /** Layers that it reads, by the text of a document. */
  readonly layers?: (text: string) => Readonly<Record<string, readonly Span[]>>
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** The names are Ann, Rome and abc: what each source is made to find. */
const texts = [
  'Ann went to Rome. Ann saw abc in Rome!',
  '',
  ' \n\t',
  'İstanbul, Ann: İ \u0130 abc',
  '\ud800 Ann \udc00Rome abc\ud83d',
  '😀 Ann 👍🏽 Rome e\u0301 ﬁ abc',
  'ROME ann ABC 東京',
  'abc Rome, Ann '.repeat(200),
]

/** What every source of spans has to keep. */
export function runTest({ name, make, alike, changed, layers = () => ({}), skip = [] }: SpanSourceContract): void {
  const opened: SpanSource[] = []
  afterAll(async () => {
    for (const source of opened) await source.close()
  })
  const open = async (how = make) => {
    const source = await how()
    opened.push(source)
    return source
  }
  const documents = (): SegmentedDocument[] => [
    ...texts.map((text, i) => segment({ id: String(i), text, layers: layers(text) })),
    segment({
      id: 'words of its own',
      text: 'Ann Rome abc',
      tokens: [
        { start: 0, end: 3 },
        { start: 4, end: 8 },
        { start: 9, end: 12 },
      ],
      sentences: [
        { start: 0, end: 1 },
        { start: 1, end: 3 },
      ],
      layers: layers('Ann Rome abc'),
    }),
  ]
  const check = (title: string, body: () => Promise<void>) => {
    const skipped = skip.find(({ tests }) => tests.includes(title))
    test.skipIf(skipped !== undefined)(`${name}: ${title}${skipped === undefined ? '' : ` (${skipped.reason})`}`, body)
  }
  /** Scores are sums of 32-bit numbers, whose order may depend on what else is in the batch. */
  const shown = (spans: readonly Span[]) =>
    spans.map(({ score, ...span }) => ({ ...span, ...(score !== undefined && { score: score.toFixed(5) }) }))

  check('spans are stretches of the text, in its order, under labels of the source', async () => {
    const source = await open()
    const all = documents()
    const found = await source.find(all)
    expect(found).toHaveLength(all.length)
    expect(found.flat().length).toBeGreaterThan(2)
    for (const [i, spans] of found.entries()) {
      let before: Span | undefined
      for (const span of spans) {
        expect(Number.isInteger(span.start) && Number.isInteger(span.end)).toBe(true)
        expect(span.start).toBeGreaterThanOrEqual(before?.start ?? 0)
        expect(span.end).toBeGreaterThan(span.start)
        expect(span.end).toBeLessThanOrEqual(all[i]!.text.length)
        expect(source.labels).toContain(span.label)
        if (span.score !== undefined) expect(span.score >= 0 && span.score <= 1).toBe(true)
        before = span
      }
    }
  })

  check('documents are as they were', async () => {
    const source = await open()
    const all = documents()
    const before = structuredClone(all)
    await source.find(all.map(frozen))
    expect(structuredClone(all)).toEqual(before)
  })

  check('a document’s spans are the same alone, in a batch, and in any order', async () => {
    const source = await open()
    const all = documents()
    const together = (await source.find(all)).map(shown)
    const backwards = (await source.find(documents().reverse())).map(shown).reverse()
    expect(backwards).toEqual(together)
    for (const [i, document] of documents().entries())
      expect(shown((await source.find([document]))[0]!), String(i)).toEqual(together[i])
    const atOnce = await Promise.all(documents().map((document) => source.find([document])))
    expect(atOnce.map(([spans]) => shown(spans!))).toEqual(together)
  })

  check('another source with the same settings gives the same spans', async () => {
    const found = await Promise.all([open(), open()].map(async (source) => (await source).find(documents())))
    expect(found[1]!.map(shown)).toEqual(found[0]!.map(shown))
  })

  check(
    'the version is the same whenever answers are, and another one when anything that they depend on is',
    async () => {
      const { version } = await open()
      for (const [what, how] of Object.entries(alike)) expect((await open(how)).version, what).toBe(version)
      const versions = [version]
      for (const [what, how] of Object.entries(changed)) {
        const other = (await open(how)).version
        expect(versions, what).not.toContain(other)
        versions.push(other)
      }
    },
  )

  check('no documents have no spans', async () => {
    expect(await (await open()).find([])).toEqual([])
  })

  check('a signal that is aborted ends the search with its reason, and the source goes on', async () => {
    const source = await open()
    const reason = new Error('enough')
    await expect(source.find(documents(), AbortSignal.abort(reason))).rejects.toBe(reason)
    const abort = new AbortController()
    const many = Array.from({ length: 400 }, documents).flat()
    const ended = source.find(many, abort.signal).then(
      () => 'done',
      (error: unknown) => error,
    )
    setTimeout(() => abort.abort(reason), 1)
    // What is quick enough may be done before it is told.
    expect(['done', reason]).toContain(await ended)
    expect(await source.find(documents())).toHaveLength(texts.length + 1)
  })

  check('to close twice is to close once', async () => {
    const source = await make()
    await source.find(documents().slice(0, 1))
    await source.close()
    await source.close()
  })
}

function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(frozen)
  }
  return value
}
