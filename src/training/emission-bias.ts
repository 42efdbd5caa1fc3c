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

  /** Settles one side of each tag: the transitions that `at` finds between it and the others, and its edge of a sentence. */
  const settle = (edge: Float32Array, edgeCounts: Float64Array, at: (tag: number, other: number) => number) => {
    for (let tag = 0; tag < labels; tag++) {
      let sum = edge[tag]! * edgeCounts[tag]!
      let taken = edgeCounts[tag]!
      for (let other = 0; other < labels; other++) {
        sum += transitions[at(tag, other)]! * counts.steps[at(tag, other)]!
        taken += counts.steps[at(tag, other)]!
      }
      // A tag that the data never takes stays where it is.
      const mean = taken === 0 ? 0 : sum / taken
      for (let other = 0; other < labels; other++) transitions[at(tag, other)]! -= mean
      edge[tag]! -= mean
      bias[tag]! += mean
    }
  }
  settle(start, counts.start, (to, from) => from * labels + to)
  settle(end, counts.end, (from, to) => from * labels + to)
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
