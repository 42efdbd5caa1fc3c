import type { Transitions, WordSpan } from '../../data/schemes.js'

/** A tag's share below this is none; the logarithm stays finite. */
const least = 1e-30

/**
 * The legal sequence of tags with the largest product of posteriors, [words × states] (posterior Viterbi, Fariselli et
 * al. 2005). Ties go to the tag with the lower index.
 */
export function decodeTags(posteriors: Float64Array, words: number, { start, follow }: Transitions): Int32Array {
  const states = start.length
  const score = new Float64Array(words * states).fill(-Infinity)
  const cameFrom = new Int32Array(words * states)
  for (let word = 0; word < words; word++) {
    for (let to = 0; to < states; to++) {
      const cell = word * states + to
      const own = Math.log(Math.max(least, posteriors[cell]!))
      if (word === 0 && start[to]) score[cell] = own
      for (let from = 0; word > 0 && from < states; from++) {
        if (!follow[from]![to] || score[cell - to - states + from]! + own <= score[cell]!) continue
        score[cell] = score[cell - to - states + from]! + own
        cameFrom[cell] = from
      }
    }
  }
  const tags = new Int32Array(words)
  let state = 0
  for (let to = 1; to < states; to++)
    if (score[(words - 1) * states + to]! > score[(words - 1) * states + state]!) state = to
  for (let word = words - 1; word >= 0; word--) {
    tags[word] = state
    state = cameFrom[word * states + state]!
  }
  return tags
}

/** A labelled run of words with the smallest posterior among its tags', which bounds its probability from above. */
export type ScoredRun = WordSpan & { readonly score: number }

/** The runs that a legal sequence of IOB2 tags stands for. */
export function runsOf(tags: Int32Array, posteriors: Float64Array, labels: readonly string[]): ScoredRun[] {
  const states = 1 + 2 * labels.length
  const runs: ScoredRun[] = []
  for (let word = 0; word < tags.length; word++) {
    const tag = tags[word]!
    if (tag === 0) continue
    const score = posteriors[word * states + tag]!
    const open = tag % 2 === 0 ? runs.pop() : undefined
    runs.push({
      start: open?.start ?? word,
      end: word + 1,
      label: labels[(tag - 1) >> 1]!,
      score: Math.min(open?.score ?? 1, score),
    })
  }
  return runs
}
