import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measureAgreement } from '../../src/agreement/agree.js'
import { readAnnotators } from '../../src/agreement/annotators.js'
import { findDisagreements } from '../../src/agreement/disagreements.js'
import { matchDocuments } from '../../src/agreement/match.js'
import { segment } from '../../src/data/segment.js'
import { annotator, corpusOf, corpusOfCodes, documentOf, spansOf } from './corpus.js'

interface Golden {
  readonly conll: {
    readonly tokens: number
    readonly tags: number
    readonly types: number
    readonly tagsWithoutO: number
    readonly typesWithoutO: number
    readonly perType: Readonly<Record<string, number>>
    readonly f1: number
  }
  readonly types: readonly string[]
  readonly common: readonly {
    readonly labels: number[][][]
    readonly krippendorff: Readonly<Record<'types' | 'typesWithoutO', number>>
    readonly fleiss: Readonly<Record<'types' | 'typesWithoutO', number>>
  }[]
}

const golden = JSON.parse(readFileSync(new URL('../golden/agreement.json', import.meta.url), 'utf8')) as Golden
const byToken = { unit: 'token', ignoreO: false } as const

describe('several annotators', () => {
  it.each(golden.common.map((one, i) => [i + 1, one] as const))(
    'have the alpha of krippendorff and the kappa of statsmodels, random labels %i',
    (_, { labels, krippendorff, fleiss }) => {
      const { common } = measureAgreement(corpusOfCodes(labels, golden.types), byToken)
      for (const variant of ['types', 'typesWithoutO'] as const) {
        expect(common!.krippendorff[variant].value).toBeCloseTo(krippendorff[variant], 9)
        expect(common!.fleiss[variant].value).toBeCloseTo(fleiss[variant], 9)
      }
    },
  )

  it('are gated by alpha where nothing was labelled by all', () => {
    const text = (id: string, span: string) => documentOf(id, 'Ann saw Bob', spansOf(span))
    const [x, y, z] = ['x', 'y', 'z'].map((id) => (span: string) => text(id, span))
    const corpus = corpusOf(
      annotator('a', x!('0-3 PER'), y!('0-3 PER')),
      annotator('b', y!('0-3 ORG'), z!('8-11 PER')),
      annotator('c', z!('8-11 PER'), x!('0-3 PER')),
    )
    const { headline, common, pairs } = measureAgreement(corpus, byToken)
    expect(common!.labelledByAll).toBe(0)
    expect(common!.fleiss.tags).toEqual({})
    expect(headline.measure).toBe('Krippendorff’s alpha')
    expect(pairs.map(({ annotators, documents }) => [...annotators, documents])).toEqual([
      [0, 1, 1],
      [0, 2, 1],
      [1, 2, 1],
    ])
  })
})

const testb = '../shared/data/conll2003/eng.testb'
const corrected = '../shared/data/conllpp/test.txt'
const isThere = existsSync(testb) && existsSync(corrected)
if (!isThere) console.warn(`skipped: ${testb} or ${corrected} is not there`)

describe.skipIf(!isThere)('CoNLL-2003 against its correction (CoNLL++)', async () => {
  const corpus = isThere ? matchDocuments(await readAnnotators([testb, corrected]), segment) : undefined

  it('has the kappas of scikit-learn and the F1 of seqeval', () => {
    const { pairs } = measureAgreement(corpus!, byToken)
    const { kappa, perType, spans } = pairs[0]!
    const { tokens, tags, types, tagsWithoutO, typesWithoutO, perType: each, f1 } = golden.conll
    expect(kappa.tags.units).toBe(tokens)
    expect(kappa.tags.kappa.value).toBeCloseTo(0.978968486, 9)
    for (const [variant, value] of Object.entries({ tags, types, tagsWithoutO, typesWithoutO })) {
      expect(kappa[variant as 'tags'].kappa.value).toBeCloseTo(value, 9)
    }
    for (const [type, value] of Object.entries(each)) expect(perType[type]!.kappa.value).toBeCloseTo(value, 9)
    expect(spans.exact.value).toBeCloseTo(f1, 9)
  })

  it('lists the corrections', () => {
    const disagreements = findDisagreements(corpus!)
    const [first] = disagreements.filter(({ document }) => document === 0)
    // The correction that the paper opens with (Wang et al. 2019): "CHINA" is no person.
    expect(first!.answers.flat()).toMatchObject([{ label: 'PER' }, { label: 'LOC' }])
    expect(corpus!.documents[0]!.document.text.slice(first!.start, first!.end)).toBe('CHINA')
  })
})

describe('two annotators', () => {
  const words = 'Ann Lee met Bob in New York'
  const text = (...spans: string[]) => documentOf('d', words, spansOf(...spans))
  const measure = (unit: 'token' | 'char' | 'span', ignoreO = false) =>
    measureAgreement(
      corpusOf(
        annotator('a', text('0-7 PER', '12-15 PER', '19-27 LOC')),
        annotator('b', text('0-3 PER', '12-15 PER', '19-27 ORG')),
      ),
      { unit, ignoreO },
    )

  it('are compared by words, by characters and by what they marked', () => {
    // Words: 4 of 7 types agree. Characters but for white space: Lee (3) and NewYork (7) of 21 differ.
    expect(measure('token').pairs[0]!.kappa.types).toMatchObject({ units: 7, observed: 4 / 7 })
    expect(measure('char').pairs[0]!.kappa.types).toMatchObject({ units: 21, observed: 11 / 21 })
    // "Ann", "Ann Lee", "Bob", "New York", of which one is marked alike.
    expect(measure('span').pairs[0]!.kappa.types).toMatchObject({ units: 4, observed: 1 / 4 })
    expect(measure('token', true).headline).toMatchObject({ variant: 'tagsWithoutO', measure: 'Cohen’s kappa' })
  })

  it('agree on spans exactly and in part', () => {
    const { spans, perType } = measure('token').pairs[0]!
    expect(spans).toMatchObject({ exact: { value: 1 / 3 }, partial: { value: 2 / 3 }, spans: [3, 3] })
    expect(perType['PER']).toMatchObject({ exact: { value: 1 / 2 }, partial: { value: 1 } })
    expect(perType['ORG']).toMatchObject({ exact: { value: 0 }, spans: [0, 1] })
  })

  it('have no interval with one document', () => {
    expect(measure('token').headline.estimate).not.toHaveProperty('interval')
  })

  it('who call everything O are told so, with the agreement observed', () => {
    const corpus = corpusOf(annotator('a', text()), annotator('b', text()))
    expect(() => measureAgreement(corpus, byToken)).toThrow(
      /undefined: .* one label O[^]*observed agreement 100\.00 % of 7/,
    )
  })
})

describe('intervals', () => {
  // Fifty documents of one word; the two agree on `agreeing` of them.
  const corpus = (agreeing: number) =>
    corpusOfCodes([Array.from({ length: 50 }, (_, d) => [d % 2]), Array.from({ length: 50 }, (_, d) => [d < agreeing ? d % 2 : 1 - (d % 2)])], ['X']) // prettier-ignore

  it('hold the value, widen with disagreement, and are the same every time', () => {
    const of = (agreeing: number) => measureAgreement(corpus(agreeing), byToken).headline.estimate
    for (const agreeing of [30, 40, 48]) {
      const { value, interval } = of(agreeing)
      expect(interval!.low).toBeLessThan(value)
      expect(interval!.high).toBeGreaterThan(value)
      expect(of(agreeing).interval).toEqual(interval)
    }
    const width = (agreeing: number) => of(agreeing).interval!.high - of(agreeing).interval!.low
    expect(width(30)).toBeGreaterThan(width(48))
    expect(of(50).interval).toEqual({ low: 1, high: 1 })
  })

  it('are about as wide as the normal approximation says', () => {
    // κ = 2 pₒ − 1 where both labels are as frequent; its standard error is 2 √(pₒ (1 − pₒ) / n).
    const { interval } = measureAgreement(corpus(40), byToken).headline.estimate
    const expected = 2 * 1.96 * 2 * Math.sqrt((0.8 * 0.2) / 50)
    expect((interval!.high - interval!.low) / expected).toBeGreaterThan(0.85)
    expect((interval!.high - interval!.low) / expected).toBeLessThan(1.15)
  })
})

describe('any labels', () => {
  const codes = fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 6 }), { minLength: 2, maxLength: 4 }) // prettier-ignore
  it('agree with themselves, and the same either way round', () => {
    fc.assert(
      fc.property(codes, fc.infiniteStream(fc.boolean()), (first, flips) => {
        fc.pre(first.some((labels) => labels.some((code) => code > 0)))
        const second = first.map((labels) =>
          labels.map((code) => (flips.next().value === true ? (code + 1) % 3 : code)),
        )
        const same = measureAgreement(corpusOfCodes([first, first], ['A', 'B']), byToken)
        expect(same.headline.estimate.value).toBe(1)
        const [one, other] = [[first, second], [second, first]].map((labels) => corpusOfCodes(labels, ['A', 'B'])) // prettier-ignore
        const kappa = (corpus: typeof one) => measureAgreement(corpus!, byToken).pairs[0]!.kappa.types.kappa.value
        expect(kappa(one)).toEqual(kappa(other))
        expect(findDisagreements(one!).length).toBe(findDisagreements(other!).length)
      }),
      { numRuns: 8 },
    )
  })
})
