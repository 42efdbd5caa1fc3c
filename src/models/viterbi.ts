import { Graph } from '../graph/graph.js'
import type { Tensor, Value } from '../graph/types.js'
import type { Chain } from './transitions.js'

/** The tag of what is no word. */
export const noTag = -1

/** Stands for −∞: float16 and engines that flush infinities have to hold it too. */
const forbidden = -1e4

/**
 * The best path of a chain (Viterbi, 1967) by standard operators, the same as `viterbi` of `decode.ts`: int64 [sentences,
 * words], {@link noTag} on padding.
 *
 *     scores[t, j] = max_i (scores[t−1, i] + step[i, j]) + e[t, j],   back[t, j] = argmax_i
 *
 * One scan runs forwards over the words, one backwards over the pointers. Start and end are one more tag, the boundary:
 * its row of `step` holds the starts, its column nothing that can be taken. Scores are kept relative to the best one, so
 * that float32 tells paths apart however long the sentence is. Padding hands on what it gets: its pointers point to the
 * same tag.
 *
 * @param emissions float32 [sentences, words, labels]
 * @param mask float32 [sentences, words, 1]: 1 on words, which come before padding, and 0 there.
 */
export function bestPath(g: Graph, emissions: Value, mask: Value, chain: Chain): Value {
  const [sentences, words, labels] = emissions.shape as [string, string, number]
  const tags = labels + 1
  const byWord = (value: Value) => g.transpose(value, [1, 0, 2])
  const bounded = g.concat([emissions, g.fill([sentences, words, 1], forbidden, 'float32')], 2)
  const atBoundary = g.concat(
    [g.fill([sentences, labels], forbidden, 'float32'), g.fill([sentences, 1], 0, 'float32')],
    1,
  )
  const inWords = byWord(mask)
  const [last, back] = g.scan(forwardStep(sentences, tags, chain), [atBoundary], [byWord(bounded), inWords])
  const ending = g.add(last!, g.initializer('crf.end', row([...chain.end, -Infinity])))
  const final = g.unsqueeze(g.cast(g.argmax(ending, -1), 'float32'), [1])
  const [, path] = g.scanBack(backwardStep(sentences, tags), [final], [back!, inWords])
  return g.reshape(g.cast(g.transpose(path!, [1, 0, 2]), 'int64'), [sentences, words])
}

/** (scores, emissions of a word, whether it is one) → (scores, pointers) */
function forwardStep(sentences: string, tags: number, chain: Chain): Graph {
  const g = new Graph('forward')
  const scores = g.input('scores', 'float32', [sentences, tags])
  const emission = g.input('emission', 'float32', [sentences, tags])
  const isWord = g.less(g.scalar(0), g.input('mask', 'float32', [sentences, 1]))
  const candidates = g.add(g.unsqueeze(scores, [2]), g.initializer('crf.steps', steps(chain)))
  const best = g.add(g.maximum(candidates, [1], 0), emission)
  const pointers = g.cast(g.argmax(candidates, 1), 'float32')
  const relative = g.sub(best, g.maximum(best, [1]))
  g.output('next', g.where(isWord, relative, scores))
  g.output('back', g.where(isWord, pointers, g.initializer('tags', numbered(tags))))
  return g
}

/** (tag, pointers of its word, whether it is one) → (tag of the word before, what is said of this one) */
function backwardStep(sentences: string, tags: number): Graph {
  const g = new Graph('backward')
  const tag = g.input('tag', 'float32', [sentences, 1])
  const back = g.input('back', 'float32', [sentences, tags])
  const isWord = g.less(g.scalar(0), g.input('mask', 'float32', [sentences, 1]))
  const isTag = g.equal(g.initializer('tags', numbered(tags)), tag)
  g.output('before', g.sum(g.where(isTag, back, g.scalar(0)), [1]))
  g.output('path', g.where(isWord, tag, g.scalar(noTag)))
  return g
}

/** [tags, tags], the boundary last. */
function steps({ labels, transitions, start }: Chain): Tensor {
  const rows = Array.from({ length: labels }, (_, from) => [
    ...transitions.subarray(from * labels, (from + 1) * labels),
    -Infinity,
  ])
  return { ...row([...rows.flat(), ...start, -Infinity]), dims: [labels + 1, labels + 1] }
}

function row(values: readonly number[]): Tensor {
  return { dtype: 'float32', dims: [values.length], data: Float32Array.from(values, (it) => Math.max(it, forbidden)) }
}

const numbered = (tags: number) => row([...Array(tags).keys()])
