import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/data/json.js'
import { NerError } from '../../src/errors.js'
import { type Flag, flagBit, flagsOf, shapeOf } from '../../src/text/attributes.js'
import { parseTokenPattern, type WordLists } from '../../src/patterns/token-pattern.js'
import { documentOf, matchTokens, shown } from '../data/words.js'

interface Golden {
  readonly attributes: Record<string, Record<string, boolean | string>>
  readonly cases: { words: string[]; patterns: Json[]; spans: [number, number][] }[]
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/weak/token-patterns.json', import.meta.url), 'utf8'),
) as Golden

const find = (words: string[], patterns: Json[], lists: WordLists = {}) => {
  const document = documentOf(words)
  const tokens = patterns.map((pattern) => parseTokenPattern(pattern, 'test', lists))
  const [spans] = matchTokens(
    document,
    tokens.map((tokens) => ({ source: 0, label: 'X', tokens })),
  )
  return { document, spans: spans! }
}

const failure = (pattern: Json): NerError => {
  try {
    parseTokenPattern(pattern, 'rules.jsonl:3')
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('attributes of words', () => {
  it.each(Object.entries(golden.attributes))('of %s are spaCy’s', (word, { SHAPE, ...flags }) => {
    const ours = Object.fromEntries(
      Object.keys(flags).map((flag) => [flag, (flagsOf(word) & flagBit(flag as Flag)) !== 0]),
    )
    expect({ SHAPE: shapeOf(word), ...ours }).toEqual({ SHAPE, ...flags })
  })
})

interface WordGolden {
  readonly flags: Flag[]
  readonly words: [word: string, shape: string, flags: Flag[]][]
}

const wordGolden = JSON.parse(
  readFileSync(new URL('../golden/weak/word-attributes.json', import.meta.url), 'utf8'),
) as WordGolden

describe('attributes of words of many scripts', () => {
  it('are spaCy’s', () => {
    const ours = wordGolden.words.map(([word]) => [
      word,
      shapeOf(word),
      wordGolden.flags.filter((flag) => (flagsOf(word) & flagBit(flag)) !== 0),
    ])
    expect(ours).toEqual(wordGolden.words)
  })
})

describe('token patterns', () => {
  it.each(golden.cases.map((one, i) => [i, one] as const))('find what spaCy finds: %i', (_, one) => {
    const { document, spans } = find(one.words, one.patterns)
    const tokens = document.tokens!
    expect(spans.map(({ start, end }) => [start, end])).toEqual(
      one.spans.map(([start, end]) => [tokens[start]!.start, tokens[end - 1]!.end]),
    )
  })

  it('look at words of context without taking them', () => {
    const place = [
      { LOWER: 'in', CONTEXT: true },
      { IS_TITLE: true, OP: '+' },
      { TEXT: ',', CONTEXT: true },
    ]
    const { document, spans } = find('In New York , not in Rome .'.split(' '), [place])
    expect(shown(document, spans)).toEqual(['New York X'])
  })

  it('give the matches of patterns that need nothing, where they hold a word', () => {
    const { document, spans } = find('a b a a c'.split(' '), [
      [
        { TEXT: 'a', OP: '*' },
        { TEXT: 'b', op: '?' },
      ],
    ])
    expect(shown(document, spans)).toEqual(['a b X', 'a a X'])
    const context = [
      { TEXT: 'in', CONTEXT: true },
      { IS_TITLE: true, OP: '?' },
    ]
    const beside = find('in Rome in vain'.split(' '), [context])
    expect(shown(beside.document, beside.spans)).toEqual(['Rome X'])
  })

  // As Python 3's re.search says.
  it.each<[string, string, boolean]>([
    ['^\\w+$', 'Zoë', true],
    ['^\\W', 'ë', false],
    ['^[\\w-]+$', 'Jean-René', true],
    ['^\\d+$', '٣٤', true],
    ['\\D', '٣', false],
    ['^\\s$', '\u00a0', true],
    ['caf\\b', 'café', false],
    ['\\bne\\b', 'é-ne', true],
    ['\\bne', 'éne', false],
    ['^[]\\d]$', ']', true],
    ['\\\\w', 'w', false],
  ])('read %s in all scripts, as of %s', (pattern, word, matches) => {
    expect(find([word], [[{ TEXT: { regex: pattern } }]]).spans).toHaveLength(Number(matches))
  })

  // Three tenths of 15 and 25 are 4.5 and 7.5: rounded to 4 and 8.
  it.each<[string, string, boolean]>([
    ['abcdefghijklmno', 'abcdefghijkXXXX', true],
    ['abcdefghijklmno', 'abcdefghijXXXXX', false],
    ['abcdefghijklmnopqrstuvwxy', 'abcdefghijklmnopqXXXXXXXX', true],
    ['😀😁😂a', '🙃🙄😂a', true],
    ['😀😁😂a', '🙃🙄🙅a', false],
  ])('allow spaCy’s edits of characters: %s, %s', (wanted, word, matches) => {
    expect(find([word], [[{ TEXT: { FUZZY: wanted } }]]).spans).toHaveLength(Number(matches))
  })

  it('call lists of words by name', () => {
    const { document, spans } = find(['Ann', 'met', 'Bob'], [[{ TEXT: { IN: 'names' } }]], { names: ['Ann', 'Cy'] })
    expect(shown(document, spans)).toEqual(['Ann X'])
  })

  it('give every label that claims the same words', () => {
    const tokens = parseTokenPattern([{ TEXT: 'Georgia' }], 'test')
    const document = documentOf(['Georgia'])
    const [spans] = matchTokens(document, [
      { source: 0, label: 'LOC', tokens },
      { source: 0, label: 'PER', tokens },
      { source: 0, label: 'LOC', tokens },
    ])
    expect(shown(document, spans)).toEqual(['Georgia LOC', 'Georgia PER'])
  })

  it('do not cross sentences, and know where they begin', () => {
    const document = {
      ...documentOf(['A', 'B', 'A']),
      sentences: [
        { start: 0, end: 1 },
        { start: 1, end: 3 },
      ],
    }
    const source = { source: 0, label: 'X' }
    const run = parseTokenPattern([{ IS_UPPER: true, OP: '+' }], 'test')
    const first = parseTokenPattern([{ IS_SENT_START: true, TEXT: 'A' }], 'test')
    expect(shown(document, matchTokens(document, [{ ...source, tokens: run }])[0])).toEqual(['A X', 'B A X'])
    expect(matchTokens(document, [{ ...source, tokens: first }])[0]).toEqual([{ start: 0, end: 1, label: 'X' }])
  })

  it('stay linear on a run that almost matches', () => {
    const words = Array<string>(20_000).fill('a')
    const tried = { count: 0 }
    const tokens = parseTokenPattern([{ TEXT: 'a', OP: '+' }, { TEXT: 'b' }], 'test').map((place) => ({
      ...place,
      here: () => (tried.count++, true),
    }))
    const [spans] = matchTokens({ ...documentOf(words) }, [{ source: 0, label: 'X', tokens }])
    expect(spans).toEqual([])
    expect(tried.count).toBeLessThan(words.length * 400)
  })

  it.each<[string, Json, string, string]>([
    ['an unknown attribute', [{ LOWR: 'a' }], 'There is no attribute LOWR', 'rules.jsonl:3, token 1'],
    ['what needs a tagger', [{ TEXT: 'a' }, { POS: 'NOUN' }], 'POS needs a tagger', 'rules.jsonl:3, token 2'],
    ['an unknown operator', [{ TEXT: { INN: ['a'] } }], 'There is no operator INN', 'rules.jsonl:3, token 1, TEXT'],
    ['a bad OP', [{ TEXT: 'a', OP: '**' }], 'There is no operator "**"', 'rules.jsonl:3, token 1, OP'],
    ['a flag that is none', [{ IS_TITLE: 'yes' }], 'IS_TITLE is true or false', 'rules.jsonl:3, token 1, IS_TITLE'],
    ['a list that is none', [{ TEXT: { IN: [1] } }], 'A list of texts is wanted', 'rules.jsonl:3, token 1, TEXT.IN'],
    ['an unknown list', [{ TEXT: { IN: 'names' } }], 'There is no list names', 'rules.jsonl:3, token 1, TEXT.IN'],
    ['a length that is none', [{ LENGTH: '4' }], 'LENGTH is a number', 'rules.jsonl:3, token 1, LENGTH'],
    ['an empty pattern', [], 'A pattern is a list of tokens', 'rules.jsonl:3'],
    ['a token that is none', ['a'], 'A token is an object', 'rules.jsonl:3, token 1'],
    ['a pattern of context alone', [{ TEXT: 'a', CONTEXT: true }], 'no token but those of context', 'rules.jsonl:3'],
    ['context in the middle', [{}, { TEXT: 'a', CONTEXT: true }, {}], 'in the middle', 'rules.jsonl:3'],
    ['a huge repetition', [{ TEXT: 'a', OP: '{900}' }], 'There is no operator', 'rules.jsonl:3, token 1, OP'],
  ])('refuse %s', (_, pattern, what, where) => {
    const error = failure(pattern)
    expect(error.code).toBe('weak/bad-token-pattern')
    expect(error.what).toContain(what)
    expect(error.detail.where).toBe(where)
  })

  it('refuse a REGEX that no linear-time engine runs', () => {
    const error = failure([{ TEXT: { REGEX: '(?=a)b' } }])
    expect([error.code, error.what]).toEqual(['weak/bad-pattern', expect.stringContaining('look-around')])
  })
})
