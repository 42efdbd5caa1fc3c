import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Span } from '../../src/data/document.js'
import { gazetteerBuilder, type SurfaceSettings } from '../../src/gazetteer/gazetteer.js'
import { gazetteerMatcher, wordNumbers } from '../../src/gazetteer/matcher.js'
import { folded } from '../../src/text/fold.js'
import { lexicon } from '../../src/text/lexicon.js'
import { numberOf, vocabularyBuilder } from '../../src/gazetteer/vocabulary.js'
import { segment } from '../../src/data/segment.js'
import { lookUp } from '../../src/data/words.js'
import { documentOf, noTests, shown } from '../data/words.js'

/** What holds where a test says nothing. */
const plain: SurfaceSettings = {
  case: 'exact',
  boundaries: 'word',
  overlaps: 'longest',
  minLength: 1,
  minWords: 1,
  stop: new Set(),
}

type Settings = Partial<Omit<SurfaceSettings, 'stop'>> & { readonly stop?: readonly string[] }

interface Base {
  readonly entries: readonly (readonly [surface: string, label: string, popularity?: number])[]
  readonly settings?: Settings
}

function find(text: string, bases: readonly Base[], words?: readonly string[]): Span[][] {
  const builder = gazetteerBuilder()
  for (const [source, { entries, settings }] of bases.entries()) {
    const stop = new Set((settings?.stop ?? []).map(folded))
    for (const [surface, label, popularity] of entries) {
      const entry = { surfaces: [surface], ...(popularity !== undefined && { popularity }) }
      builder.add(entry, label, source, { ...plain, ...settings, stop })
    }
  }
  const gazetteer = builder.finish()
  const layers = bases.map((): Span[] => [])
  const document = words ? documentOf(words) : { id: 'd', text, layers: {} }
  const seen = lookUp(segment(document), lexicon(wordNumbers(gazetteer), noTests))
  gazetteerMatcher(gazetteer)(seen, layers)
  return layers
}

const one = (text: string, entries: Base['entries'], settings?: Settings) =>
  shown({ text }, find(text, [{ entries, ...(settings && { settings }) }])[0])

describe('vocabulary', () => {
  it('numbers strings as a map would, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 3000 }), (strings) => {
        const builder = vocabularyBuilder()
        const distinct = [...new Set(strings)]
        strings.forEach(builder.add)
        const vocabulary = builder.finish()
        expect(distinct.map((text) => numberOf(vocabulary, text))).toEqual(distinct.map((_, i) => i))
        expect(vocabulary.size).toBe(distinct.length)
        expect(numberOf(vocabulary, 'not among them')).toBe(-1)
      }),
      { numRuns: 20 },
    )
  })
})

describe('knowledge bases', () => {
  it('find the longest names from the left, as trying every name does', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'New', 'York')
    const names = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), names, names, (words, first, second) => {
        const bases = [first, second].map((names, i) => ({
          entries: names.map((name) => [name.join(' '), `L${i}`] as const),
        }))
        const found = find('', bases, words)
        const document = documentOf(words)
        for (const [i, names] of [first, second].entries()) {
          const expected: Span[] = []
          for (let at = 0; at < words.length;) {
            const fitting = names.filter((name) => name.every((word, j) => words[at + j] === word))
            const longest = Math.max(0, ...fitting.map((name) => name.length))
            if (longest > 0) {
              const [start, end] = [document.tokens![at]!.start, document.tokens![at + longest - 1]!.end]
              expected.push({ start, end, label: `L${i}` })
            }
            at += longest || 1
          }
          expect(found[i]).toEqual(expected)
        }
      }),
    )
  })

  it('keep case, allow capitals, or fold it', () => {
    const text = 'Paris PARIS paris'
    expect(one(text, [['Paris', 'LOC']])).toEqual(['Paris LOC'])
    expect(one(text, [['Paris', 'LOC']], { case: 'capitals' })).toEqual(['Paris LOC', 'PARIS LOC'])
    expect(one(text, [['Paris', 'LOC']], { case: 'any' })).toEqual(['Paris LOC', 'PARIS LOC', 'paris LOC'])
  })

  it.each([
    ['İstanbul', 'In ISTANBUL today', 'ISTANBUL X'],
    ['Istanbul', 'In İSTANBUL today', 'İSTANBUL X'],
    ['Straße 5', 'Die STRASSE 5 ist', 'STRASSE 5 X'],
    ['STRASSE', 'Die Straße ist', 'Straße X'],
    ['ﬁnance AG', 'The FINANCE AG is', 'FINANCE AG X'],
    ['finance', 'The ﬁnance is', 'ﬁnance X'],
    ['Zoë', 'So Zoe\u0308 is', 'Zoe\u0308 X'],
    ['ΟΔΟΣ', 'η οδος εδω', 'οδος X'],
  ])('fold %s without moving an offset: %s', (surface, text, expected) => {
    expect(one(text, [[surface, 'X']], { case: 'any' })).toEqual([expected])
  })

  it('find no name inside a word, unless asked to', () => {
    const entries = [['Bank', 'X']] as const
    expect(one('Bankhaus und Bank', entries)).toEqual(['Bank X'])
    expect(one('Bankhaus und Landbank', entries, { boundaries: 'character' })).toEqual(['Bank X'])
    expect(one('Landbank', entries, { boundaries: 'character', case: 'any' })).toEqual(['bank X'])
    expect(one('New \n York', [['New York', 'X']], { boundaries: 'character' })).toEqual(['New \n York X'])
  })

  it('find a name however its words are divided', () => {
    const entries = [
      ['Yahoo! Inc.', 'ORG'],
      ["McDonald's", 'ORG'],
    ] as const
    expect(one("At Yahoo! Inc. and McDonald's today", entries)).toEqual(['Yahoo! Inc. ORG', "McDonald's ORG"])
    const words = ['Yahoo!', 'Inc.', "McDonald's"]
    expect(shown(documentOf(words), find('', [{ entries }], words)[0])).toEqual(['Yahoo! Inc. ORG', "McDonald's ORG"])
  })

  it('mark an ambiguous name with all its types, each with its share of the popularity', () => {
    const [spans] = find('Georgia', [
      {
        entries: [
          ['Georgia', 'LOC', 30],
          ['Georgia', 'PER', 10],
        ],
      },
    ])
    const at = { start: 0, end: 7 }
    expect(spans).toEqual([
      { ...at, label: 'LOC', score: 0.75 },
      { ...at, label: 'PER', score: 0.25 },
    ])
    expect(
      find('Georgia', [
        {
          entries: [
            ['Georgia', 'LOC', 30],
            ['Georgia', 'PER'],
          ],
        },
      ])[0],
    ).toEqual([
      { ...at, label: 'LOC' },
      { ...at, label: 'PER' },
    ])
  })

  it('give all names that overlap where asked to', () => {
    const entries = [
      ['Bank', 'X'],
      ['Bank of England', 'X'],
      ['England', 'Y'],
    ] as const
    expect(one('Bank of England', entries)).toEqual(['Bank of England X'])
    expect(one('Bank of England', entries, { overlaps: 'all' })).toEqual(['Bank X', 'Bank of England X', 'England Y'])
  })

  it('do not mix where one function takes all names and another the longest', () => {
    const [all, longest] = find('I love New York City.', [
      { entries: [['New York City', 'X']], settings: { overlaps: 'all' } },
      { entries: [['York', 'Y']] },
    ])
    const text = { text: 'I love New York City.' }
    expect(shown(text, all)).toEqual(['New York City X'])
    expect(shown(text, longest)).toEqual(['York Y'])
  })

  it('leave out what is stopped, short or unpopular', () => {
    const entries = [
      ['On', 'X', 9],
      ['The', 'X', 9],
      ['Rome', 'X', 1],
      ['New York', 'X', 9],
      ['Oslo', 'X'],
    ] as const
    const text = 'On The Rome New York Oslo'
    expect(one(text, entries, { stop: ['THE'] })).not.toContain('The X')
    expect(one(text, entries, { minLength: 3 })).not.toContain('On X')
    expect(one(text, entries, { minWords: 2 })).toEqual(['New York X'])
    expect(one(text, entries, { minPopularity: 5 })).toEqual(['On X', 'The X', 'New York X'])
  })
})
