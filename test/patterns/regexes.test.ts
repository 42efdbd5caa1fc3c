import { describe, expect, it } from 'vitest'
import type { Span } from '../../src/data/document.js'
import { NerError } from '../../src/errors.js'
import { compileRegex, type LabelledRegex, regexMatcher } from '../../src/patterns/regex-matcher.js'
import { shown } from '../data/words.js'

const regex = (pattern: string, settings: Partial<LabelledRegex> = {}): LabelledRegex => ({
  source: 0,
  label: 'X',
  pattern,
  ignoreCase: false,
  group: 0,
  where: 'weak.yaml:9',
  ...settings,
})

function find(text: string, ...patterns: LabelledRegex[]): string[] {
  const layers = Array.from({ length: 1 + Math.max(...patterns.map(({ source }) => source)) }, (): Span[] => [])
  regexMatcher(patterns)(text, layers)
  return layers.flatMap((layer) => shown({ text }, layer))
}

const failure = (pattern: LabelledRegex): NerError => {
  try {
    compileRegex(pattern)
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('regular expressions', () => {
  it('find all matches, of all patterns, in the order of the text', () => {
    expect(find('ab 12 cd 34', regex('[a-z]+', { label: 'A' }), regex('\\d+', { label: 'N' }))).toEqual([
      'ab A',
      '12 N',
      'cd A',
      '34 N',
    ])
    expect(find('ab 12', regex('[a-z]+'), regex('\\d+', { source: 1 }))).toEqual(['ab X', '12 X'])
  })

  it('let a group choose the span, by number or by name, without white space around it', () => {
    const text = 'Mr. Bean  met Mrs Peel'
    expect(find(text, regex('Mrs?\\.?( \\w+ *)', { group: 1 }))).toEqual(['Bean X', 'Peel X'])
    expect(find(text, regex('Mrs?\\.? (?P<name>\\w+)', { group: 'name' }))).toEqual(['Bean X', 'Peel X'])
    expect(find('ac', regex('a(b)?c', { group: 1 }))).toEqual([])
  })

  it('ignore case where asked to, each pattern for itself', () => {
    expect(find('Foo foo', regex('foo'), regex('foo', { ignoreCase: true, source: 1 }))).toEqual([
      'foo X',
      'Foo X',
      'foo X',
    ])
  })

  it('take ^ and $ for the ends of lines', () => {
    expect(find('LONDON 1996\nParis 1997', regex('^\\w+'))).toEqual(['LONDON X', 'Paris X'])
  })

  it('keep offsets right beyond the Basic Multilingual Plane', () => {
    expect(find('😀 Zoë 😀 Ann', regex('\\p{Lu}\\p{Ll}+'))).toEqual(['Zoë X', 'Ann X'])
  })

  it('see a line at a time', () => {
    expect(find('New\nYork New York', regex('New\\sYork'))).toEqual(['New York X'])
  })

  it('divide long texts at lines or words, and lose no match there', () => {
    const text = Array.from({ length: 3000 }, (_, i) => `w${i}${i % 50 === 0 ? '\n' : ' '}`).join('')
    expect(find(text, regex('\\bw\\d+\\b'))).toEqual(Array.from({ length: 3000 }, (_, i) => `w${i} X`))
  })

  it('cannot hang: a pattern that looks ahead to the end at every match takes bounded work', () => {
    // Quadratic in the length of what is searched at once, also in an engine without backtracking.
    const text = 'a'.repeat(4000)
    expect(find(text, regex('(?:a.*b)|a'))).toHaveLength(text.length)
    expect(find(text.slice(0, 2000), regex('(a+)+$|(a|aa)+b|(.*)*x'))).not.toHaveLength(0)
  })

  it.each<[string, string, RegExp]>([
    ['look-ahead', 'a(?=b)', /uses look-around/],
    ['look-behind', '(?<!a)b', /uses look-around/],
    ['a back-reference', '(a)\\1', /uses a back-reference/],
    ['an atomic group', '(?>a+)b', /uses a possessive or atomic group/],
    ['a possessive repetition', 'a++b', /uses a possessive or atomic group/],
    ['a missing bracket', '(a', /is no regular expression: missing closing \)/],
    ['a huge repetition', '(\\w{1,500}x){1,500}', /./],
  ])('refuse %s and say so', (_, pattern, what) => {
    const error = failure(regex(pattern))
    expect(error.code).toBe('weak/bad-pattern')
    expect(error.what).toContain(pattern)
    expect(error.what).toMatch(what)
    expect(error.detail.where).toBe('weak.yaml:9')
    expect(error.detail.mend).toBeTruthy()
  })

  it('refuse a group that is not there', () => {
    expect(failure(regex('(a)', { group: 2 })).what).toMatch(/no group 2; there are 1 in all/)
    expect(failure(regex('(?P<name>a)', { group: 'nam' })).what).toMatch(/no group nam; there are 1 in all, named name/)
  })
})
