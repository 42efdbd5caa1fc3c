import { expect, test } from 'vitest'
import { legalTransitions } from '../../src/data/schemes.js'
import { decodeArgmax, marginals, viterbi } from '../../src/inference/decode.js'
import { makeChain } from '../../src/models/transitions.js'
import { random } from '../../src/random.js'
import { settleBias } from '../../src/training/emission-bias.js'
import { tinyTagger } from './golden-model.js'

const tags = ['O', 'B-X', 'I-X']
const tagger = { ...tinyTagger('crf'), tags, legal: legalTransitions(tags, 'IOB2') }

function example(...sequence: number[]) {
  const none = new Int32Array(sequence.length)
  return {
    windows: [],
    sentences: [{ document: 0, firstWord: 0, window: none, piece: none, tags: Int32Array.from(sequence) }],
  }
}

/** Emissions of words as the head gives them: what the word says, and the bias. */
const emissionsOf = (words: readonly number[], bias: Float32Array) =>
  Float32Array.from(words, (score, i) => score + bias[i % tags.length]!)

const chainOf = (weights: Map<string, Float32Array>) =>
  makeChain(
    {
      transitions: weights.get('crf.transitions')!,
      start: weights.get('crf.start')!,
      end: weights.get('crf.end')!,
    },
    tagger.legal,
  )

test('the chain decodes as before, and argmax sees its mean', () => {
  const next = random('gauge')
  const examples = [example(0, 0, 1, 2, 0), example(0, 1, 0, 0), example(0, 0, 0)]
  const draw = (length: number, scale: number) => Float32Array.from({ length }, () => scale * (next() - 0.5))
  for (let round = 0; round < 50; round++) {
    const weights = new Map([
      ['crf.transitions', draw(9, 6)],
      ['crf.start', draw(3, 6)],
      ['crf.end', draw(3, 6)],
      ['classifier.bias', draw(3, 2)],
    ])
    const words = Array.from({ length: 15 }, () => 4 * (next() - 0.5))
    const before = {
      bias: weights.get('classifier.bias')!.slice(),
      chain: chainOf(new Map([...weights].map(([name, data]) => [name, data.slice()]))),
    }
    settleBias(weights, tagger, examples)
    const old = emissionsOf(words, before.bias)
    const settled = emissionsOf(words, weights.get('classifier.bias')!)
    expect(viterbi(settled, chainOf(weights))).toEqual(viterbi(old, before.chain))
    const after = marginals(settled, chainOf(weights))
    marginals(old, before.chain).forEach((p, i) => expect(after[i]).toBeCloseTo(p, 4))
  }
})

test('a bias that the transitions had taken goes back to the classifier', () => {
  // Every step into O is worth 5: the emissions learn to say O five lower than they mean.
  const weights = new Map([
    ['crf.transitions', Float32Array.of(5, 0, 0, 5, 0, 0, 5, 0, 0)],
    ['crf.start', Float32Array.of(5, 0, 0)],
    ['crf.end', new Float32Array(3)],
    ['classifier.bias', Float32Array.of(-5, 0, 0)],
  ])
  const words = [1, 0, 0, 1, 0, 0, 0, 2, 0]
  expect([...decodeArgmax(emissionsOf(words, weights.get('classifier.bias')!), 3).tags]).toEqual([1, 1, 1])
  settleBias(weights, tagger, [example(0, 0, 1, 0)])
  expect([...decodeArgmax(emissionsOf(words, weights.get('classifier.bias')!), 3).tags]).toEqual([0, 0, 1])
})
