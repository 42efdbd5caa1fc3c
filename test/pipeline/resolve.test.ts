import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Span } from '../../src/data/document.js'
import { policies, type Policy, resolve } from '../../src/pipeline/resolve.js'

const span = (start: number, end: number, label: string, score?: number): Span => ({
  start,
  end,
  label,
  ...(score !== undefined && { score }),
})
const of = (spans: readonly Span[]) => spans.map(({ start, end, label, source }) => [start, end, label, source])

/** What comes of a model's spans and a list's under a policy. */
const both = (policy: Policy, model: readonly Span[], list: readonly Span[]) =>
  of(resolve({ model, list }, { model: 'find', list: policy }))

describe('a policy', () => {
  const inner = span(2, 4, 'LOC')
  const outer = span(0, 6, 'PER')

  it('force: the list stands, and what overlaps it goes', () => {
    expect(both('force', [outer, span(8, 9, 'ORG')], [inner])).toEqual([
      [2, 4, 'LOC', 'list'],
      [8, 9, 'ORG', 'model'],
    ])
  })
  it('prefer: the list replaces what is within it, and yields to what reaches beyond it', () => {
    expect(both('prefer', [outer], [inner])).toEqual([[0, 6, 'PER', 'model']])
    expect(both('prefer', [inner], [outer])).toEqual([[0, 6, 'PER', 'list']])
    expect(both('prefer', [], [inner])).toEqual([[2, 4, 'LOC', 'list']])
    expect(both('prefer', [span(3, 5, 'LOC')], [inner])).toEqual([[3, 5, 'LOC', 'model']])
  })
  it('agree: the list counts where the model found its type, and gives the extent', () => {
    expect(both('agree', [inner], [outer])).toEqual([[2, 4, 'LOC', 'model']])
    expect(both('agree', [span(2, 4, 'PER')], [outer])).toEqual([[0, 6, 'PER', 'list']])
    expect(both('agree', [], [outer])).toEqual([])
  })
  it('block: what was found within the list goes, of its label or of any', () => {
    expect(both('block', [inner], [span(0, 6, 'LOC')])).toEqual([])
    expect(both('block', [inner], [outer])).toEqual([[2, 4, 'LOC', 'model']])
    expect(both('block', [inner], [span(0, 6, 'O')])).toEqual([])
    expect(both('block', [outer], [span(2, 4, 'O')])).toEqual([[0, 6, 'PER', 'model']])
  })
  it('says that there is no entity by the label O', () => {
    expect(both('force', [outer], [span(2, 4, 'O')])).toEqual([])
    expect(both('prefer', [inner], [span(2, 4, 'O')])).toEqual([])
  })
})

describe('of one layer', () => {
  it('the longest of overlapping spans counts', () => {
    expect(both('force', [], [span(0, 2, 'A'), span(0, 5, 'B'), span(4, 7, 'C')])).toEqual([[0, 5, 'B', 'list']])
  })
  it('of several labels of one surface that which was found, or the likeliest, or the first', () => {
    const labels = [span(0, 2, 'A', 0.2), span(0, 2, 'B', 0.7), span(0, 2, 'C', 0.1)]
    expect(both('prefer', [span(0, 2, 'C')], labels)).toEqual([[0, 2, 'C', 'list']])
    expect(both('prefer', [], labels)).toEqual([[0, 2, 'B', 'list']])
    expect(both('prefer', [], [span(0, 2, 'A'), span(0, 2, 'B')])).toEqual([[0, 2, 'A', 'list']])
  })
})

it('gives the first of layers of one policy the last word', () => {
  const layers = { a: [span(0, 2, 'A')], b: [span(0, 2, 'B')] }
  expect(of(resolve(layers, { a: 'force', b: 'force' }))).toEqual([[0, 2, 'A', 'a']])
  expect(of(resolve(layers, { b: 'force', a: 'force' }))).toEqual([[0, 2, 'B', 'b']])
})

const anySpan = fc
  .record({ start: fc.nat(20), length: fc.integer({ min: 1, max: 6 }), label: fc.constantFrom('A', 'B', 'O') })
  .map(({ start, length, label }) => span(start, start + length, label))
const anyLayers = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.record({ policy: fc.constantFrom(...policies), spans: fc.array(anySpan, { maxLength: 8 }) }),
)

it('gives spans in order, none overlapping, each of the layer that it names; what is forced is free of others', () => {
  fc.assert(
    fc.property(anyLayers, (given) => {
      const layers = Object.fromEntries(Object.entries(given).map(([name, { spans }]) => [name, spans]))
      const own = Object.fromEntries(Object.entries(given).map(([name, { policy }]) => [name, policy]))
      const answer = resolve(layers, own)
      for (const [i, { start, end, label, source }] of answer.entries()) {
        expect(start).toBeGreaterThanOrEqual(i === 0 ? 0 : answer[i - 1]!.end)
        expect(layers[source!]).toContainEqual(span(start, end, label))
        expect(label).not.toBe('O')
        expect(own[source!]).not.toBe('block')
        // What is forced and says that there is nothing leaves nothing that overlaps it, but what is forced itself.
        const forcedAway = Object.entries(given).some(
          ([, { policy, spans }]) =>
            policy === 'force' && spans.length === 1 && spans[0]!.start < end && start < spans[0]!.end,
        )
        if (forcedAway) expect(own[source!]).toBe('force')
      }
    }),
  )
})
