import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Span } from '../../src/data/document.js'
import { segment, type SegmentedDocument } from '../../src/data/segment.js'
import { fitLabelModel, labeller, weakLayer, type LabelledDocument } from '../../src/weak/models/label-model.js'
import { labelModelJson, readLabelModel } from '../../src/weak/models/model-file.js'
import { defaultSettings, type LabelModelSettings } from '../../src/weak/models/settings.js'
import { knownStates } from '../../src/weak/votes/checked.js'
import { evidenceOf } from '../../src/weak/votes/segments.js'
import { collectVotes } from '../../src/weak/votes/votes.js'
import { simulate } from '../weak/models/simulate.js'

/** A kind of label model, and what of the contract it does not keep, each with its reason. */
export interface LabelModelContract {
  readonly model: LabelModelSettings['model']
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

const sources = {
  good: { accuracy: 0.95, coverage: 0.7 },
  fair: { accuracy: 0.8, coverage: 0.6, spurious: 0.02 },
  poor: { accuracy: 0.6, coverage: 0.5, spurious: 0.05 },
}

/** What every label model has to keep, on votes whose truth is known. */
export function runTest({ model, skip = [] }: LabelModelContract): void {
  const settings = { ...defaultSettings, model }
  const check = (name: string, body: () => void) => {
    const skipped = skip.find(({ tests }) => tests.includes(name))
    test.skipIf(skipped !== undefined)(skipped === undefined ? name : `${name} (${skipped.reason})`, body)
  }
  const fit = (documents: readonly SegmentedDocument[], names = Object.keys(sources).sort(), checked = false) => {
    const votes = collectVotes(documents, { sources: names })
    const evidence = evidenceOf(votes)
    const known = checked ? knownStates(documents, votes, () => true) : undefined
    return { votes, evidence, fitted: fitLabelModel(evidence, settings, known) }
  }
  const label = (documents: readonly SegmentedDocument[], names?: string[], checked?: boolean): LabelledDocument[] => {
    const { evidence, fitted } = fit(documents, names, checked)
    return documents.map(labeller(evidence, fitted))
  }
  /** Spans without scores, by document. */
  const spansOf = (documents: readonly LabelledDocument[]) =>
    new Map(
      documents.map(({ id, layers }) => [id, layers[weakLayer]!.map(({ start, end, label }) => [start, end, label])]),
    )

  check('each word has a distribution over tags, and spans are runs of words that do not overlap', () => {
    const documents = simulate(100, sources)
    for (const [i, { soft, tokens, layers }] of label(documents).entries()) {
      expect(soft.rows).toHaveLength(documents[i]!.tokens.length)
      for (const row of soft.rows) {
        expect(row).toHaveLength(soft.tags.length)
        expect(row.every((share) => share >= 0 && share <= 1)).toBe(true)
        expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
      }
      let free = 0
      for (const { start, end, score } of layers[weakLayer]!) {
        expect(start).toBeGreaterThanOrEqual(free)
        expect(tokens.some((token) => token.start === start)).toBe(true)
        expect(tokens.some((token) => token.end === end)).toBe(true)
        expect(score! > 0 && score! <= 1).toBe(true)
        free = end
      }
    }
  })

  check('words on which all sources agree are what they say, and words without a vote are no entity', () => {
    const names = ['one', 'two', 'three']
    const text = 'Ann Lee went to Rome today'
    const said: Span[] = [
      { start: 0, end: 7, label: 'PER' },
      { start: 16, end: 20, label: 'LOC' },
    ]
    const documents = Array.from({ length: 30 }, (_, id) =>
      segment({ id: String(id), text, layers: Object.fromEntries(names.map((name) => [name, said])) }),
    )
    for (const { layers, soft } of label(documents, names)) {
      expect(layers[weakLayer]).toMatchObject(said)
      for (const word of [2, 3, 5]) expect(soft.rows[word]![0]).toBe(1)
    }
  })

  check('labels are the same again, and in any order of documents and sources', () => {
    const documents = simulate(300, sources)
    const found = spansOf(label(documents))
    expect(spansOf(label(documents))).toEqual(found)
    expect(spansOf(label([...documents].reverse()))).toEqual(found)
    expect(spansOf(label(documents, Object.keys(sources).reverse()))).toEqual(found)
  })

  check('votes are as they were', () => {
    const documents = simulate(50, sources)
    const before = structuredClone(documents)
    const { votes, evidence, fitted } = fit(documents)
    const copy = structuredClone(votes)
    documents.forEach(labeller(evidence, fitted))
    expect(votes).toEqual(copy)
    expect(documents).toEqual(before)
  })

  check('a model that was written down and read again gives the same labels', () => {
    const documents = simulate(100, sources)
    const { votes, evidence, fitted } = fit(documents)
    const folder = mkdtempSync(join(tmpdir(), 'ner-label-model-'))
    try {
      const file = join(folder, 'model.json')
      writeFileSync(file, JSON.stringify(labelModelJson({ ...votes, model: fitted })))
      const { model: read, ...names } = readLabelModel(file)
      expect(names).toEqual({ sources: votes.sources, labels: votes.labels })
      expect(documents.map(labeller(evidence, read))).toEqual(documents.map(labeller(evidence, fitted)))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  check('where people have checked the words, one source that is right beats two that are not', () => {
    const documents = simulate(300, {
      right: { accuracy: 1, coverage: 1 },
      wrong: { accuracy: 0, coverage: 1 },
      alike: { accuracy: 0, coverage: 1, copies: 'wrong' },
    })
    const found = label(documents, ['right', 'wrong', 'alike'], true)
    const gold = documents.map(({ id, layers }) => [
      id,
      layers['gold']!.map(({ start, end, label }) => [start, end, label]),
    ])
    expect([...spansOf(found)]).toEqual(gold)
  })

  check('documents without words, or without votes, have no entities', () => {
    const documents = [...simulate(20, sources), segment({ id: 'empty', text: '', layers: {} })]
    const silent = segment({ id: 'silent', text: 'Ann went', layers: {} })
    const found = spansOf(label([...documents, silent]))
    expect(found.get('empty')).toEqual([])
    expect(found.get('silent')).toEqual([])
  })
}
