import { distance } from 'fastest-levenshtein'
import type { Json, JsonObject } from '../data/json.js'
import { isList, isObject } from '../data/json.js'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import { flagBit, flagNames, type Flag, shapeOf } from '../text/attributes.js'
import type { Lexeme } from '../text/lexicon.js'
import { compilePattern } from './regex.js'
import { unicodeClasses } from './unicode-classes.js'
import type { Words } from '../data/words.js'

/*
 * Token patterns in the notation of spaCy's Matcher (https://spacy.io/api/matcher#patterns): a list of objects, one for
 * each token, of attributes and what they must be, and `OP`, how often the token comes. Two things are our own: tokens at
 * a pattern's ends with `CONTEXT: true` must be there and are no part of the span, and `IN` may name a list of words.
 */

/** One token of a pattern: a test of a word where it stands, and how often words may pass it. */
export interface PatternToken {
  /** What of the test depends on the word alone. */
  readonly onWord: (word: Word) => boolean
  /** What depends on where it stands, and must hold too. */
  readonly here?: (words: Words, at: number) => boolean
  /** Whether a word passes that fails the test. */
  readonly negated: boolean
  /** The exact words, or lower-cased words, of which it must be one, where the pattern says so. */
  readonly literal?: { readonly attribute: 'text' | 'lower'; readonly values: readonly string[] }
  /** `one`: once. `optional`: at most once. `many`: any number of times. */
  readonly times: 'one' | 'optional' | 'many'
  /** Whether its word is only looked at, and is no part of the span. */
  readonly context: boolean
}

/** Lists of words by name, which `IN` and `NOT_IN` may call. */
export type WordLists = Readonly<Record<string, readonly string[]>>

type Word = Pick<Lexeme, 'text' | 'lower' | 'flags'>

const text = (word: Word) => word.text
const lower = (word: Word) => word.lower

/** Attributes that are texts. */
const textual: Readonly<Record<string, (word: Word) => string>> = {
  TEXT: text,
  ORTH: text,
  LOWER: lower,
  NORM: lower,
  SHAPE: ({ text }) => shapeOf(text),
}

/** Attributes that depend on where the word stands. */
const positional: Readonly<Record<string, (words: Words, at: number) => boolean>> = {
  IS_SENT_START: (words, at) => words.startsSentence(at),
  SENT_START: (words, at) => words.startsSentence(at),
  SPACY: ({ tokens, text }, at) => /\s/.test(text[tokens[at]!.end] ?? ''),
}

/** What only a tagger or parser can tell. */
const needsModel = ['POS', 'TAG', 'MORPH', 'DEP', 'LEMMA', 'ENT_TYPE', 'ENT_IOB', 'ENT_ID', 'ENT_KB_ID', '_']

const attributes = [...Object.keys(textual), ...flagNames, ...Object.keys(positional), 'LENGTH', 'OP', 'CONTEXT']

const bad = (what: string, where: string, mend = 'https://spacy.io/api/matcher#patterns describes the form.') =>
  new NerError('weak/bad-token-pattern', what, { where, mend })

/** A pattern of more tokens, repetitions written out, is refused. */
const mostTokens = 200

/**
 * Reads a pattern. Throws `weak/bad-token-pattern` with the place in the file and the token, and `weak/bad-pattern` for a
 * `REGEX` that cannot be run.
 */
export function parseTokenPattern(pattern: Json, where: string, lists: WordLists = {}): PatternToken[] {
  if (!isList(pattern) || pattern.length === 0) throw bad('A pattern is a list of tokens.', where)
  const tokens = pattern.flatMap((token, i) => patternTokens(token, `${where}, token ${i + 1}`, lists))
  if (tokens.length > mostTokens) throw bad(`A pattern of ${tokens.length} tokens is too long.`, where)
  const own = tokens.filter(({ context }) => !context)
  if (own.length === 0) throw bad('The pattern has no token but those of context.', where)
  const [first, last] = [tokens.indexOf(own[0]!), tokens.lastIndexOf(own.at(-1)!)]
  if (last - first >= own.length) {
    throw bad(
      'A token of context stands in the middle.',
      where,
      'Only a pattern’s first and last tokens can be context.',
    )
  }
  return tokens
}

function patternTokens(token: Json, where: string, lists: WordLists): PatternToken[] {
  if (!isObject(token)) throw bad('A token is an object of attributes.', where, 'Write e.g. {"LOWER": "bank"}.')
  const upper: JsonObject = Object.fromEntries(Object.entries(token).map(([key, value]) => [key.toUpperCase(), value]))
  for (const key of Object.keys(upper)) checkAttribute(key, where)
  const { OP: op = '1', CONTEXT: context = false, ...asked } = upper
  if (typeof context !== 'boolean') throw bad('CONTEXT is true or false.', where)
  if (context && op !== '1' && op !== '!') throw bad('A token of context comes once: it has no OP.', where)
  const tests = Object.entries(asked).map(([key, value]) => testOf(key, value!, { where: `${where}, ${key}`, lists }))
  const onWords = tests.flatMap(({ word }) => (word ? [word] : []))
  const heres = tests.flatMap(({ here }) => (here ? [here] : []))
  const literal = tests.find(({ literal }) => literal)?.literal
  const once: Omit<PatternToken, 'times'> = {
    onWord: onWords.length === 1 ? onWords[0]! : (word) => onWords.every((test) => test(word)),
    ...(heres.length > 0 && { here: (words: Words, at: number) => heres.every((test) => test(words, at)) }),
    ...(literal && { literal }),
    negated: op === '!',
    context,
  }
  return op === '!' ? [{ ...once, times: 'one' }] : repeated(once, op, where)
}

function checkAttribute(key: string, where: string): void {
  if (attributes.includes(key)) return
  if (needsModel.includes(key)) {
    throw bad(`${key} needs a tagger or parser, and there is none here.`, where, 'Ask for TEXT, LOWER or SHAPE.')
  }
  const meant = nearest(key, attributes)
  throw bad(`There is no attribute ${key}.`, where, meant === undefined ? undefined : `Did you mean ${meant}?`)
}

/** Repetitions written out: `+` is one and then many, `{2,4}` two and then two optional ones. */
function repeated(once: Omit<PatternToken, 'times'>, op: Json, where: string): PatternToken[] {
  const times = (times: PatternToken['times'], count = 1) => Array<PatternToken>(count).fill({ ...once, times })
  if (op === '1') return times('one')
  if (op === '?') return times('optional')
  if (op === '*') return times('many')
  if (op === '+') return [...times('one'), ...times('many')]
  const range = typeof op === 'string' ? /^\{(\d{0,4})(,?)(\d{0,4})\}$/.exec(op) : null
  const [least, most] = [Number(range?.[1] ?? 0), range?.[2] === '' ? Number(range[1]) : Number(range?.[3] || Infinity)]
  if (!range || range[0] === '{}' || range[0] === '{,}' || most < least || least > mostTokens) {
    throw bad(`There is no operator ${JSON.stringify(op)}.`, `${where}, OP`, 'There are ! ? + * {n} {n,} {,m} {n,m}.')
  }
  if (most === Infinity) return [...times('one', least), ...times('many')]
  return [...times('one', least), ...times('optional', Math.min(most - least, mostTokens + 1))]
}

/** A test of the word alone, or of where it stands. */
interface Test {
  readonly word?: (word: Word) => boolean
  readonly here?: PatternToken['here']
  readonly literal?: PatternToken['literal']
}

/** The place of a value in its file, and the lists it may name. */
interface Scope {
  readonly where: string
  readonly lists: WordLists
}

function testOf(key: string, value: Json, scope: Scope): Test {
  const { where, lists } = scope
  const at = positional[key]
  const flag = flagNames.find((name) => name === key)
  if (at || flag) {
    if (typeof value !== 'boolean') throw bad(`${key} is true or false, not ${JSON.stringify(value)}.`, where)
    return at ? { here: (words, i) => at(words, i) === value } : { word: flagTest(flag!, value) }
  }
  if (key === 'LENGTH') {
    const test = lengthTest(value, where)
    return { word: (word) => test([...word.text].length) }
  }
  const read = textual[key]!
  const test = textTest(value, scope)
  const one = isObject(value) ? value['IN'] : [value]
  const exact = typeof one === 'string' ? lists[one]! : one
  const isLiteral = isList(exact) && exact.every((text) => typeof text === 'string') && read !== textual['SHAPE']
  return {
    word: (word) => test(read(word)),
    ...(isLiteral && { literal: { attribute: read === text ? 'text' : 'lower', values: exact } }),
  }
}

function flagTest(flag: Flag, value: boolean): (word: Word) => boolean {
  const bit = flagBit(flag)
  return (word) => ((word.flags & bit) !== 0) === value
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
}

function lengthTest(value: Json, where: string): (length: number) => boolean {
  if (typeof value === 'number') return (length) => length === value
  if (!isObject(value)) throw bad(`LENGTH is a number or a comparison, not ${JSON.stringify(value)}.`, where)
  const tests = Object.entries(value).map(([operator, bound]) => {
    const compare = comparisons[operator]
    if (compare && typeof bound === 'number') return (length: number) => compare(length, bound)
    if ((operator === 'IN' || operator === 'NOT_IN') && isList(bound ?? null)) {
      return (length: number) => (bound as readonly Json[]).includes(length) === (operator === 'IN')
    }
    throw bad(`LENGTH cannot be compared by ${operator} ${JSON.stringify(bound)}.`, where)
  })
  return (length) => tests.every((test) => test(length))
}

type TextTest = (text: string) => boolean

/** What a text must be: itself, or an object of operators that must all hold. */
function textTest(value: Json, scope: Scope): TextTest {
  if (typeof value === 'string') return (text) => text === value
  if (!isObject(value) || Object.keys(value).length === 0) {
    throw bad(`A text or an object of operators is wanted, not ${JSON.stringify(value)}.`, scope.where)
  }
  const tests = Object.entries(value).map(([operator, operand]) => operatorTest(operator, operand!, scope))
  return (text) => tests.every((test) => test(text))
}

function operatorTest(name: string, operand: Json, scope: Scope): TextTest {
  const operator = name.toUpperCase()
  const { where } = scope
  const fuzzy = /^FUZZY([1-9])?$/.exec(operator)
  if (operator === 'REGEX') return anyOf(operand, scope, regexTest)
  if (fuzzy) return anyOf(operand, scope, (text) => fuzzyTest(text, fuzzy[1]))
  if (operator !== 'IN' && operator !== 'NOT_IN') {
    const meant = nearest(operator, ['IN', 'NOT_IN', 'REGEX', 'FUZZY'])
    throw bad(`There is no operator ${name}.`, where, meant === undefined ? undefined : `Did you mean ${meant}?`)
  }
  const values = new Set(textsOf(operand, { ...scope, where: `${where}.${operator}` }))
  return operator === 'IN' ? (text) => values.has(text) : (text) => !values.has(text)
}

function textsOf(operand: Json, { where, lists }: Scope): readonly string[] {
  if (typeof operand === 'string') {
    const list = lists[operand]
    if (list) return list
    const meant = nearest(operand, Object.keys(lists))
    throw bad(
      `There is no list ${operand}.`,
      where,
      meant === undefined ? 'Name it under lists.' : `Did you mean ${meant}?`,
    )
  }
  if (isList(operand) && operand.every((one) => typeof one === 'string')) return operand
  throw bad('A list of texts is wanted.', where, 'Write e.g. ["bank", "banks"].')
}

/** `REGEX` and `FUZZY` take a text, or `IN` or `NOT_IN` and a list of them. */
function anyOf(operand: Json, scope: Scope, one: (text: string, where: string) => TextTest): TextTest {
  const { where } = scope
  if (typeof operand === 'string') return one(operand, where)
  const [operator, list, ...rest] = isObject(operand) ? Object.entries(operand).flat() : []
  if ((operator !== 'IN' && operator !== 'NOT_IN') || rest.length > 0)
    throw bad('A text or {"IN": […]} is wanted.', where)
  const tests = textsOf(list as Json, scope).map((text) => one(text, where))
  return (text) => tests.some((test) => test(text)) === (operator === 'IN')
}

/** Searched for anywhere in the word, as Python's `re.search` does. */
function regexTest(pattern: string, where: string): TextTest {
  const compiled = compilePattern(unicodeClasses(pattern), where)
  return (text) => compiled.matcher(text).find()
}

/** Python's `round`. */
function halfToEven(value: number): number {
  const floor = Math.floor(value)
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value)
}

/** Edits of characters, not of UTF-16 units: each astral one stands for a unit that neither text has. */
function characterDistance(a: string, b: string): number {
  if (!astral.test(a) && !astral.test(b)) return distance(a, b)
  const units = new Map<string, string>()
  const unused = (function* () {
    for (let unit = 0xe000; unit < 0xf900; unit++) {
      const character = String.fromCharCode(unit)
      if (!a.includes(character) && !b.includes(character)) yield character
    }
  })()
  const inUnits = (text: string) =>
    Array.from(text, (character) => {
      if (character.length === 1) return character
      if (!units.has(character)) units.set(character, unused.next().value ?? character)
      return units.get(character)!
    }).join('')
  return distance(inUnits(a), inUnits(b))
}

const astral = /[\ud800-\udbff][\udc00-\udfff]/

/** spaCy's bound on edits: as many as the operator's name says, else three tenths of the length, and at least two. */
function fuzzyTest(wanted: string, edits: string | undefined): TextTest {
  const length = [...wanted].length
  const most = edits === undefined ? Math.max(2, halfToEven(0.3 * length)) : Number(edits)
  return (text) => Math.abs([...text].length - length) <= most && characterDistance(text, wanted) <= most
}
