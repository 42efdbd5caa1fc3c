import { describe, expect, it } from 'vitest'
import { schema } from '../../src/weak/config.js'
import type { SpecOf } from '../../src/sources/config.js'
import { documentRule } from '../../src/sources/document-rules.js'
import { documentOf, seen, shown } from '../data/words.js'

/** Labels surfaces where they stand for the first time, or at a given occurrence. */
function apply(
  text: string,
  labelled: readonly (readonly [surface: string, label: string, occurrence?: number])[],
  settings: object,
) {
  const functions = { f: { kind: 'document', ...settings } }
  const spec = schema.parse({ labels: ['X'], functions }).functions['f'] as SpecOf<'document'>
  const document = documentOf(text.split(' '))
  const spans = labelled.map(([surface, label, occurrence = 0]) => {
    let start = -1
    for (let i = 0; i <= occurrence; i++) start = text.indexOf(surface, start + 1)
    return { start, end: start + surface.length, label }
  })
  return documentRule(seen(document), [spans], spec).map(({ start, end, label }) => ({
    what: shown(document, [{ start, end, label }])[0],
    start,
  }))
}

const what = (...args: Parameters<typeof apply>) => apply(...args).map(({ what }) => what)

describe('elsewhere', () => {
  const rule = { rule: 'elsewhere' }

  it('labels a name wherever it stands, save where a source did', () => {
    const text = 'Oslo said Oslo won'
    expect(apply(text, [['Oslo', 'LOC', 1]], rule)).toEqual([{ what: 'Oslo LOC', start: 0 }])
    expect(what('New York or New York', [['New York', 'LOC']], rule)).toEqual(['New York LOC'])
  })

  it('gives every label that the name has', () => {
    expect(
      what(
        'Jordan Jordan and Jordan',
        [
          ['Jordan', 'LOC'],
          ['Jordan', 'PER', 1],
        ],
        rule,
      ),
    ).toEqual(['Jordan LOC', 'Jordan PER'])
  })

  it('passes over votes for no entity, labels not asked for, spans that cut words, and names seen too seldom', () => {
    const text = 'March in March'
    expect(what(text, [['March', 'O']], rule)).toEqual([])
    expect(what(text, [['March', 'PER']], { ...rule, labels: ['LOC'] })).toEqual([])
    expect(what(text, [['Mar', 'PER']], rule)).toEqual([])
    expect(what(text, [['March', 'PER']], { ...rule, min_votes: 2 })).toEqual([])
  })
})

describe('short forms', () => {
  const rule = { rule: 'short_forms' }

  it('labels the last word of a long name after it, not before', () => {
    const text = 'Merkel is Angela Merkel and Merkel said'
    expect(apply(text, [['Angela Merkel', 'PER']], rule)).toEqual([{ what: 'Merkel PER', start: 28 }])
  })

  it('labels headlines in capitals, before the name too, where asked to', () => {
    const text = 'MERKEL WINS : Angela Merkel won'
    const labelled = [['Angela Merkel', 'PER']] as const
    expect(what(text, labelled, { ...rule, case: 'capitals' })).toEqual([])
    expect(what(text, labelled, { ...rule, case: 'capitals', place: 'anywhere' })).toEqual(['MERKEL PER'])
  })

  it('labels first words and initials where asked to', () => {
    const text = 'the World Health Organization : World , WHO or Organization'
    const labelled = [['World Health Organization', 'ORG']] as const
    expect(what(text, labelled, { ...rule, parts: ['first', 'initials'] })).toEqual(['World ORG', 'WHO ORG'])
  })

  it('takes no word without a capital for a short form', () => {
    expect(what('Bank of england and england', [['Bank of england', 'ORG']], rule)).toEqual([])
  })
})

describe('majority', () => {
  const rule = { rule: 'majority' }

  it('gives each name the label of most votes, everywhere', () => {
    const labelled = [
      ['Jordan', 'PER'],
      ['Jordan', 'PER', 1],
      ['Jordan', 'LOC', 1],
    ] as const
    expect(what('Jordan Jordan Jordan', labelled, rule)).toEqual(['Jordan PER', 'Jordan PER', 'Jordan PER'])
  })

  it('says nothing where votes are even', () => {
    expect(
      what(
        'Jordan or Jordan',
        [
          ['Jordan', 'PER'],
          ['Jordan', 'LOC'],
        ],
        rule,
      ),
    ).toEqual([])
  })
})
