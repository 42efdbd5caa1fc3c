import type { Example } from '../features/batch.js'
import { crfNames } from '../models/crf.js'
import type { Tagger } from '../models/tagger.js'

/**
 * Moves what a CRF's transitions say of single tags into the classifier's bias.
 *
 * Adding cⱼ to every emission of tag j, and taking it off every transition into j and off the start at j, changes no
 * path's score; nor does adding dᵢ to the emissions of i and taking it off the transitions out of i and the end at i.
 * Training leaves open where these constants are, and a CRF that learns faster than the head takes them: the chain
 * decodes well while plain argmax, which is all that other tools see of the model, is biased. Here c and d are the mean
 * transition into and out of a tag, weighted by how often the training data takes it, so that argmax sees the chain's
 * mean. Changes `weights` in place; the chain's probabilities stay what they were, but for rounding.
 */
export function settleBias(
  weights: ReadonlyMap<string, Float32Array>,
  tagger: Tagger,
  examples: readonly Example[],
): void {
  if (tagger.head !== 'crf') return
  const labels = tagger.tags.length
  const [transitions, start, end] = [crfNames.transitions, crfNames.start, crfNames.end].map((name) =>
    weights.get(name)!,
  ) as [Float32Array, Float32Array, Float32Array]
  const bias = weights.get('classifier.bias')!
  const counts = countSteps(examples, tagger)

  for (let to = 0; to < labels; to++) {
    const into = (from: number) => from * labels + to
    const mean = weighted(
      labels,
      (from) => transitions[into(from)]!,
      (from) => counts.steps[into(from)]!,
      start[to]!,
      counts.start[to]!,
    )
    for (let from = 0; from < labels; from++) transitions[into(from)]! -= mean
    start[to]! -= mean
    bias[to]! += mean
  }
  for (let from = 0; from < labels; from++) {
    const out = (to: number) => from * labels + to
    const mean = weighted(
      labels,
      (to) => transitions[out(to)]!,
      (to) => counts.steps[out(to)]!,
      end[from]!,
      counts.end[from]!,
    )
    for (let to = 0; to < labels; to++) transitions[out(to)]! -= mean
    end[from]! -= mean
    bias[from]! += mean
  }
}

/** How often the data starts with, steps between and ends with tags; soft tags count with their shares. */
function countSteps(examples: readonly Example[], { tags }: Tagger) {
  const counts = {
    start: new Float64Array(tags.length),
    end: new Float64Array(tags.length),
    steps: new Float64Array(tags.length ** 2),
  }
  for (const { sentences } of examples) {
    for (const { tags: own, soft } of sentences) {
      if (soft) countSoftSteps(counts, soft, tags.length)
      if (soft || !own || own.length === 0) continue
      counts.start[own[0]!]!++
      counts.end[own.at(-1)!]!++
      for (let word = 1; word < own.length; word++) counts.steps[own[word - 1]! * tags.length + own[word]!]!++
    }
  }
  return counts
}

/** The shares of neighbouring words are taken as independent: they only weigh what the mean is of. */
function countSoftSteps(counts: ReturnType<typeof countSteps>, soft: Float32Array, labels: number): void {
  for (let tag = 0; tag < labels && soft.length > 0; tag++) {
    counts.start[tag]! += soft[tag]!
    counts.end[tag]! += soft[soft.length - labels + tag]!
  }
  for (let word = labels; word < soft.length; word += labels) {
    for (let from = 0; from < labels; from++) {
      const share = soft[word - labels + from]!
      for (let to = 0; to < labels; to++) counts.steps[from * labels + to]! += share * soft[word + to]!
    }
  }
}

/** The mean of a tag's transitions and of the sentence's edge; 0 where the data takes none of them. */
function weighted(
  labels: number,
  score: (tag: number) => number,
  count: (tag: number) => number,
  edgeScore: number,
  edgeCount: number,
): number {
  let sum = edgeScore * edgeCount
  let total = edgeCount
  for (let tag = 0; tag < labels; tag++) {
    sum += score(tag) * count(tag)
    total += count(tag)
  }
  return total === 0 ? 0 : sum / total
}
