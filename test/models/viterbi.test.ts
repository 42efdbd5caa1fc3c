import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { legalTransitions, type Scheme, schemeTags } from '../../src/data/schemes.js'
import { Graph } from '../../src/graph/graph.js'
import { encodeModel } from '../../src/graph/onnx/encode.js'
import { viterbi } from '../../src/inference/decode.js'
import { makeChain, type Chain } from '../../src/models/transitions.js'
import { bestPath, noTag } from '../../src/models/viterbi.js'
import { random, type Random } from '../../src/random.js'
import { createSession, type Session } from '../../src/runtime/session.js'
import { anything } from './enumeration.js'

function chainOf(tags: readonly string[], scheme: Scheme | undefined, draw: () => number): Chain {
  const labels = tags.length
  const scores = (count: number) => Float32Array.from({ length: count }, draw)
  const legal = scheme ? legalTransitions(tags, scheme) : anything(labels)
  return makeChain({ transitions: scores(labels * labels), start: scores(labels), end: scores(labels) }, legal)
}

function graph(chain: Chain): Graph {
  const g = new Graph('viterbi')
  const emissions = g.input('emissions', 'float32', ['sentences', 'words', chain.labels])
  const mask = g.input('mask', 'float32', ['sentences', 'words', 1])
  g.output('tags', bestPath(g, emissions, mask, chain))
  return g
}

/** The tags of sentences of all lengths in one batch, by the graph and by us, with noTag on padding. */
async function decodeBoth(session: Session, chain: Chain, lengths: readonly number[], draw: () => number) {
  const { labels } = chain
  const words = Math.max(...lengths)
  const data = Float32Array.from({ length: lengths.length * words * labels }, draw)
  const { tags } = await session.run({
    emissions: { dtype: 'float32', dims: [lengths.length, words, labels], data },
    mask: {
      dtype: 'float32',
      dims: [lengths.length, words, 1],
      data: Float32Array.from({ length: lengths.length * words }, (_, i) =>
        Number(i % words < lengths[(i / words) | 0]!),
      ),
    },
  })
  const ours = lengths.flatMap((length, row) => {
    const from = row * words * labels
    const path = viterbi(data.subarray(from, from + length * labels), chain)
    return [...path, ...Array<number>(words - length).fill(noTag)]
  })
  return { theirs: Array.from(tags!.data, Number), ours, dims: tags!.dims }
}

const schemes: Readonly<Record<string, [readonly string[], Scheme | undefined]>> = {
  'one tag': [['O'], undefined],
  'anything goes': [['A', 'B', 'C', 'D'], undefined],
  IOB2: [schemeTags(['LOC', 'MISC', 'ORG', 'PER'], 'IOB2'), 'IOB2'],
  IOBES: [schemeTags(['X', 'Y'], 'IOBES'), 'IOBES'],
  BILOU: [schemeTags(['X', 'Y', 'Z'], 'BILOU'), 'BILOU'],
}

describe.each(Object.entries(schemes))('the best path in the graph, over %s', (name, [tags, scheme]) => {
  const next: Random = random('viterbi', name)
  const draw = (range: number) => () => (2 * next() - 1) * range
  const chain = chainOf(tags, scheme, draw(3))
  let session: Session
  beforeAll(async () => void (session = await createSession(encodeModel(graph(chain)), { threads: 1 })))
  afterAll(() => session.release())

  test('is ours on 250 random sentences of 1 to 60 words, in batches', async () => {
    for (let batch = 0; batch < 10; batch++) {
      const lengths = Array.from({ length: 25 }, () => 1 + Math.floor(next() ** 2 * 60))
      const { ours, theirs, dims } = await decodeBoth(session, chain, lengths, draw(8))
      expect(dims).toEqual([25, Math.max(...lengths)])
      expect(theirs).toEqual(ours)
      if (tags.length > 1) expect(new Set(ours).size).toBeGreaterThan(2)
    }
  })

  test('is ours where the emissions want what the scheme forbids', async () => {
    const { ours, theirs } = await decodeBoth(session, chain, [40, 7, 1, 23], draw(300))
    expect(theirs).toEqual(ours)
  })

  test('takes the lower tag of two that score the same', async () => {
    const { ours, theirs } = await decodeBoth(session, chain, [1, 1, 1, 1], () => 0)
    expect(theirs).toEqual(ours)
  })

  test('is ours in a sentence so long that sums of scores would lose their digits', async () => {
    const { ours, theirs } = await decodeBoth(session, chain, [5000], draw(8))
    expect(theirs).toEqual(ours)
  })
})
