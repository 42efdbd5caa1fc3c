import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findSentences } from '../../src/text/sentences.js'
import { findWords } from '../../src/text/words.js'

const words = (text: string) => findWords(text).map(({ start, end }) => text.slice(start, end))
const sentences = (text: string) => {
  const tokens = findWords(text)
  return findSentences(text, tokens).map(({ start, end }) => text.slice(tokens[start]!.start, tokens[end - 1]!.end))
}

describe('findWords', () => {
  // A bar is a boundary that is not in the text; a space is one that is.
  it.each([
    "The U.N.|'s envoy did|n't come on 1996-08-22|.",
    'A French-German firm won 3-2 (|after extra time|)|.',
    '“|We paid $|5.4 million|,|” said Mr. J. F. Duarte of Blue Heron Inc.|, Porto',
    'US$|1,000.50 at 10:30|, up +0.5|% or -3|/|AT&T U.S.-led',
    "O'Brien|'s boys|' toys cannot wo|n't I|'m",
    'See http://example.org/a?b=(c|)|, www.example.org/x or write to ada.l@post.example.org|.',
    '@ada likes #boats|!!! :) 👨‍👩‍👧 🇩🇪|👍🏽 no.2',
    'It ended|.|The end|... or|--|not|?',
    'Zoë cafe\u0301 Αθήνα Москва हिन्दी 서울에서',
    '東|京|タワー|へ ไทย|ภาษา',
  ])('%s', (marked) => {
    expect(words(marked.replaceAll('|', ''))).toEqual(marked.split(/[ |]/))
  })

  it('keeps the numbers of a list', () => {
    expect(words('1. Ada 2:10\n 12. Zoë 2:11\nin 1987.')).toEqual('1. Ada 2:10 12. Zoë 2:11 in 1987 .'.split(' '))
  })

  it('gives back words that are already parted by spaces', () => {
    expect(words("Ada 's boats do n't sink , she said .")).toEqual("Ada 's boats do n't sink , she said .".split(' '))
  })

  it('covers every visible character exactly once, in order', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom(...Array.from('aB1.,-\'’@#$/:;!?()"& \n東ไ👍\u200d\u0301')), maxLength: 40 }),
    )
    fc.assert(
      fc.property(text, (it) => {
        let end = 0
        const invisible = /^[\s\p{Cc}\u200B\u2060]*$/u
        for (const token of findWords(it)) {
          expect(token.end).toBeGreaterThan(token.start)
          expect(it.slice(end, token.start)).toMatch(invisible)
          expect(it.slice(token.start, token.end)).not.toMatch(/\n/)
          end = token.end
        }
        expect(it.slice(end)).toMatch(invisible)
      }),
      { numRuns: 500 },
    )
  })

  it('never parts a surrogate pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        for (const { start, end } of findWords(text)) expect(text.slice(start, end)).not.toMatch(/\p{Surrogate}/u)
      }),
    )
  })

  it('gets through texts that make regular expressions explode', () => {
    const units = [
      'a',
      'a.',
      'a-',
      'a+',
      'a@',
      '.',
      "'",
      'www.',
      '1.',
      '((',
      '👍',
      '\u200d👨',
      '%a@b.',
      'Mr. A. ',
      '\n',
      ' ',
    ]
    for (const unit of units) {
      const text = unit.repeat(30_000)
      findSentences(text, findWords(text))
    }
    expect(findWords('a'.repeat(2_000_000))).toHaveLength(2000)
  })
})

describe('findSentences', () => {
  it.each([
    ['after a full stop', ['Ada moved to Porto.', 'It rained.', 'Why?', 'Nobody knows!']],
    [
      'not after titles, initials and abbreviations',
      ['Mr. J. F. Duarte of the U.S. Navy left.', 'He sold Blue Heron Inc. shares.'],
    ],
    ['after an abbreviation before a word that begins sentences', ['They came to the U.S.', 'The rest stayed.']],
    ['after the quote that closes', ['“We left.”', 'Nobody asked.', '(They had to.)', 'So it was.']],
    ['not before a lower-case word', ['“Why?” he asked at 5 p.m. on Friday.']],
    ['in other scripts', ['東京へ行った。', '雨が降った。']],
  ])('%s', (_, expected) => {
    expect(sentences(expected.join(' '))).toEqual(expected)
  })

  it('ends at the end of a line, unless the line was only wrapped', () => {
    const wrapped = 'The ferry that leaves the harbour every morning at six sails to New\nYork and back.'
    expect(sentences(`Ferry timetable\nPorto 1987-04-02\n${wrapped}\n\nnotes`)).toEqual([
      'Ferry timetable',
      'Porto 1987-04-02',
      wrapped,
      'notes',
    ])
  })

  it('parts every word into exactly one sentence of bounded length', () => {
    const text = fc.string({
      unit: fc.constantFrom('a ', 'B', '. ', '"', '\n', ' ', '! ', 'Mr. ', ')'),
      maxLength: 3000,
    })
    fc.assert(
      fc.property(text, (it) => {
        const tokens = findWords(it)
        let end = 0
        for (const sentence of findSentences(it, tokens)) {
          expect(sentence.start).toBe(end)
          expect(sentence.end).toBeGreaterThan(sentence.start)
          expect(sentence.end - sentence.start).toBeLessThanOrEqual(500)
          end = sentence.end
        }
        expect(end).toBe(tokens.length)
      }),
    )
  })
})
