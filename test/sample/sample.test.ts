import { readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { splits, types } from '../../src/sample/names.js'
import { makeSample, toConll } from '../../src/sample/sample.js'

const sample = makeSample()
const file = (split: string) => new URL(`../../data/sample/${split}.conll`, import.meta.url)
const sentences = {
  train: sample.train.flat(),
  dev: sample.dev.flat(),
  test: sample.test.flat(),
}
const heldOut = ['dev', 'test'] as const
const union = <T>(sets: readonly (readonly T[])[]) => new Set(sets.flat())

describe('the sample', () => {
  it.each(splits)('is what its generator makes, to the byte: %s', (split) => {
    expect(toConll(sample[split]) === readFileSync(file(split), 'utf8')).toBe(true)
  })

  it('is small', () => {
    const bytes = splits.reduce((sum, split) => sum + statSync(file(split)).size, 0)
    expect(bytes).toBeLessThan(400_000)
    expect(sentences.train.length).toBeGreaterThan(1500)
  })

  it.each(splits)('has every type, more than one word long too, and sentences with none: %s', (split) => {
    const tags = union(sentences[split].map((sentence) => sentence.tags))
    expect([...tags].sort()).toEqual([...types.flatMap((type) => [`B-${type}`, `I-${type}`]), 'O'].sort())
    expect(sentences[split].some((sentence) => sentence.tags.every((tag) => tag === 'O'))).toBe(true)
  })

  it.each(splits)('has one tag a word, and words without spaces: %s', (split) => {
    for (const { words, tags } of sentences[split]) {
      expect(tags).toHaveLength(words.length)
      expect(words.join(' ')).not.toMatch(/[{}]|\s\s|undefined/)
      for (const [i, tag] of tags.entries()) {
        if (tag.startsWith('I-')) expect(tags[i - 1]!.slice(2)).toBe(tag.slice(2))
      }
    }
  })

  it('uses some names as several types', () => {
    const typesOf = new Map<string, Set<string>>()
    for (const { words, tags } of sentences.train) {
      for (const [i, tag] of tags.entries()) {
        if (tag !== 'O') typesOf.set(words[i]!, (typesOf.get(words[i]!) ?? new Set()).add(tag.slice(2)))
      }
    }
    expect([...typesOf.values()].filter((types) => types.size >= 3).length).toBeGreaterThan(5)
  })
})

describe.each(heldOut)('%s', (split) => {
  const others = splits.filter((other) => other !== split)

  it('has names that no other split has', () => {
    const stems = union(sentences[split].map((sentence) => sentence.stems))
    expect(stems.size).toBeGreaterThan(100)
    for (const other of others) {
      // Nowhere at all: as a name, as a common word, as part of another name.
      const words = union(sentences[other].map((sentence) => sentence.words))
      expect([...stems].filter((stem) => words.has(stem))).toEqual([])
    }
  })

  it('has in every sentence a part that no other split has', () => {
    const elsewhere = union(others.flatMap((other) => sentences[other].map((sentence) => sentence.parts)))
    for (const { parts } of sentences[split]) expect(parts.filter((part) => !elsewhere.has(part))).not.toEqual([])
  })

  it('has no words but names that training lacks', () => {
    const lower = (words: readonly string[]) => words.map((word) => word.toLowerCase())
    const known = union(sentences.train.map(({ words }) => lower(words)))
    const unknown = sentences[split].flatMap(({ words, tags, stems }) =>
      words.filter((word, i) => tags[i] === 'O' && !stems.includes(word) && !known.has(word.toLowerCase())),
    )
    expect(unknown).toEqual([])
  })
})
